"""One pass over the rows: cross-products in double-double or float64."""

from gradline.moments.moments import Moments
from gradline.moments.one_pass import Progress, accumulate

__all__ = ["Moments", "Progress", "accumulate"]
