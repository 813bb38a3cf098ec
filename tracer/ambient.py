"""The words for what a program reads of its surroundings: clocks, chance, the environment."""

from __future__ import annotations

from typing import Final

AMBIENT: Final = "<ambient>"
"""The component that such reads are recorded as calls of."""

AMBIENT_KINDS: Final = ("time", "random", "secrets", "uuid", "environ", "hash")
"""What may be read, by the names that users choose it by."""

CALLERS: Final = "callers"
"""Chosen beside kinds: reads of modules that are callers only count too, those of tests above all."""

CHOICES: Final = (*AMBIENT_KINDS, CALLERS)
"""All that may be chosen one by one."""
