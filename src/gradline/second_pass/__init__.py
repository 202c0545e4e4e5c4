"""What takes one more reading of the rows of a fit."""
