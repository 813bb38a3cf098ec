"""Sees watched modules as they are imported: their code object before it runs, the module after.

wrapt's post-import hooks must be told the names of the modules in advance; a boundary is a prefix and a project grows,
so the finder is our own. It loads nothing by itself: it asks the finders behind it, returns what they return, and puts
two instance attributes on the loader of a watched module, which are taken off again when the module has run. The same is done to
the loaders of those who ask no finder, but for the spec of a file.
"""

from __future__ import annotations

import sys
import weakref
from functools import partial
from importlib.util import LazyLoader, spec_from_file_location
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final, Protocol

from tracer.instrument.executing import Executing
from tracer.instrument.live import instance_dict
from tracer.instrument.living import lock_of_all
from tracer.instrument.probe import hear_of, told_of_returns

if TYPE_CHECKING:
    from collections import abc
    from importlib.machinery import ModuleSpec
    from types import CodeType, FrameType

    from tracer.instrument.probe import Engine

_HOOKED: Final[tuple[str, ...]] = ("get_code", "exec_module")
_turn: Final = lock_of_all()
"""One for all: those who watch at once share the hooks of a loader."""
_MAX_PLACES: Final = 4
"""How often our finder may stand in `sys.meta_path`: somebody else may insist on being first."""


class ImportSink(Protocol):
    """What is told of watched modules. None of its methods raises."""

    def is_watched(self, name: str, file: str | None) -> bool:
        """Whether a module about to be loaded is of interest."""
        ...

    def rewrite(self, name: str, code: CodeType) -> CodeType:
        """Return what is to run instead of a module's code object."""
        ...

    def executing(self, name: str) -> Any:
        """Take note of a module that is about to run; what is returned goes to `executed` or `failed`."""
        ...

    def executed(self, module: ModuleType, token: Any) -> None:
        """Take note of a module that has run."""
        ...

    def failed(self, name: str, token: Any) -> None:
        """Take note of a module whose import raised."""
        ...

    def unprepared(self, name: str, fault: Exception) -> None:
        """Take note of a module that could not be prepared for, by a fault of tracer's own."""
        ...

    def overtaken(self) -> None:
        """Take note that another finder stood in front, so that watched modules may have been imported unseen."""
        ...


class WatchingFinder:
    """A meta path finder that stands first and lets the others find.

    Whoever comes to stand in front (pytest, which loads plugins itself to rewrite their asserts) finds modules without us, so we go
    to the front again as soon as we see it. Our old place is kept: taking it away would make a thread that is walking
    the list at that moment pass over a finder.
    """

    def __init__(self, sink: ImportSink, engine: Engine) -> None:
        self._sink = sink
        self._engine = engine
        self._executing = Executing(engine, _chosen)
        self._hooks: dict[int, weakref.ref[_LoaderHook]] = {}

    def find_spec(
        self, name: str, path: abc.Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of the first finder behind this one that knows the module, its loader hooked if it is watched."""
        self.come_first()
        for finder in self._behind():
            ask = getattr(finder, "find_spec", None)
            if ask is None:
                # Before 3.12 the import system lets such a finder load by find_module; that stays its business.
                return None
            spec: ModuleSpec | None = ask(name, path, target)
            if spec is not None:
                self._prepare(spec)
                return spec
        return None

    def come_first(self) -> None:
        """Stand in front of all finders but others of this kind, if we stand in the list at all."""
        finders = tuple(sys.meta_path)
        front = next((finder for finder in finders if finder is self or type(finder) is not WatchingFinder), self)
        if front is not self and 0 < sum(finder is self for finder in finders) < _MAX_PLACES:
            sys.meta_path.insert(0, self)
            self._sink.overtaken()

    def watch_specs(self) -> None:
        """See the specs of files that are made for whoever loads them without a finder, until the engine detaches."""

        def entered_at(frame: FrameType) -> int | None:
            above = frame.f_back
            return None if above is None or above.f_globals is spec_from_file_location.__globals__ else 0

        def returned(_: int, spec: ModuleSpec | None) -> None:
            if spec is not None:
                try:
                    self._prepare(spec)
                except Exception as fault:  # noqa: BLE001 - the host's import goes on whatever happens to tracer
                    self._sink.unprepared(spec.name, fault)

        hear_of(self._engine, spec_from_file_location, told_of_returns(returned, entered_at))

    def leave(self) -> None:
        """Take ourselves out of the list, wherever we stand."""
        while self in sys.meta_path:
            sys.meta_path.remove(self)

    def _behind(self) -> list[Any]:
        # Finders in front have been asked already, and some have side effects.
        finders = tuple(sys.meta_path)
        if self not in finders:
            return []
        place = finders.index(self) + 1
        asked = {id(finder) for finder in finders[:place]}
        return list({id(finder): finder for finder in finders[place:] if id(finder) not in asked}.values())

    def _prepare(self, spec: ModuleSpec) -> None:
        loader: Any = spec.loader
        while type(loader) is LazyLoader:
            loader = vars(loader)["loader"]
        if loader is None or isinstance(loader, type):
            return  # a namespace package, or a builtin or frozen module: their loaders are classes, shared by the process
        if self._sink.is_watched(spec.name, spec.origin if spec.has_location else None):
            self._hook(loader, spec.name)

    def _hook(self, loader: Any, name: str) -> None:
        attributes = instance_dict(loader)
        if attributes is None or not hasattr(loader, "exec_module"):
            return
        with _turn:
            hook = _hook_of(attributes)
            if hook is None:
                hook = _LoaderHook(loader, attributes, self._executing)
            # The hook lives in the loader's own attributes; a loader that was only looked at goes, and the hook with it.
            self._hooks[id(hook)] = weakref.ref(hook, partial(_drop, self._hooks, id(hook)))
            hook.tell(self._sink, name)

    def unhook_all(self) -> tuple[str, ...]:
        """Tell nothing more, and take our attributes off every loader that nobody else is told of; a sentence for each that somebody wrapped since."""
        with _turn:
            hooks = [hook for hook in (reference() for reference in tuple(self._hooks.values())) if hook is not None]
            self._hooks.clear()
            return tuple(sentence for hook in hooks for sentence in hook.leave(self._sink))


def _drop(hooks: dict[int, weakref.ref[_LoaderHook]], key: int, _: object) -> None:
    hooks.pop(key, None)


def _hook_of(attributes: dict[str, Any]) -> _LoaderHook | None:
    found = attributes.get("exec_module")
    return found.args[0] if type(found) is partial and found.func is _exec_module else None


class _LoaderHook:
    """The two instance attributes of one loader. A zip file's loader serves many modules, so the names are kept here, each with who is told of it.

    Those who watch at once are told in the order in which they were asked for the module: who watches longest first, so that what one
    makes of a module's code the next is given.
    """

    __slots__ = ("__weakref__", "_attributes", "_before", "_chosen", "_ours", "_told", "exec_module", "get_code")

    def __init__(self, loader: Any, attributes: dict[str, Any], executing: Executing) -> None:
        self._told: dict[str, tuple[ImportSink, ...]] = {}
        self._chosen: dict[str, tuple[CodeType, CodeType]] = {}
        self._attributes = attributes
        self._before = {name: attributes[name] for name in _HOOKED if name in attributes}
        self.exec_module: abc.Callable[[ModuleType], None] = executing.of(loader.exec_module)
        self.get_code: abc.Callable[..., CodeType | None] | None = getattr(loader, "get_code", None)
        self._ours: dict[str, Any] = {"exec_module": partial(_exec_module, self)}
        if self.get_code is not None:
            self._ours["get_code"] = partial(_get_code, self)
        attributes.update(self._ours)

    def tell(self, sink: ImportSink, name: str) -> None:
        """Let one more be told of a module."""
        told = self.told(name)
        if sink not in told:
            self._told[name] = (*told, sink)

    def told(self, name: str) -> tuple[ImportSink, ...]:
        """Return who is told of a module."""
        return self._told.get(name, ())

    def rewrite(self, name: str, code: CodeType) -> CodeType:
        """Return what is to run in place of a module's code."""
        for sink in self.told(name):
            code = sink.rewrite(name, code)
        return code

    def choose(self, name: str, code: CodeType) -> CodeType:
        """Return what is to run in place of what the loader would execute as a module, once and for all."""
        if name not in self._told or code.co_name != "<module>":
            return code
        found = self._chosen.get(name)
        if found is None:
            found = self._chosen[name] = code, self.rewrite(name, code)
        return found[1] if found[0] is code else code

    def release(self, name: str) -> None:
        """Let nobody be told of a module any more, which has run."""
        with _turn:
            self._told.pop(name, None)
            self._chosen.pop(name, None)
            if not self._told:
                self._remove()

    def leave(self, sink: ImportSink) -> tuple[str, ...]:
        """Tell one nothing more; a sentence for each attribute that should have been taken off and is no longer ours."""
        left = {name: tuple(other for other in told if other is not sink) for name, told in self._told.items()}
        self._told = {name: told for name, told in left.items() if told}
        return () if self._told else self._remove()

    def _remove(self) -> tuple[str, ...]:
        """Put back what was there; a sentence for each attribute that is no longer ours."""
        left = []
        for name, ours in self._ours.items():
            if self._attributes.get(name) is ours:
                del self._attributes[name]
                if name in self._before:
                    self._attributes[name] = self._before[name]
            elif name in self._attributes and self._attributes[name] is not self._before.get(name):
                left.append(
                    f"a loader's {name} was replaced by somebody else after tracer had hooked it; it was left as it is"
                )
        self._ours = {}
        return tuple(left)


def _chosen(frame: FrameType, code: CodeType) -> CodeType:
    """Choose for an activation of a loader's own `exec_module`, which is given the module."""
    loader, module = (frame.f_locals.get(name) for name in frame.f_code.co_varnames[:2])
    attributes = instance_dict(loader)
    hook = None if attributes is None else _hook_of(attributes)
    return code if hook is None or not isinstance(module, ModuleType) else hook.choose(module.__name__, code)


def _as_import_machinery(function: Any) -> Any:
    """Return the function with the file name of importlib's own frames.

    The interpreter cuts importlib's frames out of the traceback of a failing import, and `warnings` does not count them
    for `stacklevel`: both go by this file name, and both would otherwise show that a frame of tracer stands in between.
    """
    code = function.__code__.replace(co_filename="<frozen importlib._bootstrap_external>")
    return FunctionType(code, function.__globals__, function.__name__)


@_as_import_machinery
def _get_code(hook: _LoaderHook, name: str, *rest: Any) -> CodeType | None:
    code: CodeType | None = hook.get_code(name, *rest)  # type: ignore[misc] # only put on loaders that have one
    return code if code is None else hook.rewrite(name, code)


@_as_import_machinery
def _exec_module(hook: _LoaderHook, module: ModuleType) -> None:
    name = module.__name__
    watching = [(sink, sink.executing(name)) for sink in hook.told(name)]
    try:
        hook.exec_module(module)
    except BaseException:
        for sink, token in reversed(watching):
            sink.failed(name, token)
        raise
    finally:
        hook.release(name)
    for sink, token in reversed(watching):
        sink.executed(module, token)
