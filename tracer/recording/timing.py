"""When each call began and ended, where someone asked for it: hooks around the hooks of a crossing.

The clock is read last at a beginning and first at an end, so that encoding a call's own arguments and result is no part of its time;
that of the calls made in it is. Calls past the budget of detail have no times. The time of an item that a generator hands out is not taken.
"""

from __future__ import annotations

from dataclasses import replace
from time import monotonic_ns
from typing import TYPE_CHECKING, Any, Final

from tracer.recording.crossing import is_kept

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracer.instrument.probe import Probe
    from tracer.recording.crossing import Sink

_clock: Final = monotonic_ns  # one clock for all processes of a machine; the host may replace its own name for it


def timed(probe: Probe, sink: Sink) -> Probe:
    """Return the probe with the two readings of the clock around each call that is recorded."""
    inner = probe.began

    def began(caller: Any, arguments: list[Any]) -> Any:
        token = inner(caller, arguments)
        if token is not None and is_kept(token):
            sink.journal.began(token[0], _clock())
        return token

    return replace(probe, began=began, returned=_ending(probe.returned, sink), raised=_ending(probe.raised, sink))


def _ending(inner: Callable[[Any, Any], None], sink: Sink) -> Callable[[Any, Any], None]:
    def ended(token: Any, value: Any) -> None:
        if token is not None and sink.active and is_kept(token):
            sink.journal.ended(token[0], _clock())
        inner(token, value)

    return ended
