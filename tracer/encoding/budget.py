"""How much of a value is looked at. Counted in visited nodes and bytes, never in time, so that two runs agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MAX_LEVELS: Final = 100
"""Containers inside one another; below that a value is cut. A tenth of Python's own default for calls."""

FLAT_WEIGHT: Final = 8
"""Items of a flat container that cost as much as one node elsewhere: they are packed in one C call."""

SHORT_TEXT: Final = 64
"""Characters of text that are kept even where no bytes are left: a name, a number, an identifier."""

HEAD_ITEMS: Final = 4
"""Items kept of a container that is cut."""

HEAD_BYTES: Final = 256
"""Characters or bytes kept of a text that is cut."""

WHOLE_BYTES: Final = 8 << 20
"""Up to this many bytes a text that is cut gets a digest of the whole; above, of samples."""

SAMPLES: Final = 256
SAMPLE_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class Limit:
    """Nodes visited and bytes kept of one argument or outcome."""

    nodes: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Budget:
    """The limits of one crossing.

    `arguments` holds for each argument (state is one: the receiver), before and after the call; `outcome` for what is returned,
    raised or yielded; `full` for either, on the crossings a recorder looks at in full.

    Chosen by `benchmarks/trials/state_cost.py`: 128 nodes of arguments instead of 32 cost four times as much on the suite of cachetools
    and twice on sqlparse's (state is nearly all of it); with 1,024 nodes 0 to 4 outcomes in 1,000 are cut. No budget brings state at every
    crossing below the cost of coverage.py: how often state is looked at at all is the recorder's to decide.
    """

    arguments: Limit = Limit(nodes=32, bytes=4 << 10)
    outcome: Limit = Limit(nodes=1024, bytes=128 << 10)
    full: Limit = Limit(nodes=16384, bytes=1 << 20)
