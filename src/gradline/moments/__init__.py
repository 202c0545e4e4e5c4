"""One pass over the rows: cross-products in double-double."""

from gradline.moments.one_pass import Progress, accumulate
from gradline.moments.moments import Moments

__all__ = ["Moments", "Progress", "accumulate"]
