"""Functions that are answered instead of run: what playing back needs of instrumentation.

The code of each function is replaced by generated code of the same signature, free variables and flow, which hands the bound
arguments to a handler. It is the function itself that is answered, so every reference to it is: registries, `from m import f`, bound methods.
What it is made of lies inside the new code, a function over the same free variables, and runs where the handler has it so.
"""

from __future__ import annotations

import ast
import sys
import warnings
from inspect import CO_ITERABLE_COROUTINE, CO_VARARGS, CO_VARKEYWORDS
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from tracer.instrument.instrumentation import Instrumentation
from tracer.instrument.probe import UNREADY, Probe, Unsupported
from tracer.instrument.replacing import ReplacingEngine
from tracer.instrument.signatures import flow_of
from tracer.model import DEFAULT_LEFT_OUT, Flow

if TYPE_CHECKING:
    from collections import abc

    from tracer.instrument.discovery import CallableCode
    from tracer.instrument.instrumentation import InstrumentationReport
    from tracer.model import Callable

    Entered = abc.Callable[[], Any]
    Ready = abc.Callable[[list[Any]], Any]

_ENTERED: Final = "\0tracer:entered"
_ANSWER: Final = "\0tracer:answer"
_READY: Final = "\0tracer:ready"
_UNREADY: Final = "\0tracer:unready"


class Answer(Protocol):
    """Answers one call.

    noun: what is called, as it is known by now.
    caller: what `entered` returned.
    arguments: as `Probe.began` has them, one per parameter.
    proceed: runs the function itself with these arguments, or with others of the same number that are given to it.

    What it returns the call returns, what it raises the call raises. For a generator it returns an iterator, which is driven as `yield from`
    drives one, for a coroutine something to await, for an async generator one of these; `proceed()` returns the same of the function itself.
    Of the latter three it is called at the first resumption.
    """

    def __call__(self, noun: Callable, caller: Any, arguments: list[Any], proceed: abc.Callable[..., Any], /) -> Any:
        """Return what the call returns."""
        ...


class StandIns:
    """Answers every call into the watched components from `start` to `stop`.

    component_of, wanted, name_of, left_out: as of `Instrumentation`. What is left out runs as it is.
    entered_of: given a component, the hook `Probe.entered` of its callables: None where the call comes from the component itself, which
        then runs as it does without stand-ins.
    answer: see `Answer`.
    ready_of: given a callable, the hook `Probe.ready` of its calls, None where it has none.

    Calls may come from any thread. C functions, caches and partials that modules hold are answered where they are bound by name.
    """

    def __init__(
        self,
        component_of: abc.Callable[[str, str | None], str | None],
        wanted: abc.Callable[[str], bool],
        entered_of: abc.Callable[[str], Entered],
        answer: Answer,
        *,
        ready_of: abc.Callable[[Callable], Ready | None] = lambda _: None,
        name_of: abc.Callable[[str, str | None], str] = lambda name, _: name,
        left_out: frozenset[str] = DEFAULT_LEFT_OUT,
    ) -> None:
        self._entered_of = entered_of
        self._answer = answer
        self._ready_of = ready_of
        self._instrumentation = Instrumentation(
            component_of, wanted, self._probe, StandInEngine(), name_of=name_of, left_out=left_out
        )

    @property
    def report(self) -> InstrumentationReport:
        """What is answered by now, and what could not be reached."""
        return self._instrumentation.report

    def callables(self) -> tuple[Callable, ...]:
        """Return all callables that are answered, sorted by name."""
        return self._instrumentation.callables()

    def start(self) -> None:
        """Answer from now on."""
        self._instrumentation.start()

    def stop(self) -> tuple[str, ...]:
        """Put everything back; return a sentence for each thing that could not be."""
        return self._instrumentation.stop()

    def _probe(self, noun: Callable, code: CallableCode) -> Probe | None:
        if code.left_out:
            return None
        return answering(Probe(self._entered_of(noun.component), *_IDLE), code, self._answer, self._ready_of)


def answering(
    probe: Probe,
    code: CallableCode,
    answer: Answer,
    ready_of: abc.Callable[[Callable], Ready | None] = lambda _: None,
) -> Probe:
    """Return a probe as it is but for answering its calls."""

    def answered(ticket: Any, arguments: list[Any], proceed: abc.Callable[..., Any]) -> Any:
        noun = _noun_of(code, proceed) if code.freevar else code.callable
        return proceed() if noun is None else answer(noun, ticket, arguments, proceed)

    return Probe(
        probe.entered,
        probe.began,
        probe.returned,
        probe.raised,
        probe.yielded,
        probe.resumed,
        probe.entered_at,
        answered,
        None if code.freevar else ready_of(code.callable),
    )


def _noun_of(code: CallableCode, proceed: abc.Callable[..., Any]) -> Callable | None:
    """Return which callable a call is of; None where the one that a decorator's wrapper stands for is not wanted."""
    body: FunctionType = proceed.body  # type: ignore[attr-defined]  # only code of stand-ins can be a wrapper's
    cell = (body.__closure__ or ())[body.__code__.co_freevars.index(code.freevar)]
    return code.bound.get(id(cell.cell_contents), code.callable)


def _nothing(*_: Any) -> None:
    """Do nothing: no hook but `answer` is called."""


_IDLE: Final = (_nothing,) * 5


class StandInEngine(ReplacingEngine):
    """A `ReplacingEngine` that puts a stand-in in the place of each code whose probe has an `answer`; others it leaves alone.

    It generates source text, so it is the same for every Python.
    """

    title = "stand-ins"

    def _watched(self, original: CodeType, nested: CodeType, probe: Probe) -> CodeType:
        del original
        if probe.answer is None:
            return nested
        shape = _shape_of(nested)
        answer = probe.answer

        def answered(ticket: Any, arguments: list[Any], body: FunctionType) -> Any:
            return answer(ticket, arguments, _Proceed(body, shape, arguments))

        hooks = {_ENTERED: probe.entered, _ANSWER: answered, _READY: probe.ready, _UNREADY: UNREADY}
        return _stand_in(nested, shape, hooks)


class _Shape(NamedTuple):
    """How a code object is called: its positional parameters, `*args`, keyword-only ones, `**kwargs`; names or "" where there is none."""

    positional: tuple[str, ...]
    positional_only: int
    rest: str
    keywords: tuple[str, ...]
    others: str


def _shape_of(code: CodeType) -> _Shape:
    names = code.co_varnames
    positional, total = code.co_argcount, code.co_argcount + code.co_kwonlyargcount
    rest = names[total] if code.co_flags & CO_VARARGS else ""
    others = names[total + bool(rest)] if code.co_flags & CO_VARKEYWORDS else ""
    return _Shape(names[:positional], code.co_posonlyargcount, rest, names[positional:total], others)


class _Proceed:
    """Runs the body of a stand-in with the arguments of its call, or others."""

    __slots__ = ("_arguments", "_shape", "body")

    def __init__(self, body: FunctionType, shape: _Shape, arguments: list[Any]) -> None:
        self.body = body
        self._shape = shape
        self._arguments = arguments

    def __call__(self, arguments: list[Any] | None = None) -> Any:
        given, shape = self._arguments if arguments is None else arguments, self._shape
        count = len(shape.positional)
        if len(given) == count:
            return self.body(*given)
        left = iter(given[count:])
        rest = next(left) if shape.rest else ()
        keywords = {name: next(left) for name in shape.keywords}
        others = next(left) if shape.others else {}
        return self.body(*given[:count], *rest, **keywords, **others)


def _stand_in(code: CodeType, shape: _Shape, hooks: dict[str, Any]) -> CodeType:
    """Return the stand-in of a code object.

    Raises:
        Unsupported: Python's compiler would lay out something else under these names.
    """
    taken = {*code.co_varnames, *code.co_freevars, *code.co_cellvars}
    prefix = "_tracer"
    while any(name.startswith(prefix) for name in taken):
        prefix += "_"
    try:
        made = _compiled(_source(code, shape, prefix, prepared=hooks[_READY] is not None), code.co_freevars)
    except SyntaxError as error:
        raise Unsupported(f"its parameters cannot be written down: {error.msg}") from error
    if made.co_freevars != code.co_freevars:
        raise Unsupported("its free variables are laid out in another order")
    constants = tuple(
        code if type(each) is CodeType else hooks.get(each, each) if type(each) is str else each
        for each in made.co_consts
    )
    names: dict[str, Any] = {"co_qualname": getattr(code, "co_qualname", "")} if sys.version_info >= (3, 11) else {}
    return made.replace(
        co_consts=constants,
        co_filename=code.co_filename,
        co_firstlineno=code.co_firstlineno,
        co_name=code.co_name,
        co_flags=made.co_flags | (code.co_flags & CO_ITERABLE_COROUTINE),
        **names,
    )


def _compiled(source: str, free: tuple[str, ...]) -> CodeType:
    """Return the code of the function `_tracer` in a text, all of it on the first line."""
    outer = "".join(f"    {name} = None\n" for name in free)
    tree = ast.parse(f"def around():\n{outer}{source}")
    for node in ast.walk(tree):
        for place in ("lineno", "end_lineno"):
            if hasattr(node, place):
                setattr(node, place, 1)
        for place in ("col_offset", "end_col_offset"):
            if hasattr(node, place):
                setattr(node, place, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = compile(tree, "<tracer>", "exec", dont_inherit=True)
    (around,) = (each for each in module.co_consts if type(each) is CodeType)
    (made,) = (each for each in around.co_consts if type(each) is CodeType)
    return made


def _source(code: CodeType, shape: _Shape, prefix: str, *, prepared: bool) -> str:
    """Return the text of a stand-in, indented by one level; `prepared` says whether `Probe.ready` is there to be asked."""
    flow = flow_of(code)
    body, ticket = f"{prefix}_body", f"{prefix}_ticket"
    seen = ", ".join((*shape.positional, *filter(None, (shape.rest,)), *shape.keywords, *filter(None, (shape.others,))))
    run = f"{body}({_passed(shape)})"
    answer = f"{_ANSWER!r}({ticket}, [{seen}], {body})"
    keyword = "async " if flow in {Flow.COROUTINE, Flow.ASYNC_GENERATOR} else ""
    first = (
        _FIRST.format(t=ticket, found=f"{prefix}_found", seen=seen, end=_ENDS[flow].format(f"{prefix}_found"))
        if prepared and flow in _ENDS
        else ""
    )
    lines = [
        f"{keyword}def {prefix}({_signature(shape)}):",
        f"    {ticket} = {_ENTERED!r}()",
        *(f"    {line}" for line in first.splitlines()),
        f"    def {body}(): return ({', '.join(code.co_freevars)})",
        *(f"    {line}" for line in _FLOWS[flow].format(p=prefix, t=ticket, run=run, answer=answer).splitlines()),
    ]
    return "".join(f"    {line}\n" for line in lines)


_FIRST: Final = f"""\
if {{t}} is not None:
    {{found}} = {_READY!r}([{{seen}}])
    if {{found}} is not {_UNREADY!r}: return {{end}}"""
_ENDS: Final = {Flow.CALL: "{}", Flow.COROUTINE: "{}", Flow.GENERATOR: "(yield from {})"}
"""What becomes of what `Probe.ready` returned. An async generator's steps cost more than asking `answer` does."""

_FLOWS: Final = {
    Flow.CALL: "if {t} is None: return {run}\nreturn {answer}",
    Flow.GENERATOR: "return (yield from ({run} if {t} is None else {answer}))",
    Flow.COROUTINE: "return await ({run} if {t} is None else {answer})",
    Flow.ASYNC_GENERATOR: """\
{p}_inner = {run} if {t} is None else {answer}
{p}_step = {p}_inner.__anext__()
try:
    while True:
        try: {p}_item = await {p}_step
        except StopAsyncIteration: return
        try: {p}_sent = yield {p}_item
        except GeneratorExit: raise
        except BaseException as {p}_error: {p}_step = {p}_inner.athrow({p}_error)
        else: {p}_step = {p}_inner.asend({p}_sent)
finally:
    await {p}_inner.aclose()""",
}
"""The body of a stand-in by flow. An async generator cannot delegate: what passes through is handed on step by step (PEP 525)."""


def _signature(shape: _Shape) -> str:
    """Return the parameters without defaults, which the function keeps."""
    parts = list(shape.positional)
    if shape.positional_only:
        parts.insert(shape.positional_only, "/")
    if shape.rest or shape.keywords:
        parts.append(f"*{shape.rest}")
    parts += shape.keywords
    if shape.others:
        parts.append(f"**{shape.others}")
    return ", ".join(parts)


def _passed(shape: _Shape) -> str:
    """Return the same parameters as they are handed on."""
    parts = list(shape.positional)
    if shape.rest:
        parts.append(f"*{shape.rest}")
    parts += [f"{name}={name}" for name in shape.keywords]
    if shape.others:
        parts.append(f"**{shape.others}")
    return ", ".join(parts)
