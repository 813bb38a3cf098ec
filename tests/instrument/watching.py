"""A recorder of the simplest kind, and packages written for one test."""

from __future__ import annotations

import sys
from textwrap import dedent
from typing import TYPE_CHECKING, Any

from tracer.instrument.instrumentation import Instrumentation
from tracer.instrument.probe import Probe

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from types import FrameType

    from tracer.instrument.discovery import CallableCode
    from tracer.instrument.probe import Engine
    from tracer.model import Callable


class Watch:
    """Watches all modules below some prefixes; `calls` holds (name, arguments) in the order calls began.

    `callers` is a prefix of modules whose call sites are to tell of calls into C extensions.
    """

    def __init__(
        self,
        *prefixes: str,
        engine: Engine | None = None,
        excluded: Iterable[str] = (),
        component: str = "",
        callers: str = "",
    ) -> None:
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.outcomes: list[tuple[str, Any]] = []
        self.left_out: list[str] = []
        self.lost: list[tuple[str, str]] = []
        self.components: list[str] = []
        self._excluded = frozenset(excluded)
        self._prefixes = prefixes
        self._component = component

        def caller_of(name: str, file: str | None) -> str | None:
            return name if name.startswith(callers) else self._component_of(name, file)

        self.instrumentation = Instrumentation(
            self._component_of,
            self._wanted,
            self._make_probe,
            engine,
            caller_of=caller_of if callers else None,
            boundaries=prefixes,
        )

    def __enter__(self) -> Watch:  # noqa: PYI034 - typing.Self is newer than Python 3.10
        self.instrumentation.start()
        return self

    def __exit__(self, *_: object) -> None:
        left = self.instrumentation.stop()
        assert left == ()
        assert self.instrumentation.report.own_failures == ()

    @property
    def names(self) -> list[str]:
        """The names of the calls, in order."""
        return [name for name, _ in self.calls]

    def callable(self, name: str) -> Callable:
        """The one watched callable of that name."""
        (found,) = [noun for noun in self.instrumentation.callables() if noun.name == name]
        return found

    def _component_of(self, name: str, file: str | None) -> str | None:
        inside = any(name == prefix or name.startswith(prefix + ".") for prefix in self._prefixes)
        return (self._component or name) if inside else None

    def _wanted(self, name: str) -> bool:
        return name not in self._excluded

    def _make_probe(self, noun: Callable, code: CallableCode) -> Probe:
        def entered_at(frame: FrameType) -> Any:
            if code.left_out:
                self.left_out.append(code.callable.name)
                return None
            if not code.freevar:
                return code.callable
            return code.bound.get(id(frame.f_locals.get(code.freevar)), code.callable)

        def began(ticket: Callable, arguments: list[Any]) -> Callable:
            self.calls.append((ticket.name, tuple(arguments)))
            self.components.append(ticket.component)
            return ticket

        return Probe(
            entered=lambda: entered_at(sys._getframe(1)),
            began=began,
            returned=lambda token, value: self.outcomes.append((token.name, value)),
            raised=lambda token, error: self.outcomes.append((token.name, error)),
            yielded=lambda token, item: None,
            resumed=lambda token, item: None,
            entered_at=entered_at,
            lost=lambda reason: self.lost.append((noun.name, reason)),
        )


def write(folder: Path, files: dict[str, str]) -> None:
    """Write modules, dedented."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
