"""Whether this process is to use what is written in C where it was built."""

from __future__ import annotations

import os
from typing import Final

PURE: Final = "TRACER_PURE"
"""The environment variable that, set to anything but nothing or 0, has everything done in Python."""

WANTED: Final = os.environ.get(PURE, "0") in {"", "0"}
"""Whether this process is to use C where it was built."""
