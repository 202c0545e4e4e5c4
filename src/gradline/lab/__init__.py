"""The lab: gradient descent to look at, in a browser or a notebook."""
