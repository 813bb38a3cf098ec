"""The facade of this room: watches the callables of chosen modules, whenever and however they are imported."""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final

from tracer.instrument import live, makers, script
from tracer.instrument.adoption import Adoption
from tracer.instrument.callers import CallingCode
from tracer.instrument.callsites import CallSites
from tracer.instrument.copied import Copies, watching
from tracer.instrument.decorated import Wrappers
from tracer.instrument.discovery import Catalogue, ModuleRecord, rename
from tracer.instrument.engines import default_engine
from tracer.instrument.foreign import ForeignCallables
from tracer.instrument.foreign_types import ForeignTypes
from tracer.instrument.imports import WatchingFinder
from tracer.instrument.injection.pickled import namers
from tracer.instrument.living import lock_of_all
from tracer.instrument.reach import Reach
from tracer.instrument.replacing import has_touched
from tracer.instrument.signatures import class_module
from tracer.model import DEFAULT_LEFT_OUT

if TYPE_CHECKING:
    from collections import abc
    from contextlib import AbstractContextManager
    from types import FrameType

    from tracer.instrument.discovery import CallableCode
    from tracer.instrument.injection.sites import Swap
    from tracer.instrument.probe import Engine, Probe
    from tracer.model import Callable

MAX_KEPT_FAILURES: Final = 100

_turn: Final = lock_of_all()
"""One for all: what one finds in a live function, another that stops would replace before it is instrumented."""


LOOKS: Final = ("getrefcount", "co_code", "co_consts")
"""Names by which a program may see that a function is watched."""


@dataclass(frozen=True, slots=True)
class ComponentReport:
    """How much of one component is watched."""

    component: str
    modules: int
    callables: int


@dataclass(frozen=True, slots=True)
class InstrumentationReport:
    """What is watched and what could not be.

    `unreachable` holds (callable name, reason), `failed_imports` the watched modules whose import raised,
    `own_failures` a sentence for each fault of tracer's own that was kept away from the host, `replaced` the names that lead to a wrapper now,
    `looking` (what, callable name) for what is named of `LOOKS`.
    """

    components: tuple[ComponentReport, ...]
    unreachable: tuple[tuple[str, str], ...]
    failed_imports: tuple[str, ...]
    own_failures: tuple[str, ...]
    replaced: tuple[str, ...]
    looking: tuple[tuple[str, str], ...]


class Instrumentation:
    """Watches every callable of the watched modules from `start` to `stop`.

    component_of: given a module's name and file (None where it has none), the name of its component if it is watched, else None.
    wanted: given a callable's name, `module:qualname`, whether include and exclude patterns let it through.
    make_probe: called once for each code object found, with the callable as known so far and the `CallableCode` that keeps the
        current state of knowledge. It returns the probe, or None to leave the callable alone. It may be called from any thread
        that imports, under this object's lock; it must not import.
    name_of: given a module's name and file, the name its callables go by; that of a script that runs is not `__main__`.
    engine: the mechanism; the best one for this Python where None is given.
    left_out: simple names of methods whose `CallableCode.left_out` is set, so that they are counted instead of recorded.
    caller_of: as `component_of`, the name by which a module is known as a caller, None for those that are looked through. Calling modules
        are instrumented where they may call a watched C extension; none is where this is not given.
    boundaries: prefixes of watched modules, each a component; where one holds an extension, callers are known to be of interest before that is loaded.
    names: prefixes of modules that may be watched without a boundary, for the same.
    folders: where such modules may lie beside `sys.path`, which a program extends as it begins.
    swap: what takes the place of what watched modules call and read from (see `injection.sites.Swap`), where the engine knows call sites;
        with `swap_for_callers` of what all calling modules do.
    found: called with the name and the file of each module about to be loaded.
    importing, imported: called with the name of a watched module before its body runs, and with what that returned after it.
        They do not raise.

    Threads may import while this is active. Nothing of the host's own code is run. `script_is_blind` says whether a script is the main program
    while C types are watched: nobody sees the methods of these that its statements outside of functions call. What `aside` gives is entered around work that reads and
    rewrites much code, so that whoever looks at every call may look away.
    """

    def __init__(
        self,
        component_of: abc.Callable[[str, str | None], str | None],
        wanted: abc.Callable[[str], bool],
        make_probe: abc.Callable[[Callable, CallableCode], Probe | None],
        engine: Engine | None = None,
        *,
        name_of: abc.Callable[[str, str | None], str] = lambda name, _: name,
        left_out: frozenset[str] = DEFAULT_LEFT_OUT,
        caller_of: abc.Callable[[str, str | None], str | None] | None = None,
        boundaries: tuple[str, ...] = (),
        names: tuple[str, ...] = (),
        folders: tuple[str, ...] = (),
        swap: Swap | None = None,
        swap_for_callers: bool = False,
        found: abc.Callable[[str, str | None], None] = lambda _, __: None,
        importing: abc.Callable[[str], Any] = lambda _: None,
        imported: abc.Callable[[Any], None] = lambda _: None,
    ) -> None:
        self.aside: abc.Callable[[], AbstractContextManager[None]] = nullcontext
        self._found = found
        self._importing = importing
        self._imported = imported
        self._awaited: dict[str, abc.Callable[[ModuleType], None]] = {}
        self._guests: set[str] = set()  # hooked because they are awaited or may call extensions, and in no component
        self._component_of = component_of
        self._caller_of = caller_of
        self.script_is_blind = False
        self._main = ""  # how the main program was met: "whole", or "exchanged" in its functions and classes alone
        self._name_of = name_of
        self._engine = engine if engine is not None else default_engine()
        self._catalogue = Catalogue(wanted, make_probe, left_out)
        self._finder = WatchingFinder(self, self._engine)
        wrappers = Wrappers(self._catalogue, wanted)
        note = partial(self._note, "instrument module")
        knows_calls = caller_of is not None and self._engine.tells_of_calls
        self._types = ForeignTypes(component_of, wanted, make_probe, left_out) if knows_calls else None
        self._foreign = ForeignCallables(wanted, make_probe, self._types, partial(_runs_script, caller_of))
        self._expected = boundaries, names, folders
        sites = self._call_sites(self._types) if self._types is not None else None
        self._callers = CallingCode(
            sites, self._engine, caller_of, component_of, self._catalogue.probe_of, swap, for_callers=swap_for_callers
        )
        self._adoption = Adoption(self._catalogue, self._engine, wrappers, note, self._callers.hooks_of)
        self._lock = _turn
        self._replaced: dict[str, ModuleRecord | None] = {}
        self._unfinished: list[ModuleType] = []
        self._failed_imports: dict[str, None] = {}
        self._own_failures: list[str] = []
        self._engine.choose_codes(self._put_in)
        self._copies = Copies(self._probe_of_copy, partial(self._note, "watch a copy of"))

    def _call_sites(self, types: ForeignTypes) -> CallSites:
        note = partial(self._note, "judge a call of", "a C extension")
        return CallSites(types, self._foreign.watched, self._component_of, note)

    def start(self) -> None:
        """Watch imports from now on, and instrument the watched modules that are there already."""
        with self._lock:
            self._callers.expect(*self._expected)
            watching.append(self._copies)
            namers.append(self._catalogue.name_of_hook)
        sys.meta_path.insert(0, self._finder)
        self._finder.watch_specs()
        runs = script.Runs(self._engine, self._script_begins, self._script_ran)
        runs.watch()
        self.sweep()
        self._listen_in(makers.MAKERS, partial(makers.watch, self._engine, made=self._made))
        self._listen_in(script.TOOLS, runs.watch_tool)

    def stop(self) -> tuple[str, ...]:
        """Undo everything that is still ours; return a sentence for each thing that could not be undone."""
        self._finder.leave()
        with self._lock:
            if self._is_at_work():  # stopping may be asked for twice
                watching.remove(self._copies)
                namers.remove(self._catalogue.name_of_hook)
            self._callers.stop()
            return (*self._finder.unhook_all(), *self._foreign.restore(), *self._engine.detach())

    def sweep(self) -> None:
        """Instrument the watched modules in `sys.modules` that were imported behind our back.

        Those are the ones imported before `start`, and those loaded by a finder that was put in front of ours later.
        """
        with self._lock, self.aside():
            waiting = [
                module
                for module in _unique(tuple(sys.modules.values()))
                if issubclass(type(module), ModuleType) and self._needs_adopting(module)
            ]
            self._adopt_all(waiting)

    def come_first(self) -> None:
        """Let our finder stand first again, now that somebody has put another one in front of it."""
        self._finder.come_first()

    def when_imported(self, name: str, tell: abc.Callable[[ModuleType], None]) -> None:
        """Call `tell` with a module, watched or not, once its body has run; it must be written in Python. It does not raise."""
        self._awaited[name] = tell

    def expect_script(self) -> None:
        """Watch the functions of a script that the interpreter is about to run from their making on. To be called while the interpreter starts."""
        script.expect(self._script_met)

    def has_met(self, script: str) -> bool:
        """Whether the code of a script that goes by a name was met before it ran."""
        return any(record.rewritten and record.shown == script for record in tuple(self._catalogue.modules.values()))

    def adopt(self, module: ModuleType) -> None:
        """Instrument a module's live functions now. Does nothing where the module is neither watched nor a caller of extensions."""
        with self._lock, self.aside():
            self._adopt_all([module])
            self._guarded(self._callers.executed, module)

    def callables(self) -> tuple[Callable, ...]:
        """Return all watched callables with all that is known of them, sorted by name; code hashes and reach are computed here."""
        with self._lock:
            self._adoption.settle_remaining()
            reach = Reach(self._catalogue.modules.values())
            found = self._foreign_callables()
            for record in self._catalogue.modules.values():
                for known in record.codes:
                    if known.probe is None:
                        continue
                    code, inner = reach.hash_of(known), reach.of(known)
                    for noun in (known.callable, *known.bound.values()):
                        if noun is not None:
                            found[noun.name] = replace(noun, code=code, reach=inner)
            return tuple(found[name] for name in sorted(found))

    def known_code(self, code: CodeType) -> CallableCode | None:
        """Return what is known of the code object of a frame or function; None where it is not of a watched module."""
        # Asked as well when all is undone.
        return self._catalogue.find(self._engine.original(code)) or self._catalogue.find_beneath(code)

    def code_of(self, function: FunctionType) -> CodeType:
        """Return the code of a live function as it was compiled."""
        return self._engine.original(function.__code__)

    def foreign_function(self, value: Any) -> tuple[str, str] | None:
        """Return the component and the name of a callable object without Python code that is watched, None for any other object."""
        noun = self._foreign.noun(value)
        return (noun.component, noun.name) if noun is not None else None

    def foreign_name(self, kind: type, path: str) -> tuple[str, str] | None:
        """Return the component of a watched C type, and what a callable at `path` in its module is called; None for any other type."""
        home = self._types.home(kind) if self._types is not None else None
        return (home.component, home.name_of(path)) if home is not None else None

    def functions(self) -> dict[str, Any]:
        """Return the live Python functions that names of watched modules and their classes lead to, by the names of their callables.

        Each takes all its arguments, the receiver first. What only exists inside a call is not among them.
        """
        found: dict[str, Any] = {}
        with self._lock:
            for record in tuple(self._catalogue.modules.values()):
                module = sys.modules.get(record.name)
                if module is None or not issubclass(type(module), ModuleType):
                    continue
                for binding in live.bindings(record.name, live.module_namespace(module)):
                    name = self._adoption.name_of(binding.function)
                    if name and "<locals>" not in name:
                        found.setdefault(name, binding.function)
        return found

    def held(self) -> Counter[str]:
        """Count, by callable, what holds an object whose name leads to a wrapper, beside that name: calls through it are not recorded."""
        with self._lock:
            return self._foreign.held()

    def unwatched(self) -> tuple[str, ...]:
        """Return the names of functions that names of watched modules lead to by now and that are not watched: made behind our back.

        So were all of a module that was imported behind it. The main program is left out: what it has defined is looked at as it goes on.
        """
        found: dict[int, str] = {}
        with self._lock:
            spaces = [(record, live.module_namespace(module)) for record, module in self._watched_modules()]
            homes = {id(namespace) for _, namespace in spaces}
            for record, namespace in spaces:
                for binding in live.bindings(record.name, namespace):
                    function = binding.function
                    # The name may lead to a wrapper that another watched module made.
                    if id(function.__globals__) in homes and self._adoption.known_code(function) is None:
                        found.setdefault(id(function), record.name_of(binding.path))
        return tuple(found.values())

    def _watched_modules(self) -> abc.Iterator[tuple[ModuleRecord, ModuleType]]:
        """Yield the watched modules that are loaded but the main program, those that nobody saw being imported with a record of their own."""
        for record in tuple(self._catalogue.modules.values()):
            module = sys.modules.get(record.name)
            if record.name != "__main__" and module is not None and issubclass(type(module), ModuleType):
                yield record, module
        for module in _unique(tuple(sys.modules.values())):
            if issubclass(type(module), ModuleType) and self._needs_adopting(module):
                name = live.module_namespace(module)["__name__"]
                if name != "__main__":
                    yield ModuleRecord(name, name, "", name), module

    @property
    def report(self) -> InstrumentationReport:
        """What is watched by now, and what could not be."""
        with self._lock:
            modules: Counter[str] = Counter()
            callables: Counter[str] = Counter()
            for record in self._catalogue.modules.values():
                modules[record.component] += 1
                callables[record.component] += sum(1 for known in record.codes if known.probe is not None)
            callables.update(noun.component for noun in self._foreign_callables().values())
            return InstrumentationReport(
                tuple(ComponentReport(name, modules[name], callables[name]) for name in sorted(modules)),
                tuple(sorted(self._unreachable().items())),
                tuple(self._failed_imports),
                tuple(self._own_failures),
                self._foreign.replaced,
                tuple(sorted(self._looking())),
            )

    def _looking(self) -> abc.Iterator[tuple[str, str]]:
        for record in self._catalogue.modules.values():
            for known in record.codes:
                if known.probe is not None:
                    yield from ((name, known.callable.name) for name in LOOKS if name in known.code.co_names)

    # What the finder tells of imports (`imports.ImportSink`).

    def is_watched(self, name: str, file: str | None) -> bool:
        """Whether a module about to be loaded belongs to a watched component, or is awaited."""
        self._tell_found(name, file)
        if self._is_watched(name, file):
            self._guests.discard(name)
            return True
        if name not in self._awaited and self._callers.hooks_of(name, file) is None:
            return False
        self._guests.add(name)
        return True

    def _tell_found(self, name: str, file: str | None) -> None:
        try:
            self._found(name, file)
        except Exception as fault:  # noqa: BLE001 - the host's import goes on whatever happens to tracer
            self._note("take note of module", name, fault)

    def _is_watched(self, name: str, file: str | None) -> bool:
        try:
            return self._component_of(name, file) is not None
        except Exception as fault:  # noqa: BLE001 - the host's import goes on whatever happens to tracer
            self._note("judge module", name, fault)
            return False

    def rewrite(self, name: str, code: CodeType) -> CodeType:
        """Return what is to run instead of a watched module's code."""
        watched = self._is_watched(name, code.co_filename)
        with self._lock, self.aside():
            try:
                if not watched:
                    return self._callers.rewrite(name, code)
                component = self._component_of(name, code.co_filename) or name
                self._replaced[name] = self._catalogue.modules.get(name)
                shown = self._name_of(name, code.co_filename)
                record = self._catalogue.open_module(name, component, code.co_filename, shown)
                self._catalogue.enter_tree(record, code)
                rewritten = self._engine.attach_module(
                    code, self._catalogue.probe_of, self._callers.hooks_for(name, code)
                )
            except Exception as fault:  # noqa: BLE001 - the host's import goes on; live functions are tried afterwards
                self._note("instrument module", name, fault)
                return code
            record.rewritten = True
            return rewritten

    def _script_begins(self, name: str, code: CodeType) -> CodeType:
        """Return what is to run in place of a script's code; itself where a loader gave it to us before, as it does of a program in a folder."""
        if has_touched(self._engine, code):
            return code
        rewritten = self.rewrite(name, code)
        self._replaced.pop(name, None)
        if name == "__main__":
            self._main = self._main or "whole"
        return rewritten

    def _script_met(self, code: CodeType) -> None:
        """Exchange what the main program, which is about to run, makes its functions of. What fails is left for `adopt`."""
        self._main = "exchanged"
        rewritten = self._script_begins("__main__", code)
        if rewritten is code:
            return
        try:
            script.exchange(code, rewritten.co_consts[: len(code.co_consts)])
        except Exception as fault:  # noqa: BLE001 - the host's program runs whatever happens to tracer
            self._note("instrument from its start", "__main__", fault)
            self._catalogue.modules.pop("__main__", None)

    def _script_ran(self, name: str) -> None:
        """Instrument what only exists once a script has run that another program started."""
        try:
            module = sys.modules.get(name)
            if module is not None and issubclass(type(module), ModuleType) and self._is_at_work():
                self.adopt(module)
        except Exception as fault:  # noqa: BLE001 - the host's program goes on whatever happens to tracer
            self._note("instrument", name, fault)

    def executing(self, name: str) -> Any:
        """Tell that a module is about to run."""
        return self._importing(name) if name not in self._guests else None

    def executed(self, module: ModuleType, token: Any) -> None:
        """Instrument what only exists once a module has run."""
        tell = self._awaited.pop(module.__name__, None)
        if module.__name__ not in self._guests:
            self._imported(token)
        with self._lock, self.aside():
            self._replaced.pop(module.__name__, None)
            # Modules that were running when tracer started have grown since.
            waiting, self._unfinished = self._unfinished, []
            self._adopt_all([module, *waiting])
            self._guarded(self._callers.executed, module)
            self._guarded(self._foreign.executed, module)
            # Asked while the script runs: as it ends it loses its `__file__`.
            if self._types is not None and self._types.callables and not self.script_is_blind:
                self.script_is_blind = self._main != "whole" and _runs_script(self._caller_of)
        # Last, because who is told may put other code into functions that are known by theirs.
        if tell is not None:
            tell(module)

    def failed(self, name: str, token: Any) -> None:
        """Forget a module whose import raised."""
        if name in self._guests:
            return
        self._imported(token)
        with self._lock:
            record = self._catalogue.modules.get(name)
            if record is not None and not record.settled:
                self._catalogue.forget(record, self._replaced.pop(name, None))
            if len(self._failed_imports) < MAX_KEPT_FAILURES:
                self._failed_imports[name] = None

    def unprepared(self, name: str, fault: Exception) -> None:
        """Keep a fault of tracer's own in mind."""
        self._note("prepare for module", name, fault)

    def overtaken(self) -> None:
        """Instrument what another finder, which stood in front of ours, has imported."""
        try:
            self.sweep()
        except Exception as fault:  # noqa: BLE001 - the host's import goes on whatever happens to tracer
            self._note("look for", "modules imported unseen", fault)

    def _put_in(self, owner: Any, code: Any) -> Any:
        """Return what watched code puts into an object as its `__code__`, given what it would put there."""
        if type(owner) is not FunctionType or type(code) is not CodeType:
            return code
        try:
            with self._lock, self.aside():
                return self._adoption.put_in(owner, code) if self._is_at_work() else code
        except Exception as fault:  # noqa: BLE001 - the host's function gets its code whatever happens to tracer
            self._note("watch what is put into", owner.__qualname__, fault)
            return code

    def _is_at_work(self) -> bool:
        """Whether this was started and not stopped: code under way calls hooks after that, too."""
        return self._copies in watching

    def _listen_in(self, names: abc.Iterable[str], listen: abc.Callable[[ModuleType], None]) -> None:
        """Listen to functions of modules that are imported or will be."""

        def tell(module: ModuleType) -> None:
            with self._lock:
                listen(module)

        for name in names:
            if name in sys.modules:
                tell(sys.modules[name])
            else:
                self.when_imported(name, tell)

    def _made(self, kind: Any) -> None:
        """Instrument the methods that were made from text for a class of a watched module that has run; one that runs is looked at in the end."""
        try:
            name = class_module(kind)
            with self._lock, self.aside():
                record, module = self._catalogue.modules.get(name), sys.modules.get(name)
                if record is not None and record.settled and module is not None and self._is_at_work():
                    self._adoption.adopt_made(record, live.module_namespace(module), kind)
        except Exception as fault:  # noqa: BLE001 - the host's class is made whatever happens to tracer
            self._note("instrument", "a class made from text", fault)

    def _probe_of_copy(self, name: str, frame: FrameType) -> Probe | None:
        """Return the probe of a function that was pickled by value under a callable's name: that of the original where it is in this process."""
        namespace = frame.f_globals
        module, file = namespace.get("__name__"), _file_of(namespace)
        with self._lock:
            known = self._catalogue.named(name)
            if known is None and type(module) is str and (component := self._component_of(module, file)) is not None:
                file = file or frame.f_code.co_filename
                record = ModuleRecord(module, component, file, self._name_of(module, file))
                known = self._catalogue.enter_copy(record, frame.f_code, name)
            return known.probe if known is not None else None

    def _unreachable(self) -> dict[str, str]:
        refused: tuple[tuple[CodeType, str], ...] = getattr(self._engine, "unwatched", ())
        reasons = {
            known.callable.name: reason for code, reason in refused if (known := self._catalogue.find_beneath(code))
        }
        return self._adoption.unreachable | self._foreign.unreachable | reasons

    def _needs_adopting(self, module: ModuleType) -> bool:
        namespace = live.module_namespace(module)
        name = namespace.get("__name__")
        if type(name) is not str or name in self._catalogue.modules:
            return False
        return self._is_watched(name, _file_of(namespace))

    def _adopt_all(self, modules: list[ModuleType]) -> None:
        opened = []
        for module in modules:
            namespace = live.module_namespace(module)
            name, file = namespace.get("__name__"), _file_of(namespace)
            if type(name) is str and self._is_watched(name, file):
                opened.append((self._record_of(name, file, namespace), namespace))
                if _is_initialising(namespace):
                    self._unfinished.append(module)
        self._adoption.adopt(opened)
        for record, namespace in opened:
            self._adopt_foreign(record, namespace)

    def _record_of(self, name: str, file: str | None, namespace: dict[str, Any]) -> ModuleRecord:
        """Return the record of a module that runs or has run: for `python -m`, the one that its import opened."""
        spec_name = getattr(namespace.get("__spec__"), "name", None)
        imported = self._catalogue.modules.get(spec_name) if type(spec_name) is str else None
        if imported is not None and imported.rewritten:
            return imported
        component = self._component_of(name, file) or name
        return self._catalogue.module(name, component, file or "", self._name_of(name, file))

    def _adopt_foreign(self, record: ModuleRecord, namespace: dict[str, Any]) -> None:
        try:
            for path, function in self._foreign.adopt(record, namespace):
                known = self._adoption.known_code(function)
                if known is not None and known.qualname == path:
                    rename(known, record.name_of(f"{path}.__wrapped__"))
            if self._types is not None:
                holds_types = self._types.adopt(record, namespace)
                if holds_types or record.component in self._foreign.at_call_sites:
                    self._callers.met(record.component)
            self._catalogue.settle_foreign(record)
        except Exception as fault:  # noqa: BLE001 - the host's import goes on whatever happens to tracer
            self._note("instrument the foreign callables of module", record.name, fault)

    def _foreign_callables(self) -> dict[str, Callable]:
        return self._foreign.callables | (self._types.callables if self._types is not None else {})

    def _guarded(self, act: abc.Callable[[ModuleType], None], module: ModuleType) -> None:
        try:
            act(module)
        except Exception as fault:  # noqa: BLE001 - the host's import goes on whatever happens to tracer
            self._note("instrument the calls of module", module.__name__, fault)

    def _note(self, action: str, name: str, fault: Exception) -> None:
        if len(self._own_failures) < MAX_KEPT_FAILURES:
            self._own_failures.append(f"Couldn't {action} {name!r}: {type(fault).__name__}: {fault}")


def _runs_script(caller_of: abc.Callable[[str, str | None], str | None] | None) -> bool:
    """Whether the main program is a script that may call what is watched, compiled by the interpreter itself."""
    namespace = live.module_namespace(sys.modules["__main__"])
    file = namespace.get("__file__")
    if caller_of is None or namespace.get("__spec__") is not None or type(file) is not str:
        return False
    return caller_of("__main__", file) is not None


def _unique(modules: tuple[Any, ...]) -> list[Any]:
    return list({id(module): module for module in modules}.values())


def _file_of(namespace: dict[str, Any]) -> str | None:
    file = namespace.get("__file__")
    return file if type(file) is str else None


def _is_initialising(namespace: dict[str, Any]) -> bool:
    return bool(getattr(namespace.get("__spec__"), "_initializing", False))
