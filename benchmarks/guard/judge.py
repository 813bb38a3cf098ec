"""What counts as growth, given the figures that are stored and those counted now."""

from __future__ import annotations

from typing import Any

ALLOWED = 1.10
LEAST_ALLOCATIONS = 0.25
"""Allocations per call that are no growth: a buffer that had to grow in a few of the calls more."""

Counts = dict[str, dict[str, float]]
"""By what is counted (`instructions`, `allocations`), then by kind of call: what recording adds to one call."""


def comparable(entry: dict[str, Any], build: str, now: Counts) -> tuple[Counts, list[str]]:
    """Return the stored figures that hold for this build, and a sentence for each that does not.

    Args:
        entry: what is stored for this minor version: `build` and the figures by what is counted.
        build: what instructions depend on here. Allocations hold for every build.
        now: what was counted.
    """
    stored: Counts = {what: entry[what] for what in now if what in entry}
    told = [f"{what} are not compared, since none are stored for this Python" for what in now if what not in entry]
    if "instructions" in stored and entry.get("build") != build:
        del stored["instructions"]
        told.append(
            "instructions are not compared, since Python, the compiler or valgrind is another build than when they were stored"
        )
    return stored, told


def grown(stored: Counts, now: Counts) -> list[str]:
    """Return a sentence for each figure that grew by more than is allowed."""
    found = []
    for what, kinds in stored.items():
        slack = LEAST_ALLOCATIONS if what == "allocations" else 0
        for kind, before in kinds.items():
            after = now[what].get(kind)
            if after is None:
                found.append(f"{kind}: {what} are stored and were not counted")
            elif after > before * ALLOWED + slack:
                found.append(f"{kind}: {after:g} {what} more than a bare call, stored {before:g}")
    return found
