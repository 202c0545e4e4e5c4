"""The same sums from Dask, Ray and Spark: an adapter for each, and what they share in `job.py`."""
