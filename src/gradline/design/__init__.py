"""From a table and a request to the columns of numbers that a model is made of."""
