"""Gradient descent: in closed form from the moments, as the PyTorch loop, and what is known beforehand."""
