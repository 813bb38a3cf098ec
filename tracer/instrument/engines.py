"""The choice of an engine."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tracer.instrument.probe import Engine

INJECTION_KNOWS: Final = ((3, 10), (3, 13))
"""The first and the last release of Python whose bytecode the injection engine knows."""


def default_engine() -> Engine:
    """Return the best engine for this Python: injected code where the bytecode is known, else `sys.monitoring`.

    Raises `RecordingError` where there is neither.
    """
    # Each is imported when it is chosen: the other would cost the host's start-up time for nothing.
    if INJECTION_KNOWS[0] <= sys.version_info[:2] <= INJECTION_KNOWS[1]:
        from tracer.instrument.injection.engine import InjectionEngine  # noqa: PLC0415

        return InjectionEngine()
    from tracer.instrument.monitoring import MonitoringEngine  # noqa: PLC0415

    return MonitoringEngine()
