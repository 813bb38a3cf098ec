"""One process being recorded: selection, instrumentation, hooks and journal joined, from start to stop, across forks."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import replace
from itertools import count
from sys import _getframe
from types import ModuleType
from typing import TYPE_CHECKING, Final, TypeVar

from tracer.ambient import CALLERS
from tracer.encoding.faults import is_asked
from tracer.encoding.hiding import HIDDEN
from tracer.errors import RecordingError
from tracer.instrument.decorated import is_inside
from tracer.instrument.discovery import plain_qualname
from tracer.instrument.engines import default_engine
from tracer.instrument.instrumentation import Instrumentation
from tracer.instrument.signatures import shortened
from tracer.model import DEFAULT_LEFT_OUT, OUTSIDE, Callable, Component, Recording
from tracer.recording import native
from tracer.recording.crossing import LOOK_THROUGH, Callers, Hooks, Sink, make_counter
from tracer.recording.ending import last_breath, newest_module
from tracer.recording.lanes import Lanes
from tracer.recording.observers import Observers
from tracer.recording.timing import timed
from tracer.select.selection import MAIN_NAMES
from tracer.storage import rows
from tracer.storage.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Callable as Function
    from pathlib import Path
    from types import FrameType
    from typing import Any

    from tracer.encoding.encode import Encoder
    from tracer.encoding.hiding import Secrets
    from tracer.encoding.redact import Redactor
    from tracer.instrument.discovery import CallableCode
    from tracer.instrument.probe import Engine, Probe
    from tracer.model import Parameter
    from tracer.recording.ambient.ambient import Ambient
    from tracer.recording.ambient.player import Player
    from tracer.recording.following import Following
    from tracer.select.selection import Selection

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")

_INLINED: Final = frozenset({"<listcomp>", "<setcomp>", "<dictcomp>"})
"""Code that has no frame of its own from Python 3.12 on: places go by the function around it everywhere."""


class Recorder:
    """Records every crossing of this process into a journal in `folder`, from `start` to `stop`.

    Args:
        folder: an existing folder for the journals of the run.
        selection: which modules are components and which callables are watched.
        encoder: turns values into snapshots.
        redactor: says which parameters are secret.
        secrets: takes secrets out of what the recorder itself writes: names of lanes, command lines, defaults in signatures.
        dunders: names among the left-out dunders to record all the same.
        detail: how much of values is looked at; the encoder does it, this is written down.
        detail_calls: so many calls of a callable in a lane are kept in detail, of those after them sums; 0 keeps all.
        scoped: follow only the thread or task that starts the recorder, and what that starts.
        following: lets child processes that a scoped recorder announces record too; a whole process's inherit that from it.
        engine: the mechanism; the best one for this Python where None is given.
        around: given a watched code and its hooks, returns the hooks that are used.
        ambient: which reads of the surroundings are recorded, of `tracer.ambient.CHOICES`.
        player: the reads of a recorded run that are played back; None for none.

    Raises:
        OSError: the folder cannot be written.
    """

    def __init__(
        self,
        folder: Path,
        selection: Selection,
        encoder: Encoder,
        redactor: Redactor,
        secrets: Secrets,
        *,
        dunders: tuple[str, ...] = (),
        detail: str = "sampled",
        detail_calls: int = 0,
        scoped: bool = False,
        following: Following | None = None,
        timings: bool = False,
        engine: Engine | None = None,
        around: Function[[CallableCode, Probe], Probe] = lambda code, probe: probe,
        ambient: frozenset[str] = frozenset(),
        player: Player | None = None,
    ) -> None:
        self.folder = folder
        self.following = following
        self.selection = selection
        self._encoder = encoder
        self._redactor = redactor
        self._detail = detail
        self._hiding = secrets
        self._scoped = scoped
        self._timings = timings
        self._around = around
        self._ambient_kinds = ambient
        self._origin = os.getpid()
        self._fork_lane: str | None = None
        self.announced_lane: str | None = None
        self._script: ModuleType | None = None
        self.unmet_scripts: set[str] = set()
        self._script_size = 0
        self._losses: dict[tuple[str, str], count[int]] = {}  # counters, which threads share without losing one
        self._untold = count(1)
        self._faults_told = 0
        # By number - 1: what a number in the journal stands for. A code object's callable settles only after its module has run.
        self._watched: list[CallableCode | Callable] = []
        self._bound_numbers: dict[str, int] = {}
        self._caller_numbers: dict[str, int] = {}
        self._sink = Sink()
        self._sink.keep_in_detail(detail_calls)
        self._sink.lose = self._lose_number
        self._sink.meanwhile = self._lose_meanwhile
        self._sink.met = self._met
        self._sink.same = self._wraps
        self._open_journal()
        self._callers = Callers(self._caller_of_module, self._number_of_caller(OUTSIDE))
        self.lanes = Lanes(self._define_lane, self.place_of, scoped=scoped)
        self._hooks = Hooks(self._sink, self._callers, encoder, self.lanes)
        self.ambient = self._make_ambient(ambient, player) if ambient else None
        self.instrumentation = Instrumentation(
            selection.component_of,
            selection.wanted,
            self._make_probe,
            engine,
            name_of=selection.name_of,
            left_out=DEFAULT_LEFT_OUT - set(dunders),
            caller_of=selection.caller_of,
            boundaries=selection.boundaries,
            names=() if selection.boundaries else selection.names,
            folders=selection.folders,
            swap=self.ambient.swap if self.ambient is not None else None,
            swap_for_callers=CALLERS in ambient,
            found=self._callers.loads,
            importing=lambda name: (self.lanes.switch(f"import {name}"),),
            imported=lambda before: self.lanes.restore(before[0]),
        )
        self._observers = Observers(self)

    # -- life ----------------------------------------------------------------------------------------------------------------

    @property
    def active(self) -> bool:
        """Whether crossings are being recorded."""
        return self._sink.active

    def start(self) -> None:
        """Begin to record."""
        self._newest = newest_module()
        self._observers.attach()
        if self._scoped:
            self.lanes.open_scope()
        if self.ambient is not None:
            self.ambient.attach(self.instrumentation)
        self.instrumentation.start()
        self._sink.active = True
        if self.ambient is not None:
            self.ambient.tell_start()

    def stop(self) -> tuple[str, ...]:
        """Stop recording, undo the instrumentation, write what is known at the end; return what could not be undone."""
        if not self._sink.active:
            return ()
        self._sink.active = False
        if self.ambient is not None:
            self.ambient.detach(self.folder)
        self._tell_unseen()
        left = (*self._observers.detach(), *self.instrumentation.stop())
        self._tell(last=True)
        self._journal.close()
        return left

    def finish(self, *, at_once: bool = False) -> None:
        """Write what is known at the end as a process ends. A failure of tracer's own costs that, never the host's exit code.

        Unless it is to be `at_once`, or reads are played back, recording goes on until the interpreter takes tracer itself down: threads that
        nobody waits for and finalizers still call.
        """
        try:
            if at_once or (self.ambient is not None and self.ambient.playing):
                self.stop()
            elif self._sink.active:
                last_breath(self._newest, self._end)
                self._tell_unseen()
                self._tell(last=False)
                self._journal.mark_end()
        except Exception as error:  # noqa: BLE001  (nobody is left to tell but the journal)
            self._end()
            self._journal.loss("*", f"tracer failed at the end: {type(error).__name__}", 1)
            self._journal.close()

    def _end(self) -> None:
        self._sink.active = False
        with suppress(Exception):
            if self.ambient is not None:
                self.ambient.end()
        with suppress(Exception):
            self._sink.tallies.finish(last=True)

    def _tell_unseen(self) -> None:
        """Write what could not be watched at all; while instrumentation is still there, which knows."""
        if self._scoped:
            return
        if self.instrumentation.script_is_blind:
            reason = "script whose statements outside of functions call methods of C types unseen: run it as a module, `python -m`"
            self._journal.loss("*", reason, 1)
        if self.unmet_scripts:
            reason = "script that a tool ran in a way of its own: what it had made before its first call is not watched"
            self._journal.loss("*", reason, len(self.unmet_scripts))
        if unwatched := self.instrumentation.unwatched():
            reason = "functions put into watched modules unseen: `tracer doctor` names them"
            self._journal.loss("*", reason, len(unwatched))

    def _tell(self, *, last: bool) -> None:
        """Write what is known only at the end, and the losses that no frame has told of so far."""
        self._sink.tallies.finish(last=last)
        self._define_all()
        for number, times in self._take(self._sink.missed):
            self._journal.loss(self._name(number), "tracer failed: RecursionError", times)
        for (name, reason), number_of in sorted(self._take(self._losses), key=lambda loss: loss[0]):
            self._journal.loss(name, reason, next(number_of))
        self._untold = count(1)
        self._journal.untold(0)
        faults = len(self.instrumentation.report.own_failures)
        if faults > self._faults_told:
            reason = "tracer failed while it instrumented: `tracer doctor` says at what"
            self._journal.loss("*", reason, faults - self._faults_told)
            self._faults_told = faults
        for reason, times in self._encoder.losses.items():
            self._journal.loss("*", reason, times)

    @staticmethod
    def _take(counts: dict[_Key, _Value]) -> list[tuple[_Key, _Value]]:
        """Return what a table holds and take it out."""
        return [(key, counts.pop(key)) for key in list(counts)]

    def _define_all(self) -> None:
        """Write every watched callable with its signature and code hashes, crossed or not, and the components."""
        settled = {callable_.name: callable_ for callable_ in self.instrumentation.callables()}
        numbers: dict[str, list[int]] = {}
        for number in range(1, len(self._watched) + 1):
            numbers.setdefault(self._name(number), []).append(number)
        spare = count(len(self._watched) + 1)
        for name, callable_ in settled.items():
            for number in numbers.get(name) or [next(spare)]:
                self._define(number, callable_)
        components = [Component(component.component) for component in self.instrumentation.report.components]
        callers = [Component(name, watched=False) for name in self._caller_numbers if name != OUTSIDE]
        self._write_meta((*components, *callers))

    def _write_meta(self, components: tuple[Component, ...]) -> None:
        selection = self.selection
        known = Recording(
            boundaries=selection.boundaries,
            granularity=selection.granularity,
            components=components,
            detail=self._detail,
            detail_calls=self._sink.tallies.most_calls,
            ambient=tuple(sorted(self._ambient_kinds)),
        )
        self._journal.meta(rows.meta_to_map(known))

    def _open_journal(self) -> None:
        info = {
            "pid": os.getpid(),
            "ppid": os.getppid(),
            "origin": self._origin,
            "argv": self._hiding.words(map(str, sys.orig_argv)),
            "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        }
        self._journal = Journal.create(self.folder, info, half=native.HALF)
        self._sink.journal = self._journal
        self._write_meta(())

    # -- children ------------------------------------------------------------------------------------------------------------

    def before_fork(self) -> None:
        """Name the lane of a child that is about to be forked, unless whoever forks it has a name for it already."""
        if self._sink.active:
            self._fork_lane = self.announced_lane or self.lanes.submitted("process", _getframe(1))

    def after_fork_in_child(self) -> None:
        """Go on in the child with a journal of its own. Calls that are open across the fork end in the parent's.

        A scoped recorder does not go on in a child that was forked out of its scope.
        """
        if self.following is not None:
            self.following.forked()
        parents = self._journal
        parents.abandon()
        try:
            if self._sink.active:
                self._go_on_in_child(parents)
        finally:
            parents.forget()

    def _go_on_in_child(self, parents: Journal) -> None:
        if self._fork_lane is None:
            self._sink.active = False
            return
        self._losses.clear()
        self._untold = count(1)
        self._sink.missed.clear()
        self._sink.tallies.forget()
        self._sink.defined.clear()
        if self.ambient is not None:
            self.ambient.forked()
        try:
            self._open_journal()
        except OSError:  # the folder is gone or closed, or the disk full
            self._sink.active = False
            parents.child_without_journal()
            return
        for name, number in self._caller_numbers.items():
            self._journal.define_caller(number, name)
        # Told by the child of itself: another program may take its place, and goes on under this name.
        self._journal.child(os.getpid(), self._hiding.name(self._fork_lane))
        self.lanes.forked(self._fork_lane)

    def observe(self, function: Any, **hooks: Any) -> None:
        """Watch one function of a host library; see `Observers.watch`."""
        self._observers.watch(function, **hooks)

    def child_started(self, pid: int, lane: str) -> None:
        """Announce a child process that is a Python and should record too."""
        self._adopt_script("__main__")  # it may be sent functions by value
        self._journal.child(pid, self._hiding.name(lane))

    def job_submitted(self, pool: str, job: str, lane: str) -> None:
        """Tell which lane a job that a process of the pool takes belongs to."""
        self._adopt_script("__main__")
        self._journal.job(self._hiding.name(pool), job, self._hiding.name(lane))

    # -- names and numbers ---------------------------------------------------------------------------------------------------

    def place_of(self, frame: FrameType | None) -> str:
        """Name the nearest place at `frame` or above that belongs to the project: `module:qualname`."""
        for _ in range(4 * LOOK_THROUGH):
            if frame is None:
                break
            code = frame.f_code
            if self._callers.of_frame(frame) and code.co_name not in _INLINED:
                space = frame.f_globals
                module = self.selection.name_of(space["__name__"], space.get("__file__"))
                return f"{module}:{plain_qualname(getattr(code, 'co_qualname', code.co_name))}"
            frame = frame.f_back
        return OUTSIDE

    def lose(self, name: str, reason: str) -> None:
        """Count one call or value of a callable that was seen and not kept. Never raises."""
        with suppress(MemoryError):
            # At once, where no kill takes it: by its name it is told at the end.
            self._journal.untold(next(self._untold))
            next(self._losses.setdefault((name, reason), count()))

    def _lose_number(self, number: int, reason: str) -> None:
        self.lose(self._name(number), reason)

    def _lose_meanwhile(self, number: int) -> None:
        name = self._name(number)
        if not name.endswith(".__wrapped__") and not is_asked(_getframe()):  # its wrapper was counted a moment ago
            self.lose(name, "called while tracer was at work")

    def _define_lane(self, number: int, name: str) -> None:
        self._journal.define_lane(number, self._hiding.name(name))

    def _caller_of_module(self, module: Any, file: Any) -> int:
        file = file if type(file) is str else None
        caller = self.selection.caller_of(module, file) if type(module) is str else None
        if caller is not None and module in MAIN_NAMES:
            self._meet_script(module, file)
            self._adopt_script(module)
        return self._number_of_caller(caller) if caller is not None else 0

    def _meet_script(self, module: str, file: str | None) -> None:
        """Note a watched script that was run by what nobody knows to run scripts."""
        name = self.selection.name_of(module, file)
        if self.selection.component_of(module, file) is not None and not self.instrumentation.has_met(name):
            self.unmet_scripts.add(name)

    def _adopt_script(self, name: str) -> None:
        """Settle what a script that runs has defined by now, and watch what of it was not watched from its making on.

        Looked at when it first calls another component or starts a process, and again when it has got new names by the time another callable is met.
        """
        module = sys.modules.get(name)
        if not isinstance(module, ModuleType) or self._script_size == len(vars(module)):
            return
        self._script = module
        self._script_size = len(vars(module))
        self.instrumentation.adopt(module)

    def _number_of_caller(self, name: str) -> int:
        """Return a caller's number, from 1; a new one is defined in the journal."""
        number = self._caller_numbers.get(name)
        if number is None:
            number = self._caller_numbers[name] = len(self._caller_numbers) + 1
            self._journal.define_caller(number, name)
        return number

    def _callable(self, number: int) -> Callable:
        watched = self._watched[number - 1]
        return watched if isinstance(watched, Callable) else watched.callable

    def _name(self, number: int) -> str:
        return self._callable(number).name

    def _wraps(self, outer: int, inner: int) -> bool:
        """Whether `inner` is what the decorated name `outer` wraps: the code of a function that has no other name, or what has one inside that."""
        name, wrapper = self._name(inner), self._name(outer)
        return is_inside(name, wrapper) or (name == wrapper and not isinstance(self._watched[inner - 1], Callable))

    def _number_of_bound(self, callable_: Callable) -> int:
        """Return the number of a decorated name, from 1."""
        number = self._bound_numbers.get(callable_.name)
        if number is None:
            self._watched.append(callable_)
            number = self._bound_numbers[callable_.name] = len(self._watched)
        return number

    def _met(self, number: int) -> None:
        if self._script is not None:
            self._adopt_script(self._script.__name__)
        self._sink.defined.add(number)
        self._define(number, self._callable(number))

    def _define(self, number: int, callable_: Callable) -> None:
        parameters = tuple(map(self._without_secrets, callable_.parameters))
        self._journal.define_callable(number, replace(callable_, file=portable(callable_), parameters=parameters))

    def _without_secrets(self, parameter: Parameter) -> Parameter:
        """Return a parameter whose default tells no secret: it is one by the parameter's name, or holds one."""
        default = parameter.default
        if default is None:
            return parameter
        hidden = (
            HIDDEN
            if self._redactor.secret(parameter.name) and default.lstrip("b")[:1] in {"'", '"'}
            else self._hiding.text(default)
        )
        return replace(parameter, default=shortened(hidden))

    # -- surroundings --------------------------------------------------------------------------------------------------------

    def _make_ambient(self, kinds: frozenset[str], player: Player | None) -> Ambient:
        if not default_engine().tells_of_calls:
            release = f"{sys.version_info.major}.{sys.version_info.minor}"
            raise RecordingError(
                "record what a program reads of its surroundings",
                f"on Python {release} no call can be seen where it is made",
                "Use Python 3.10 to 3.13, or leave --ambient out.",
            )
        # Most recordings are none of the surroundings, and are spared the import.
        from tracer.recording.ambient.ambient import Ambient  # noqa: PLC0415

        return Ambient(kinds, player, self.lanes, self._callers, self._probe_of_source, scoped=self._scoped)

    def _probe_of_source(self, source: Callable) -> tuple[int, Probe]:
        number = self._number_of_bound(source)
        # What is played back is needed whole.
        return number, self._hooks.probe(0, int(source.flow), number, None, whole=True)

    # -- probes --------------------------------------------------------------------------------------------------------------

    def _make_probe(self, callable_: Callable, code: CallableCode) -> Probe:
        """Return the hooks of one watched callable."""
        self._watched.append(code)
        number = len(self._watched)
        own = self._number_of_caller(callable_.component)
        if code.left_out:
            return make_counter(self._callers, own, lambda: self._lose_number(number, "left-out dunder"))
        identify = self._identifier(code, number) if "<locals>" in code.qualname else None
        probe = self._hooks.probe(own, int(callable_.flow), number, self._secrets(callable_), identify)
        return self._around(code, timed(probe, self._sink) if self._timings else probe)

    def probe_of(self, callable_: Callable) -> Probe:
        """Return the hooks for a callable that no code stands for: a method of an object that was handed out."""
        own = self._number_of_caller(callable_.component)
        number = self._number_of_bound(callable_)
        return self._hooks.probe(own, int(callable_.flow), number, self._secrets(callable_), whole=True)

    def _identifier(self, code: CallableCode, number: int) -> Function[[], tuple[int, tuple[int, ...] | None] | None]:
        """Return what finds out which decorated name an activation of a decorator's wrapper stands for."""
        simple_name = code.qualname.rpartition(".")[2]

        def content_of(freevar: str) -> Any:
            frame: FrameType | None = _getframe(1)
            for _ in range(2 * LOOK_THROUGH):  # how many frames of ours are between depends on the engine
                if frame is None:
                    break
                if frame.f_code.co_name == simple_name and freevar in frame.f_code.co_freevars:
                    return frame.f_locals.get(freevar)
                frame = frame.f_back
            return None

        def identify() -> tuple[int, tuple[int, ...] | None] | None:
            if not code.freevar:
                return number, self._secrets(code.callable)
            callable_ = code.bound.get(id(content_of(code.freevar)), code.callable)
            if callable_ is None:
                return None
            return self._number_of_bound(callable_), self._secrets(callable_)

        return identify

    def _secrets(self, callable_: Callable) -> tuple[int, ...] | None:
        """Return which parameters are redacted by name; None where none is."""
        secret = tuple(self._redactor.secret(parameter.name) for parameter in callable_.parameters)
        return secret if any(secret) else None


def portable(callable_: Callable) -> str:
    """Return a callable's file without the folder its package was found in, which differs between machines: `shop/tax.py`."""
    parts = callable_.file.split("/")
    package = parts[-1].startswith("__init__.")
    return "/".join(parts[-(callable_.name.partition(":")[0].count(".") + 1 + package) :])
