"""Results as text. No numerics here: what is printed was computed in the rooms on the left."""
