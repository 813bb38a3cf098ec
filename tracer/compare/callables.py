"""What recordings say about the callables themselves, calls or not: gone, another signature, other code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracer.ambient import AMBIENT
from tracer.compare.origins import Code
from tracer.compare.signatures import SignatureChange, signature_changes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracer.model import Recording


class Callables:
    """The callables of two recordings, by name. `ambient` are those that stand for reads of the surroundings."""

    def __init__(self, old: Recording, new: Recording) -> None:
        self.old = {each.name: each for each in old.callables}
        self.new = {each.name: each for each in new.callables}
        self.ambient = frozenset(each.name for each in (*old.callables, *new.callables) if each.component == AMBIENT)
        self._modules = {_module(name) for name in self.new}
        self._watched = {component.name for component in new.components if component.watched}
        self._components = {component.name for component in (*old.components, *new.components)}
        self._same_python = old.python == new.python
        self._homes: dict[str, str] = {}
        self._codes: dict[str, Code] = {}
        self._same_code: dict[str, bool] = {}
        self._changed: dict[str, list[str]] | None = None

    def signatures(self) -> Iterator[tuple[str, SignatureChange]]:
        """Yield each change of a signature with its callable."""
        for name, old in self.old.items():
            if name in self.new:
                yield from ((name, change) for change in signature_changes(old, self.new[name]))

    def missing(self) -> Iterator[str]:
        """Yield callables that are gone from modules that are still there. A module that was not imported says nothing."""
        for name in self.old:
            if self.is_gone(name) and _module(name) in self._modules and "<" not in name:
                yield name

    def is_gone(self, name: str) -> bool:
        """Whether the new run would have seen the callable, were it still there."""
        old = self.old.get(name)
        if old is None or name in self.new or not self.new or name in self.ambient:
            return False
        return not self._watched or old.component in self._watched

    def code(self, name: str) -> Code:
        """Say whether the code of a callable, or that of the inner callables it reaches, has changed.

        Every release of Python makes other code of the same text: then it is not known.
        """
        if name not in self._codes:
            self._codes[name] = self._code(name)
        return self._codes[name]

    def _code(self, name: str) -> Code:
        old, new = self.old.get(name), self.new.get(name)
        if old is None or new is None or not old.code or not new.code or not self._same_python:
            return Code.UNKNOWN
        return Code.SAME if (old.code, old.reach) == (new.code, new.reach) else Code.OTHER

    def owns(self, name: str, inside: tuple[str, ...]) -> bool:
        """Whether what lies inside objects of these types, outermost first, is kept by the component of a callable.

        The innermost type that a component defines decides; types of no component (the standard library's) hold for others.
        """
        home = next((home for type_ in reversed(inside) if (home := self._home(type_))), "")
        return bool(home) and home == self.component_of(name)

    def component_of(self, name: str) -> str:
        """Return the component of a callable, "" for one that is not known."""
        known = self.new.get(name) or self.old.get(name)
        return known.component if known else ""

    def _home(self, type_: str) -> str:
        """Return the component that defines a type, "" where none does."""
        if type_ not in self._homes:
            parts = _module(type_).split(".") if ":" in type_ else []
            prefixes = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
            self._homes[type_] = next((prefix for prefix in prefixes if prefix in self._components), "")
        return self._homes[type_]

    def component_unchanged(self, name: str) -> bool:
        """Whether the component of a callable has the same callables with the same code on both sides, as far as is known."""
        component = self.component_of(name)
        if component not in self._same_code:
            old, new = (
                {n: c.code for n, c in side.items() if c.component == component} for side in (self.old, self.new)
            )
            self._same_code[component] = old == new and any(old.values())
        return self._same_code[component]

    def suspects(self, name: str, made_by: str = "") -> tuple[str, ...]:
        """Return the callables with other code that an origin may come from, sorted.

        Of a callable with other code those that it reaches; of one with the same code those of its component, which may have left it
        something that was not recorded. Of a call the one it was `made_by`, if that has other code, and what this may come from.
        """
        if made_by:
            itself = (made_by,) if self._has_other_code(made_by) else ()
            return (*itself, *self.suspects(made_by))
        if self.code(name) is Code.OTHER:
            before, after = dict(self.old[name].reach), dict(self.new[name].reach)
            return tuple(sorted(each for each in {*before, *after} if before.get(each) != after.get(each)))
        return self._changed_beside(self.component_of(name))

    def _has_other_code(self, name: str) -> bool:
        old, new = self.old.get(name), self.new.get(name)
        return bool(self._same_python and old and new and old.code != new.code)

    def _changed_beside(self, component: str) -> tuple[str, ...]:
        """Return the callables of a component that have other code themselves."""
        if self._changed is None:
            self._changed = {}
            for name, each in sorted(self.new.items()):
                if each.component and self._has_other_code(name):
                    self._changed.setdefault(each.component, []).append(name)
        return tuple(self._changed.get(component, ()))


def _module(name: str) -> str:
    return name.partition(":")[0]
