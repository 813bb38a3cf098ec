from collections.abc import Callable
from mmap import mmap

def find_frames(
    data: mmap | bytes, segments: list[tuple[int, int]], rare: Callable[[int, bytes], object], /
) -> tuple[int, tuple[bytes, bytes], int, int, bytes, bytes, bytes, bytes, bytes, bytes, bytes]: ...
