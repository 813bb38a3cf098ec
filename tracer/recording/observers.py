"""Watches the few places of the standard library where work is handed on: threads, executors, tasks, child processes.

They are watched by the same engine as everything else, so no name in the standard library is replaced, and undo is the same.
Modules that are not loaded yet are watched from their import on.
"""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from importlib import import_module
from sys import _getframe
from typing import TYPE_CHECKING, Any, NamedTuple

from tracer.encoding.faults import is_ours
from tracer.instrument.engines import default_engine
from tracer.instrument.living import Living
from tracer.instrument.probe import Probe
from tracer.recording.greenlets import Greenlets
from tracer.recording.loops import Loops
from tracer.recording.pools import Pools

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType, ModuleType

    from tracer.recording.recorder import Recorder

_forking: Living[Recorder] = Living()
_turn = threading.RLock()


class _Starting(NamedTuple):
    """A child process that is being started: the host's object, its lane, whether it finds out that it is to record."""

    child: Any
    lane: str | None
    followed: bool


class Observers:
    """The observers of one recorder."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._engine = default_engine()
        self._pools = Pools(recorder, self.watch)
        self._greenlets = Greenlets(
            recorder.lanes,
            recorder.selection.name_of,
            lambda kind: recorder.lose("greenlet", f"tracer failed: {kind}"),
        )
        self._modules: dict[str, Callable[[ModuleType], None]] = {
            **Loops(recorder.lanes, self.watch).observed(),
            **self._greenlets.observed(),
            "multiprocessing.process": self._observe_multiprocessing,
            **self._pools.observed(),
            "subprocess": self._observe_subprocess,
            "_pytest.config": self._observe_pytest,
            "_pytest.assertion": self._observe_rewriting,
            "_pytest.assertion.rewrite": self._observe_test_modules,
        }

    def attach(self) -> None:
        """Start to watch."""
        _forking.add(self._recorder)
        self.watch(threading.Thread.start, began=self._thread_starts)
        for name, observe in self._modules.items():
            module = sys.modules.get(name)
            if module is not None:
                self._guarded(observe)(module)
            else:
                self._recorder.instrumentation.when_imported(name, self._guarded(observe))

    def _guarded(self, observe: Callable[[ModuleType], None]) -> Callable[[ModuleType], None]:
        def guarded(module: ModuleType) -> None:
            try:
                observe(module)
            except Exception as error:  # noqa: BLE001  (a module laid out otherwise costs lane names, never the host's import)
                self._recorder.lose(module.__name__, f"cannot be observed: {type(error).__name__}")

        return guarded

    def detach(self) -> tuple[str, ...]:
        """Stop watching."""
        _forking.discard(self._recorder)
        self._greenlets.end()
        with _turn:
            return self._engine.detach()

    def watch(
        self,
        function: Any,
        *,
        wanted: Callable[[], Any] = lambda: True,
        began: Callable[[FrameType, list[Any]], Any] = lambda frame, arguments: None,
        returned: Callable[[Any, Any], None] = lambda token, value: None,
        raised: Callable[[Any], None] = lambda token: None,
    ) -> None:
        """Call `began(frame of the caller, arguments)` and `returned(what began returned, result)` around a function.

        Where it raises, `raised(what began returned)` is called instead; neither where `began` could not run. `wanted` says, for
        each call, whether any of this is to be done.
        """
        recorder = self._recorder

        def quietly(hook: Callable[..., Any], *arguments: Any) -> tuple[Any, ...]:
            """Run a hook while this thread counts as busy and return what it returned; () where it could not. A failure is a loss."""
            state = recorder.lanes.state()
            if state.busy:
                return ()
            state.busy = True
            try:
                return (hook(*arguments),)
            except Exception as error:
                if not is_ours(error):
                    raise
                recorder.lose(function.__qualname__, f"tracer failed: {type(error).__name__}")
                return ()
            finally:
                state.busy = False

        def ended(hook: Callable[..., None], token: tuple[Any, ...], *result: Any) -> None:
            if token:
                quietly(hook, token[0], *result)

        probe = Probe(
            entered=lambda: True if recorder.active and wanted() else None,
            began=lambda _, arguments: quietly(began, _getframe(1).f_back, arguments),
            returned=lambda token, value: ended(returned, token, value),
            raised=lambda token, error: ended(raised, token),
            yielded=lambda token, value: None,
            resumed=lambda token, value: None,
            entered_at=lambda frame: True if recorder.active else None,
        )

        def probe_of(code: CodeType) -> Probe | None:
            return probe if code is original else None

        with _turn:
            original = self._engine.original(function.__code__)
            self._engine.attach_function(function, probe_of)

    # -- threads -----------------------------------------------------------------------------------------------------------

    def _thread_starts(self, frame: FrameType, arguments: list[Any]) -> None:
        thread = arguments[0]
        pools = sys.modules.get("concurrent.futures.thread")
        # How many threads a pool starts depends on how fast they are; its jobs have lanes of their own.
        pooled = pools is not None and vars(thread).get("_target") is pools._worker  # noqa: SLF001
        self._recorder.lanes.thread_started(thread, frame, pooled=pooled)

    # -- processes -----------------------------------------------------------------------------------------------------------

    def _observe_subprocess(self, module: ModuleType) -> None:
        lanes = self._recorder.lanes

        def began(frame: FrameType, arguments: list[Any]) -> Any:
            # Named before the child exists: a forking Popen names no second lane for the same child.
            python = _starts_python(arguments[1])
            lane = lanes.submitted("process" if python else "command", frame)
            return self._begin(arguments[0], lane)

        def returned(starting: _Starting, _: object) -> None:
            self._end(starting, starting.child.pid)

        self.watch(
            module.Popen.__init__, began=began, returned=returned, raised=lambda starting: self._end(starting, None)
        )

    def _begin(self, child: Any, lane: str | None) -> _Starting:
        """Prepare for a child that is about to be started in a lane, None where it is out of scope."""
        self._recorder.announced_lane = lane
        following = self._recorder.following
        followed = lane is not None and (following is None or following.begin())
        if self._recorder.ambient is not None:
            self._recorder.ambient.child_begins(lane)
        return _Starting(child, lane, followed)

    def _end(self, starting: _Starting, pid: int | None) -> None:
        """Announce a child that was started; with None it was not."""
        recorder = self._recorder
        recorder.announced_lane = None
        if recorder.ambient is not None:
            recorder.ambient.child_ends()
        if recorder.following is not None and starting.followed:
            recorder.following.end()
        if starting.lane is not None and pid is not None:
            recorder.child_started(pid, starting.lane)

    def _observe_multiprocessing(self, module: ModuleType) -> None:
        lanes = self._recorder.lanes

        def began(frame: FrameType, arguments: list[Any]) -> Any:
            lane = self._pools.lane_of_worker(arguments[0], frame) or lanes.submitted("process", frame)
            return self._begin(arguments[0], lane)

        def returned(starting: _Starting, _: object) -> None:
            popen = vars(starting.child).get("_popen")
            self._end(starting, popen.pid if popen is not None else None)

        start = module.BaseProcess.start
        self.watch(start, began=began, returned=returned, raised=lambda starting: self._end(starting, None))
        # Such a child ends by os._exit, so nothing registered with atexit runs in it.
        self.watch(module.BaseProcess._bootstrap, returned=lambda _, code: self._recorder.finish())  # noqa: SLF001

    # -- guests --------------------------------------------------------------------------------------------------------------

    def _observe_pytest(self, module: ModuleType) -> None:
        recorder = self._recorder

        def configured(_: object, config: Any) -> None:
            # By name and not by an import above: the plugin is a door, and it needs all of pytest to be there.
            import_module("tracer.pytest_plugin").attach(config, recorder)

        self.watch(module.get_config, returned=configured)

    def _observe_rewriting(self, module: ModuleType) -> None:
        # Right after this, pytest imports the packages that bring plugins, all of their modules by the finder it has put in front.
        self.watch(module.install_importhook, returned=lambda *_: self._recorder.instrumentation.come_first())

    def _observe_test_modules(self, module: ModuleType) -> None:
        """See the modules that pytest loads itself, by a finder that it puts in front of all others."""
        self.watch(
            module.AssertionRewritingHook.exec_module,
            began=lambda _, arguments: arguments[1],
            returned=lambda loaded, _: self._recorder.instrumentation.adopt(loaded),
        )


def _starts_python(command: Any) -> bool:
    """Whether a command line names a Python. Looks only at exact builtin types: anything else is the host's code."""
    program = command
    if type(command) in {list, tuple} and command:
        program = command[0]
    if type(program) is bytes:
        program = program.decode("utf-8", "replace")
    if type(program) is not str:
        return False
    name = program.split()[0] if type(command) is str and program.split() else program
    return name.rpartition("/")[2].startswith(("python", "pypy"))


def _before_fork() -> None:
    for recorder in _forking:
        with suppress(Exception):
            recorder.before_fork()


def _after_fork_in_child() -> None:
    for recorder in _forking:
        with suppress(Exception):
            recorder.after_fork_in_child()


def _renew_lock() -> None:
    global _turn  # noqa: PLW0603  (a thread that the child does not have may hold it)
    _turn = threading.RLock()


# Registered once for the process: there is no way to take such a registration back.
os.register_at_fork(after_in_child=_renew_lock)
os.register_at_fork(before=_before_fork, after_in_child=_after_fork_in_child)
