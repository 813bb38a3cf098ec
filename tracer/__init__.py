"""Record every call that crosses a module boundary, and name what a change did to them.

PYTEST_DONT_REWRITE: this package holds a pytest plugin and is imported before pytest, which would warn that it cannot rewrite it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracer.errors import (
    BehaviourChanged,
    CallNotRecorded,
    CallsNotPlayed,
    CannotRevive,
    CassetteDamaged,
    CassetteError,
    CassetteMangled,
    CassetteNotFound,
    CassetteTooNew,
    ConfigError,
    NotACassette,
    RecordingError,
    ReplayError,
    ReviewError,
    SelectionError,
    TracerError,
)
from tracer.version import VERSION

if TYPE_CHECKING:
    from tracer.api import Cassette as cassette  # noqa: N813  (they are used as functions are)
    from tracer.api import Playback as playback  # noqa: N813
    from tracer.api import Recording as record  # noqa: N813
    from tracer.api import diff
    from tracer.compare.result import Comparison, Finding
    from tracer.rules import Rule

__version__ = VERSION

__all__ = [
    "BehaviourChanged",
    "CallNotRecorded",
    "CallsNotPlayed",
    "CannotRevive",
    "CassetteDamaged",
    "CassetteError",
    "CassetteMangled",
    "CassetteNotFound",
    "CassetteTooNew",
    "Comparison",
    "ConfigError",
    "Finding",
    "NotACassette",
    "RecordingError",
    "ReplayError",
    "ReviewError",
    "Rule",
    "SelectionError",
    "TracerError",
    "cassette",
    "diff",
    "playback",
    "record",
]

# Loaded on first use: a traced process and every pytest run import this package and need none of it.
_LAZY = {
    "Comparison": ("tracer.compare.result", "Comparison"),
    "Finding": ("tracer.compare.result", "Finding"),
    "Rule": ("tracer.rules", "Rule"),
    "cassette": ("tracer.api", "Cassette"),
    "diff": ("tracer.api", "diff"),
    "playback": ("tracer.api", "Playback"),
    "record": ("tracer.api", "Recording"),
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    from importlib import import_module  # noqa: PLC0415

    module, attribute = _LAZY[name]
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted(__all__)
