"""What an engine calls when a watched callable runs, and what an engine is.

An engine sees activations of code objects (first entry, items, end); a `Probe` decides what they mean.
Recording and playing back differ only in their probes, so instrumentation is written once.
"""

from __future__ import annotations

from dataclasses import dataclass
from sys import _getframe
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType, ModuleType

    from tracer.instrument.injection.sites import SiteHooks

UNSEEN: Final = type("Unseen", (), {"__slots__": (), "__repr__": lambda _: "UNSEEN"})()
"""Stands for the value sent into a generator, where an engine is not shown it."""

UNREADY: Final = type("Unready", (), {"__slots__": (), "__repr__": lambda _: "UNREADY"})()
"""Stands for the outcome of a call for which `Probe.answer` has to be asked."""


UNFIT: Final = "its arguments did not fit its signature"
"""Why a call is lost that is told of before the callable refuses it."""
USED_UP: Final = "its arguments came from an iterator, which looking at would use up"
"""The same for `f(*iterator)`."""


def unheard(_: str) -> None:
    """Do nothing: a loss that nobody counts."""


class Unsupported(Exception):
    """A code object cannot be rewritten safely. The message says why."""


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """The hooks of one watched callable. Plain functions, which never raise.

    entered: called with no argument when an activation starts (a generator's or coroutine's: at its first resumption), with the
        watched frame as `sys._getframe(1)`. It returns None where the call is of no interest (the caller stands in the same component,
        or tracer itself is at work): then nothing else is called for this activation. Else it returns a ticket.
    began: called at once after with the ticket and a list of the arguments, which is its own, in the order of `inspect.signature`
        (positional, `*args` as one tuple, keyword-only, `**kwargs` as one dict). It returns the token of the activation.
    returned: called with the token and the value when the activation returns.
    raised: called with the token and the exception when one leaves the activation (GeneratorExit too).
    yielded: called with the token and the item each time a generator or an async generator hands one out (not for awaits).
    resumed: called with the token and the value sent in, mostly None (`UNSEEN` where the engine is not shown it), when it goes on after that. Not called where an
        exception was thrown in instead.
    entered_at: as `entered`, but called with the watched frame, by an engine whose own code stands between the two
        (`sys.monitoring`). Such an engine refuses a probe without it.
    answer: called by stand-ins (`tracer.instrument.standins`) and by the wrappers of foreign callables in place of the other hooks but
        `entered`, with the ticket, the arguments as `began` has them, and what runs the callable itself. What it returns the call returns;
        the others are not called by them. See `standins.Answer`.
    ready: asked before `answer` by what calls that, with the arguments alone, in a list of their own: it does for the simplest calls what
        `answer` would, and returns `UNREADY`, nothing done, for all others. A coroutine returns what it returns, a generator drives it.
    lost: called with the reason where a callable without Python code is called and its arguments cannot be told, in place of `began` and all
        that follows.
    """

    entered: Callable[[], Any]
    began: Callable[[Any, list[Any]], Any]
    returned: Callable[[Any, Any], None]
    raised: Callable[[Any, BaseException], None]
    yielded: Callable[[Any, Any], None]
    resumed: Callable[[Any, Any], None]
    entered_at: Callable[[FrameType], Any] | None = None
    answer: Callable[[Any, list[Any], Callable[..., Any]], Any] | None = None
    ready: Callable[[list[Any]], Any] | None = None
    lost: Callable[[str], None] = unheard


def told_of_returns(
    returned: Callable[[Any, Any], None], entered_at: Callable[[FrameType], Any] = lambda _: True
) -> Probe:
    """Return a probe that hears of nothing but what activations return, with the ticket that `entered_at` gave."""

    def nothing(_: object, __: object) -> None:
        pass

    return Probe(
        lambda: entered_at(_getframe(1)), lambda ticket, _: ticket, returned, nothing, nothing, nothing, entered_at
    )


def function_at(module: ModuleType, path: str) -> object:
    """Return what a dotted path in a module leads to, None where it leads nowhere: most that are asked for are private."""
    found: object = module
    for name in path.split("."):
        found = getattr(found, name, None)
    return found


def hear_of(engine: Engine, function: object, probe: Probe | None, sites: SiteHooks | None = None) -> None:
    """Attach a probe to one function of the standard library or another, not to those inside; to none where it is no Python function.

    Its call sites, and those inside, call `sites`. Where no probe is given there are only these.
    """
    if type(function) is FunctionType:
        code = engine.original(function.__code__)
        engine.attach_function(function, lambda inner: probe if inner is code else None, sites)


class Engine(Protocol):
    """One mechanism that lets probes see activations. Code objects are its unit: closures made later come along.

    `title` is its name as people read it. `tells_of_calls` says whether it can call hooks at call sites too; then all code of a module
    calls those it is attached with.
    """

    title: str
    tells_of_calls: bool

    def attach_module(
        self, code: CodeType, probe_of: Callable[[CodeType], Probe | None], sites: SiteHooks | None = None
    ) -> CodeType:
        """Return what is to be executed instead of a module's code object.

        Each function code inside it, at any depth, for which `probe_of` gives a probe is then watched from its first activation.
        """
        ...

    def attach_function(
        self, function: Any, probe_of: Callable[[CodeType], Probe | None], sites: SiteHooks | None = None
    ) -> bool:
        """Watch a live Python function and the function codes nested in it. False where it could not be done."""
        ...

    def choose_codes(self, choose: Callable[[Any, Any], Any]) -> None:
        """Have code that is attached from now on store as `__code__` what `choose`, which does not raise, returns for the owner and the value.

        Does nothing where the mechanism cannot do that.
        """
        ...

    def holds_hooks(self, code: CodeType) -> bool:
        """Whether a code object calls hooks of this engine: one that it made, or somebody's copy of one."""
        ...

    def start_over(self) -> None:
        """Forget what was attached before, so that attaching it again has an effect; nothing is restored."""
        ...

    def original(self, code: CodeType) -> CodeType:
        """Return the code object as it was before this engine touched it (itself where it did not)."""
        ...

    def detach(self) -> tuple[str, ...]:
        """Undo everything that is still ours; return a sentence for each thing that could not be restored."""
        ...
