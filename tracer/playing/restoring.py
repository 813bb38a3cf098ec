"""What a call did to its arguments, done again: the live objects become what their after-images say, in place."""

from __future__ import annotations

from typing import Any

from tracer.encoding import looks


def restore(live: Any, after: Any) -> None:
    """Make a live object, and what is inside it as far as it is the same kind of thing, what `after` is; one that cannot be changed stays."""
    _Restoring().restore(live, after)


class _Restoring:
    def __init__(self) -> None:
        self._done: dict[int, Any] = {}  # by the identity of what a thing becomes: the thing

    def restore(self, live: Any, after: Any) -> Any:
        """Return what is to stand where `live` stood: itself, changed, where it can be."""
        if live is after:
            return live
        known = self._done.get(id(after))
        if known is not None:
            return known
        kind = type(live)
        if kind is not type(after) or kind in _UNCHANGEABLE:
            return after
        self._done[id(after)] = live
        if isinstance(live, list):
            live[:] = self._items(live, after)
        elif isinstance(live, dict):
            self._mapping(live, after)
        elif isinstance(live, set):
            live.clear()
            live.update(after)
        elif isinstance(live, bytearray):
            live[:] = after
        self._attributes(live, after)
        return live

    def _items(self, live: list[Any], after: list[Any]) -> list[Any]:
        own = list(live)
        return [self.restore(own[at], item) if at < len(own) else item for at, item in enumerate(after)]

    def _mapping(self, live: dict[Any, Any], after: dict[Any, Any]) -> None:
        own = dict(live)
        live.clear()
        for key, item in after.items():
            live[key] = self.restore(own[key], item) if key in own else item

    def _attributes(self, live: Any, after: Any) -> None:
        own, new = _state(live), _state(after)
        for name in own:
            if name not in new:
                object.__delattr__(live, name)
        for name, item in new.items():
            object.__setattr__(live, name, self.restore(own[name], item) if name in own else item)


_UNCHANGEABLE = frozenset({str, int, float, bool, bytes, tuple, frozenset, type(None), complex})


def _state(value: Any) -> dict[str, Any]:
    """Return an object's attributes, past its own code."""
    if type(value).__module__ == "builtins":
        return {}
    names, values = looks.fields(value, looks.layout(type(value)))
    return {name: item for name, item in zip(names, values, strict=True) if type(name) is str}
