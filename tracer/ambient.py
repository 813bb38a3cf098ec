"""The words for what a program reads of its surroundings: clocks, chance, the environment."""

from __future__ import annotations

from typing import Final

AMBIENT: Final = "<ambient>"
"""The component that such reads are recorded as calls of."""

AMBIENT_KINDS: Final = ("time", "random", "secrets", "uuid", "environ", "hash")
"""What may be read, by the names that users choose it by."""
