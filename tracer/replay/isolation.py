"""One component alone: what a call calls in other components is answered from the calls that were recorded inside it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from tracer.instrument.probe import Probe
from tracer.instrument.standins import answering
from tracer.model import Call, LaneSummary, Recording, columns_of
from tracer.playing.matchers import Matchers
from tracer.playing.player import Player
from tracer.playing.recorded import Recorded

if TYPE_CHECKING:
    from collections.abc import Callable as Function
    from collections.abc import Iterator, Mapping, Sequence
    from types import CodeType

    from tracer.encoding.encode import Encoder
    from tracer.encoding.redact import Redactor
    from tracer.instrument.discovery import CallableCode
    from tracer.model import BlockSummary, Callable, CallColumns
    from tracer.replay.task import Nested
    from tracer.replay.watching import Crossings

_NOTHING: Final[tuple[Any, ...]] = (lambda *_: None,) * 5
_SOURCE: Final = "the recording of this call"
_LANE: Final = "inside"


class Isolation:
    """Answers crossings while a call is made; others run. One call at a time.

    `thinned` are the callables of which some calls are known by sums alone, all else but `crossings` is as of `Player`.
    """

    def __init__(
        self,
        crossings: Crossings,
        encoder: Encoder,
        redactor: Redactor,
        allowed: Function[[str], bool],
        roots: Mapping[str, str],
        thinned: Sequence[str] = (),
    ) -> None:
        self._crossings = crossings
        self._parts = encoder, redactor, allowed, roots
        self._thinned = frozenset(thinned)
        self._lacked = False
        self._name: str | None = None
        self._arguments: list[Any] | None = None
        self._player: Player | None = None

    def begin(
        self, name: str, code: CodeType | None, callables: Mapping[str, Callable], inside: Sequence[Call]
    ) -> None:
        """Answer from these calls; the first call of the callable of that name is the one that is made, and runs."""
        del code
        self._name, self._arguments = name, None
        nouns = tuple({call.callable: callables[call.callable] for call in inside}.values())
        components = tuple({noun.component for noun in nouns})
        recorded = Recorded(_Inside(nouns, inside), components, Matchers())
        self._player = Player(recorded, _SOURCE, *self._parts)

    def end(self) -> list[Any] | None:
        """Answer no more; return the arguments of the call that was made as its callable had them, None where it did not run."""
        found, player = self._arguments, self._player
        self._lacked = player is not None and any(missed.callable in self._thinned for missed in player.misses)
        self._name = self._arguments = self._player = None
        return found

    def lacked(self) -> bool:
        """Whether the call that ended made one of a callable with calls that were recorded as sums alone: maybe that one."""
        return self._lacked

    def passed(self) -> tuple[Nested, ...]:
        """Return nothing: what is passed on otherwise is not answered, which shows in the outcome."""
        return ()

    def probe(self, code: CallableCode) -> Probe | None:
        """Return the hooks of a code object."""
        if code.left_out:
            return None

        def answer(noun: Callable, caller: Any, arguments: list[Any], proceed: Function[..., Any]) -> Any:
            player = self._player
            if player is None:
                return proceed()
            if self._name == noun.name:
                self._name, self._arguments = None, arguments
                return proceed()
            return player.answer(noun, caller, arguments, proceed)

        entered, entered_at = self._crossings.entered(code.callable.component)
        began, returned, raised, yielded, resumed = _NOTHING
        return answering(Probe(entered, began, returned, raised, yielded, resumed, entered_at), code, answer)


class _Inside:
    """The calls recorded inside one, as a run of their own."""

    def __init__(self, callables: tuple[Callable, ...], calls: Sequence[Call]) -> None:
        self._calls = [replace(call, parent=0) for call in calls]
        self.recording = Recording(callables=callables)
        self.lanes: Sequence[LaneSummary] = (LaneSummary(_LANE, len(calls), b""),)

    def blocks(self, lane: str) -> Sequence[BlockSummary]:
        """Return nothing: the calls lie in no blocks."""
        del lane
        return ()

    def calls(self, lane: str, block: int | None = None) -> Iterator[Call]:
        """Yield the calls."""
        del lane, block
        yield from self._calls

    def columns(self, lane: str, block: int) -> CallColumns:
        """Return the calls part by part."""
        del lane, block
        return columns_of(self._calls)
