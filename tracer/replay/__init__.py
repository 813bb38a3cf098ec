"""Recorded calls made again on today's code: rebuilt, invoked in processes of their own, and written as a recording of the same shape."""
