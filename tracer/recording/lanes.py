"""Lanes: in which order of calls a crossing stands, under a name that does not depend on timing.

A lane's name is a path of `kind place#ordinal` segments joined by " > ", for instance
`test tests/test_cart.py::test_total > thread shop.worker:start#0`. `place` is the nearest caller that is not the standard library or an
unrelated package; `ordinal` counts there. Kinds are `thread`, `task`, `greenlet`, `job` (of a pool of threads or processes; `job ... > result` is what
its result sets off), `callback` (handed into an event loop by another thread), `pool` (what its workers do between jobs), `process` and
`command` (a program that is no Python). Lanes that begin with `test `, `fixture `, `import ` or `session` are the same in whatever process they run.

A recorder of a whole process has a lane for everything. One that a context manager opened is *scoped*: it follows the thread or task that
opened it and whatever that starts, and nothing else, so that two open at once do not mix.
"""

from __future__ import annotations

import sys
import threading
from _thread import get_ident
from itertools import count
from os import getpid  # held at import: the host may replace it in `os` while it runs
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import ref

from tracer.storage.lineage import job_lane
from tracer.wire import packer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType, ModuleType

_active_threads: dict[int, threading.Thread] = threading._active  # type: ignore[attr-defined]  # noqa: SLF001  (current_thread() would make a dummy)


_Local: type = next(
    kind for kind in object.__subclasses__() if (kind.__module__, kind.__name__) == ("_thread", "_local")
)
"""The interpreter's own `threading.local`: what the host may have put in its place (gevent) tells more apart than threads."""
_Owner = TypeVar("_Owner")
_Kept = TypeVar("_Kept")


class Lane:
    """Calls in one order.

    `top` is the innermost activation that has begun and not ended: a list as `tracer.recording.crossing` makes them, linked to the one around it.
    `seen` counts, by callable, the crossings with more than scalars among the arguments, `out` the values that came out and are more;
    `tallies` has by callable what counts its calls (`thinning.Tally`); `wrapped` are the callables crossed through a decorator's wrapper; `places` counts the work handed in by place. `base` is the thread's
    lane around one that `Lanes.await_work` made; `hands_on` the lane that work handed on from here is named by, None where that is this one.
    """

    __slots__ = ("adopted", "base", "hands_on", "ident", "name", "out", "places", "seen", "tallies", "top", "wrapped")

    def __init__(self, ident: int, name: str) -> None:
        self.ident = ident
        self.name = name
        self.top: list[Any] = [0, None, self, None, None, 0, None]
        self.seen: dict[int, int] = {}
        self.out: dict[int, int] = {}
        self.wrapped: set[int] = set()
        self.places: dict[str, Iterator[int]] = {}
        self.tallies: dict[int, Any] = {}
        self.adopted: ref[Any] | None = None
        self.base: Lane | None = None
        self.hands_on: Lane | None = None

    def ordinal(self, place: str) -> int:
        """Return how often something was handed in from `place` before; one step, which nothing can come between."""
        return next(self.places.setdefault(place, count()))

    def beside(self) -> Lane:
        """Return the same lane for another thread: threads of a pool share one, but not what is under way in each."""
        other = Lane(self.ident, self.name)
        other.seen, other.out, other.wrapped, other.places = self.seen, self.out, self.wrapped, self.places
        other.tallies = self.tallies
        return other


class ThreadState:
    """What one thread knows: whether tracer is at work in it, and the lane of what runs there outside any task.

    `pack` is its packer, to be used while it is busy: entered twice, a packer mixes up its buffer. `greenlet` is the identity of that it has switched to last, 0 for none.
    """

    __slots__ = ("busy", "greenlet", "lane", "pack")

    def __init__(self, lane: Lane | None) -> None:
        self.busy = False
        self.greenlet = 0
        self.lane = lane
        self.pack = packer()


class Lanes:
    """All lanes of one process. `define(ident, name)` is called at least once for each; `place_of(frame)` names a submitting place.

    It takes no lock: a finalizer or signal handler of the host, whose calls are recorded too, may run anywhere in here.

    `thread_met`, where it is set, is called in each thread that is met for the first time.

    For hooks that look themselves: `local` holds each thread's state, `running_loop` and `current_task` are asyncio's once it is there, `tasks` has
    by identity a reference to each task met and its lane, `greenlets` one to each greenlet met and, in a list, the lane it goes on in, which is to be set where it stops.
    """

    __slots__ = (
        "_by_name",
        "_define",
        "_jobs",
        "_main",
        "_numbers",
        "_scoped",
        "_threads",
        "current_task",
        "greenlets",
        "local",
        "main",
        "place_of",
        "running_loop",
        "tasks",
        "thread_met",
    )

    def __init__(
        self, define: Callable[[int, str], None], place_of: Callable[[FrameType | None], str], *, scoped: bool = False
    ) -> None:
        self._define = define
        self.place_of = place_of
        self._scoped = scoped
        self._by_name: dict[str, Lane] = {}
        self._numbers = count(1)
        self.local: Any = _Local()
        self._threads: dict[int, tuple[ref[threading.Thread], str]] = {}
        self.tasks: dict[int, tuple[ref[Any], Lane]] = {}
        self.greenlets: dict[int, tuple[ref[Any], list[Lane | None]]] = {}
        self._jobs: dict[int, str] = {}
        self._main = threading.main_thread().ident
        self.running_loop: Callable[[], Any] | None = None
        self.current_task: Callable[[Any], Any] | None = None
        self.main = "main"
        self.thread_met: Callable[[], None] | None = None

    # -- the lane of here and now ------------------------------------------------------------------------------------------

    def state(self) -> ThreadState:
        """Return this thread's state, made on first need."""
        try:
            state: ThreadState = self.local.state
        except AttributeError:
            # A finalizer that runs in between makes it first; it must not find one that has no lane yet.
            lane = self.of_thread()
            made = ThreadState(lane.beside() if lane is not None else None)
            state = self.local.__dict__.setdefault("state", made)
            if self.thread_met is not None:
                self.thread_met()
        return state

    def current(self, state: ThreadState) -> Lane | None:
        """Return the lane of the running task, else of the thread; None where that is out of scope."""
        if self.running_loop is not None:
            loop = self.running_loop()
            if loop is not None and self.current_task is not None:
                task = self.current_task(loop)
                if task is not None:
                    known = self.tasks.get(id(task))
                    return known[1] if known is not None else self._first_sight(task, state)
        return state.lane

    def open_scope(self) -> None:
        """Make the running task, else this thread, the one whose calls a scoped recorder follows."""
        self._retire()
        self.local.state = state = ThreadState(self.named(self.main))
        task = self._running_task()
        if task is not None:
            self._bind(task, self.named(self.main))
            state.lane = None

    def _retire(self) -> None:
        """Make sure that nobody goes on with this thread's state as it is: one without a lane is asked for anew."""
        state = getattr(self.local, "state", None)
        if state is not None:
            state.lane = None

    def named(self, name: str) -> Lane:
        """Return the lane of that name, made on first need."""
        lane = self._by_name.get(name)
        if lane is None:
            lane = self._made(name)
            self._define(lane.ident, name)
            lane = self._by_name.setdefault(name, lane)
        return lane

    def _made(self, name: str) -> Lane:
        return Lane(next(self._numbers), name)

    def switch(self, name: str) -> Lane | None:
        """Let this thread go on in the lane of that name; return the one it was in."""
        state = self.state()
        before, state.lane = state.lane, self.named(name)
        return before

    def restore(self, lane: Lane | None) -> None:
        """Let this thread go on in a lane that `switch` returned."""
        self.state().lane = lane

    def leave(self, before: Lane | None) -> None:
        """As `restore`, from a lane that `switch` entered once and for all: nothing of it is kept, however many there are."""
        state = self.state()
        if state.lane is not None and state.lane is not before:
            self.end(state.lane)
        state.lane = before

    def _end_named(self, name: str) -> None:
        self._by_name.pop(name, None)

    def end(self, lane: Lane) -> None:
        """Forget a lane that nothing will run in again."""
        if self._by_name.get(lane.name) is lane:
            del self._by_name[lane.name]

    def submitted(self, kind: str, frame: FrameType | None, taker: str | None = None) -> str | None:
        """Return the name of the lane of work handed in from `frame`: parent lane, kind, place, ordinal there.

        `taker` is the lane that the work is handed to; where that did not start the parent lane, it is told and counted apart: one may
        serve several, whose order depends on timing.
        """
        lane = self.current(self.state())
        if lane is None:
            return None
        parent = lane.hands_on or lane
        place = f"{kind} {self.place_of(frame)}"
        if taker is not None and not f"{parent.name} > ".startswith(f"{taker} > "):
            place = f"{place} for {taker}"
        return f"{parent.name} > {place}#{parent.ordinal(place)}"

    # -- threads -----------------------------------------------------------------------------------------------------------

    def thread_started(self, thread: threading.Thread, frame: FrameType | None, *, pooled: bool) -> None:
        """Name the lane of a thread that is about to start; all threads of a pool share one, and take no ordinal."""
        name = self._pool_lane_name(frame) if pooled else self.submitted("thread", frame)
        if name is not None:
            keep(self._threads, thread, name, None if pooled else self._end_named)

    def _pool_lane_name(self, frame: FrameType | None) -> str | None:
        parent = self.current(self.state())
        return f"{parent.name} > pool {self.place_of(frame)}" if parent is not None else None

    def of_thread(self) -> Lane | None:
        """Return the lane that is this thread's own; None where it is out of scope."""
        name = self._thread_lane_name()
        return self.named(name) if name is not None else None

    def _thread_lane_name(self) -> str | None:
        ident = get_ident()
        if ident == self._main and not self._scoped:
            return self.main
        known = self._threads.get(id(_active_threads.get(ident)))
        if known is not None:
            return known[1]
        return None if self._scoped else f"{self.main} > thread <unknown>"

    # -- executor jobs -----------------------------------------------------------------------------------------------------

    def job_submitted(self, item: object, frame: FrameType | None) -> None:
        """Name the lane of a work item put into an executor's queue."""
        name = self.submitted("job", frame)
        if name is not None:
            self._jobs[id(item)] = name

    def job_began(self, item: object) -> Lane | None:
        """Let the worker thread go on in the lane of the job it took; return the lane it was in."""
        name = self._jobs.pop(id(item), None)
        if name is not None:
            return self.switch(name)
        state = self.state()
        before = state.lane
        if self._scoped:
            # A pool may outlive who started it, and work for others.
            state.lane = None
        return before

    def await_work(self) -> Lane | None:
        """Let this thread go on in a lane that has no name yet, that of what it is about to take from another process."""
        state = self.state()
        lane = state.lane
        if lane is None:
            return None
        state.lane = self._made(lane.name)
        state.lane.base = lane.base or lane
        if lane.base is not None:
            self.end(lane)
        return state.lane

    def take_job(self, lane: Lane, job: str) -> None:
        """Name a lane of `await_work`: what came is a job, known by its number."""
        self._name_waiting(lane, job_lane(getpid(), job))

    def take_result(self, lane: Lane, name: str) -> None:
        """Name a lane of `await_work`: what came is the result of the job in the lane of that name.

        In which order results come depends on timing, so what is handed on while they are dealt with goes by the thread's lane.
        """
        self._name_waiting(lane, f"{name} > result")
        lane.hands_on = lane.base

    def take_nothing(self, lane: Lane) -> None:
        """Let the thread go back from a lane of `await_work`: nothing came."""
        base = self.state().lane = lane.base or lane
        self._define(lane.ident, base.name)

    def _name_waiting(self, lane: Lane, name: str) -> None:
        lane.name = name
        self._define(lane.ident, name)
        self._by_name[name] = lane

    # -- tasks -------------------------------------------------------------------------------------------------------------

    def watch_asyncio(self, events: ModuleType, tasks: ModuleType) -> None:
        """Start telling tasks apart; called once asyncio is there."""
        self.current_task = tasks.current_task
        self.running_loop = events._get_running_loop  # noqa: SLF001  (get_running_loop raises where there is none)

    def task_created(self, task: object, frame: FrameType | None) -> None:
        """Name the lane of a new task. One made before a loop runs (what asyncio.run drives) goes on in its creator's lane."""
        if id(task) in self.tasks:
            return
        state = self.state()
        outside = self.running_loop is None or self.running_loop() is None
        if outside and self._adopt(task, state):
            return
        name = self.submitted("task", frame)
        if name is not None:
            self._bind(task, self.named(name), own=True)

    def _running_task(self) -> Any:
        loop = self.running_loop() if self.running_loop is not None else None
        return self.current_task(loop) if loop is not None and self.current_task is not None else None

    def _first_sight(self, task: Any, state: ThreadState) -> Lane | None:
        """Place a task whose creation was not seen."""
        parent = state.lane
        if parent is None or self._adopt(task, state):
            return parent
        coroutine = task.get_coro()
        place = f"task {getattr(coroutine, '__qualname__', type(coroutine).__qualname__)}"
        lane = self.named(f"{parent.name} > {place}#{parent.ordinal(place)}")
        self._bind(task, lane, own=True)
        return lane

    def _adopt(self, task: object, state: ThreadState) -> bool:
        """Let a task share the lane of the thread that waits for it, unless another living one does."""
        lane = state.lane
        if lane is None:
            return False
        if lane.adopted is not None:
            other = lane.adopted()
            if other is not None and not other.done():
                return False
        lane.adopted = ref(task)
        self._bind(task, lane)
        return True

    def _bind(self, task: object, lane: Lane, *, own: bool = False) -> None:
        """Let a task run in a lane; `own` is one that nothing else runs in."""
        keep(self.tasks, task, lane, self.end if own else None)

    # -- processes ---------------------------------------------------------------------------------------------------------

    def forked(self, name: str) -> None:
        """Start anew in a forked child: only this thread lives on, in the lane of that name."""
        self._retire()
        local, thread_met = self.local, self.thread_met
        self.__init__(self._define, self.place_of, scoped=self._scoped)  # type: ignore[misc]
        # The hooks hold this object; of the states in it only the forking thread's is left.
        local.__dict__.clear()
        self.local, self.thread_met = local, thread_met
        self.main = name
        if self._scoped:
            self.open_scope()
        events, tasks = sys.modules.get("asyncio.events"), sys.modules.get("asyncio.tasks")
        if events is not None and tasks is not None:
            self.watch_asyncio(events, tasks)


def keep(
    kept: dict[int, tuple[ref[_Owner], _Kept]], owner: _Owner, value: _Kept, end: Callable[[_Kept], None] | None = None
) -> None:
    """Keep a value by an object's identity as long as that lives, then `end` it. A `WeakKeyDictionary` runs Python that may be watched."""
    key = id(owner)

    def gone(_: object) -> None:
        kept.pop(key, None)
        if end is not None:
            end(value)

    kept[key] = (ref(owner, gone), value)
