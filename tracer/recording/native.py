"""Whether the hooks of a crossing are the C ones. They do the same; where no compiler was at hand, or `TRACER_PURE` says so, Python does it all."""

from __future__ import annotations

from contextlib import suppress
from mmap import mmap
from typing import TYPE_CHECKING, Any, Final

from tracer.compiled import WANTED

Entered: Any = None
Half: Any = mmap
Kernel: Any = None
Rest: Any = None
Roomy: Any = None
Tally: Any = None
Thin: Any = None
if WANTED:
    with suppress(ImportError):  # no compiler, another Python than it was built for, a subinterpreter
        from tracer.recording._native import Entered, Half, Kernel, Rest, Roomy, Tally, Thin  # noqa: F401  (for crossing.py)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracer.recording import _native
    from tracer.storage import journal

HALF: Final[Callable[..., journal.Half]] = Half
"""What maps the halves of a journal; those of C take a frame from the hooks without a call."""


def in_use() -> bool:
    """Say whether recorders of this process use the C hooks."""
    return Kernel is not None


def entered(known: dict[Any, int], own: int, fallback: Callable[[], int | None]) -> Callable[[], int | None]:
    """Return the hook that says who calls: `fallback` itself where there is no other."""
    if not in_use():
        return fallback
    found: Callable[[], int | None] = Entered(known, own, fallback)
    return found


def roomy(callback: Callable[..., None]) -> Callable[..., None]:
    """Return `callback` with room on the stack whenever it is called; as it is where there is no C."""
    if Roomy is None:
        return callback
    made: Callable[..., None] = Roomy(callback)
    return made


def kernel(**parts: Any) -> _native.Kernel | None:
    """Return what makes the other hooks of one recorder; None where Python makes them."""
    if not in_use():
        return None
    made: _native.Kernel = Kernel(**parts)
    return made
