"""How much of a value is looked at. Counted in visited nodes and bytes, never in time, so that two runs agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

MAX_LEVELS: Final = 100
"""Containers inside one another; below that a value is cut. A tenth of Python's own default for calls."""

FLAT_WEIGHT: Final = 8
"""Items of a flat container that cost as much as one node elsewhere: they are packed in one C call."""

FEW_ITEMS: Final = 32
"""Items of a flat container that is told whole wherever it is an argument, also where objects are only named."""

FLAT_NODES: Final = 1 + 2 * FEW_ITEMS // FLAT_WEIGHT
"""Nodes that such a container costs at most: a dict of that many scalars."""

SHORT_TEXT: Final = 64
"""Characters of text that are kept even where no bytes are left: a name, a number, an identifier."""

NEIGHBOUR_NODES: Final = 8
"""Nodes kept back for each later item of a container while an item is encoded. More would cut values that fit as a whole."""

HEAD_ITEMS: Final = 4
"""Items kept of a container that is cut."""

HEAD_BYTES: Final = 256
"""Characters or bytes kept of a text that is cut."""

WHOLE_BYTES: Final = 8 << 20
"""Up to this many bytes a text that is cut gets a digest of the whole; above, of samples."""

SAMPLES: Final = 256
SAMPLE_BYTES: Final = 4096


class Limit(NamedTuple):
    """Nodes visited and bytes kept of one argument or outcome. A tuple, for the walk in C."""

    nodes: int
    bytes: int


_ARGUMENTS: Final = Limit(nodes=64, bytes=8 << 10)
_OUTCOME: Final = Limit(nodes=512, bytes=64 << 10)
_REPEATED: Final = Limit(nodes=128, bytes=16 << 10)
_ALL: Final = 1 << 30  # crossings; what fits into a long of C everywhere
_FULL: Final = Limit(nodes=4096, bytes=1 << 20)


@dataclass(frozen=True, slots=True)
class Budget:
    """The limits of one crossing.

    `arguments` holds for all arguments of a call together (state is one: the receiver), before and after the call, on the crossings a
    recorder looks at in full; on the others what is no scalar and no small flat list, tuple or dict is only named. `outcome` holds for what
    is returned, raised or yielded, `repeated` for the same where it is not looked at in full.

    State encoded at every method call is quadratic, and it is most of the cost: on the suites of cachetools, tomlkit and sqlparse
    77 to 99 % of the time went into arguments (`benchmarks/trials/state_cost.py`). With 1,024 nodes at most 1 outcome in 250 is cut.
    Every test is a lane, so most crossings of a suite are the first in theirs, and what is looked at in full must not be dear either:
    pluggy's suite, whose hooks hand on all of pytest's state, is where more nodes cost most (`benchmarks/transparency`).

    `first` is how many crossings of a callable in a lane are looked at in full; after them, each that is a power of two.
    """

    arguments: Limit = _ARGUMENTS
    outcome: Limit = _OUTCOME
    repeated: Limit = _REPEATED
    first: int = 4


BUDGETS: Final[dict[str, Budget]] = {
    "sampled": Budget(),
    "full": Budget(arguments=_FULL, outcome=_FULL, repeated=_FULL, first=_ALL),
}
"""By the detail that was asked for. In full, every crossing is looked at alike, and so far that what is data can be made again."""
