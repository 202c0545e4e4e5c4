"""The same sums from Dask, Ray and Spark: an adapter for each, a screenful, and what they share in `job.py`."""
