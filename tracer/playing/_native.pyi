from collections import deque
from collections.abc import Callable
from typing import Any, final

from tracer.playing.recorded import Entry

@final
class Working:
    busy: bool

@final
class Ready:
    def __new__(
        cls,
        working: Working,
        whole: Callable[[list[Any]], bytes],
        exact: dict[bytes, deque[Entry]],
        looking: list[None],
        finish: Callable[[Entry, list[Any]], Any],
        unready: object,
        entry_type: type[Entry],
    ) -> Ready: ...
    def __call__(self, arguments: list[Any], /) -> Any: ...
