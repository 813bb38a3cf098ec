"""Hands out what is to be looked at, to others where there is much of it, and returns what was seen in the order of the lanes."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from tracer.compare.looking import Piece

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from concurrent.futures import Future
    from typing import TypeAlias

    from tracer.compare.looking import Looked, Looking
    from tracer.compare.seen import LaneSeen
    from tracer.model import LaneSummary

    Names: TypeAlias = tuple[str | None, str | None]
    LanePair: TypeAlias = tuple[LaneSummary | None, LaneSummary | None]

PART: Final = 2_000
"""Changed calls in a part of a giant lane, and calls of small lanes that are looked at together."""
_GIANT: Final = 10
"""Times as many calls as a part make a giant: until then all that is seen of a lane has room in memory at once."""
_TRIED: Final = 1_000
_WORTH: Final = 5_000
"""Changed calls that are looked at here first, to see how many there are among others; and so many that may follow, for others to be asked.

A changed call takes 0.1 to 0.2 ms, a process half a second to start.
"""
_PAIRED: Final = 32
"""Calls that are paired in the time that one changed call takes."""
_AHEAD: Final = 2
"""Pieces under way for each who looks."""
_MOST_WAITING: Final = 100_000
"""Calls in all pieces that are under way: what has come back waits in memory, 0.7 KB for each that changed."""


class Helpers(NamedTuple):
    """Who looks at the same two runs: `submit` hands a piece to one of so `many`. `worth` is how much has to follow for them to be asked."""

    submit: Callable[[Piece], Future[Looked]]
    many: int
    worth: int = _WORTH


class _Handed(NamedTuple):
    """A piece that somebody was given to look at, or nobody."""

    piece: Piece
    future: Future[Looked] | None


class Spread:
    """Looks at lanes, here or elsewhere: what is seen is the same, since it depends on the pieces alone."""

    def __init__(self, looking: Looking, helpers: Helpers | None, part: int = PART) -> None:
        self._looking = looking
        self._helpers = helpers
        self._part = part
        self._asking = False
        self.unreadable: frozenset[bytes] = frozenset()
        """Digests of the values that could not be read."""
        self._waiting: deque[_Handed] = deque()

    def seen(self, lanes: Sequence[LanePair]) -> Iterator[LaneSeen]:
        """Yield what is seen of lanes, in order; of a giant one part by part."""
        plan = _Plan(lanes, self._part)
        while (looked := self._next(plan)) is not None:
            self.unreadable |= looked.unreadable
            yield from looked.lanes

    def _next(self, plan: _Plan) -> Looked | None:
        """Return what is seen of the next piece."""
        self._hand_out(plan)
        while self._waiting and not plan.wants(self._waiting[0].piece):
            future = self._waiting.popleft().future
            if future is not None:
                future.cancel()
            self._hand_out(plan)
        if self._waiting:
            piece, future = self._waiting.popleft()
        elif (following := plan.next()) is not None:
            piece, future = following, None
        else:
            return None
        looked = self._answer(piece, future)
        plan.done(piece, looked)
        self._asking = self._asking or (self._helpers is not None and plan.follows >= self._helpers.worth)
        if (left_out := plan.left_out(piece, self._waiting[0].piece if self._waiting else None)) is not None:
            self._waiting.appendleft(self._handed(left_out))
        return looked

    def _hand_out(self, plan: _Plan) -> None:
        """Hand out what comes next, up to the most that may be under way."""
        while self._asking and self._helpers is not None and len(self._waiting) < _AHEAD * self._helpers.many:
            if sum(each.piece.calls for each in self._waiting) >= _MOST_WAITING or (piece := plan.next()) is None:
                return
            self._waiting.append(self._handed(piece))

    def _handed(self, piece: Piece) -> _Handed:
        try:
            return _Handed(piece, self._helpers.submit(piece) if self._asking and self._helpers is not None else None)
        except Exception:  # noqa: BLE001  (whatever keeps others from looking, it can be done here)
            self._helpers = None
            return _Handed(piece, None)

    def _answer(self, piece: Piece, future: Future[Looked] | None) -> Looked:
        """Return what somebody else saw of a piece; where nobody was asked, or they are gone or could not look, what is seen here."""
        try:
            return self._looking.look(piece) if future is None else future.result()
        except Exception:
            if future is None:
                raise
            self._helpers = None
            return self._looking.look(piece)


class _Plan:
    """What is to be looked at, cut into pieces by the lanes alone: whoever looks, the pieces are the same."""

    def __init__(self, lanes: Sequence[LanePair], part: int) -> None:
        self._todo = deque(_pieces(lanes, part))
        self._sizes = {_names(pair): _size(pair) for pair in lanes if _is_giant(pair, part)}
        self._last: dict[Names, int] = {}  # the last part of giant lanes that are through
        self._small = sum(map(_size, lanes)) - sum(self._sizes.values())  # calls that are left
        self._giant = sum(self._sizes.values())
        self._reached = 0  # in the giant lane that is looked at
        self._seen = 0
        self._changed = 0

    def next(self) -> Piece | None:
        """Return the next piece; of a giant lane so many parts as it is likely to have, unless one is known to be the last."""
        while self._todo and not (self.wants(self._todo[0]) and self._is_likely(self._todo[0])):
            self._todo.popleft()
        if not self._todo:
            return None
        piece = self._todo.popleft()
        if piece.part is not None:
            self._todo.appendleft(_after(piece))
        return piece

    def _is_likely(self, piece: Piece) -> bool:
        return not piece.part or piece.part * piece.size < self._sizes[piece.lanes[0]] * self._often

    def left_out(self, piece: Piece, following: Piece | None) -> Piece | None:
        """Return the next part of the lane that a piece is of, if there is one and it is not what was handed out to follow."""
        if piece.part is None or piece.lanes[0] in self._last:
            return None
        part = _after(piece)
        if part == following:
            return None
        if self._todo and self._todo[0] == part:
            self._todo[0] = _after(part)
        return part

    @property
    def _often(self) -> float:
        """How many of the calls that were looked at had changed."""
        return self._changed / self._seen if self._seen else 1.0

    def wants(self, piece: Piece) -> bool:
        """Whether there is such a part, as far as is known."""
        return piece.part is None or piece.part <= self._last.get(piece.lanes[0], piece.part)

    def done(self, piece: Piece, looked: Looked) -> None:
        """Take in what a piece came to: pieces come in order."""
        self._changed += sum(len(lane.calls) for lane in looked.lanes)
        reached = sum(lane.done for lane in looked.lanes)
        if piece.part is None:
            self._small -= reached
            self._seen += reached
            return
        self._giant -= reached - self._reached
        self._seen += reached - self._reached
        self._reached = reached
        if looked.lanes[0].last:
            self._last[piece.lanes[0]] = piece.part
            self._reached = 0

    @property
    def follows(self) -> float:
        """How much is likely to follow that others may take over, in changed calls. A giant lane each of them would have to pair anew."""
        if self._changed + self._seen / _PAIRED < _TRIED:
            return 0.0
        return self._small * (self._often + 1 / _PAIRED) + self._giant * self._often - self._reached / _PAIRED


def _pieces(lanes: Iterable[LanePair], part: int) -> Iterator[Piece]:
    """Yield small lanes some together, and of each giant one the first part."""
    first = True
    for together in _together(lanes, part):
        giant = _is_giant(together[0], part)
        calls = part if giant else sum(map(_size, together))
        yield Piece(tuple(map(_names, together)), part, calls, part=0 if giant else None, first=first)
        first = False


def _together(lanes: Iterable[LanePair], enough: int) -> Iterator[list[LanePair]]:
    """Yield lanes that are looked at together: so many that they have enough calls, and each giant one by itself."""
    some: list[LanePair] = []
    for pair in lanes:
        if some and (_is_giant(pair, enough) or sum(map(_size, some)) >= enough):
            yield some
            some = []
        some.append(pair)
        if _is_giant(pair, enough):
            yield some
            some = []
    if some:
        yield some


def _after(piece: Piece) -> Piece:
    """Return the next part of a giant lane."""
    assert piece.part is not None
    return piece._replace(part=piece.part + 1, first=False)


def _names(pair: LanePair) -> Names:
    old, new = pair
    return (old.name if old else None, new.name if new else None)


def _size(pair: LanePair) -> int:
    return max(lane.calls for lane in pair if lane is not None)


def _is_giant(pair: LanePair, part: int) -> bool:
    return _size(pair) > _GIANT * part
