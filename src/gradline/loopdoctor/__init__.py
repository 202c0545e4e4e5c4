"""Classic mistakes of a training loop, found while it runs; numerics of training itself are in `descent/`."""
