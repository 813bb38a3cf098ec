"""A rewritten program does what the plain one does, seen from inside and outside, and its probes hear of all of it."""

from __future__ import annotations

import builtins
import contextlib
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tracer
from tracer.instrument.injection.engine import InjectionEngine
from tracer.instrument.probe import Probe

if TYPE_CHECKING:
    import types
    from collections.abc import Callable, Iterator

# Generators and coroutines dropped in mid-air complain when they are collected, plain or rewritten.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::pytest.PytestUnraisableExceptionWarning")

CASES = Path(__file__).parents[1] / "samples" / "injection_cases.py"
EXCEPT_STAR = """

def groups(error):
    try:
        try:
            raise ExceptionGroup("group", [error, KeyError(2)])
        except* ValueError as group:
            return_value = repr(group)
        except* TypeError:
            raise
    except ExceptionGroup as group:
        return repr(group)


def case_except_star():
    return groups(ValueError(1)), groups(TypeError(1)), groups(OSError(1))


def star_in_generator():
    try:
        yield 1
    except* ValueError:
        yield 2


def case_star_in_generator():
    return drive(star_in_generator(), None, ValueError(1), None), drive(star_in_generator(), None, KeyError(1))
"""


def many_constants() -> str:
    """Return a function whose constants, names and jumps need more than one byte."""
    branches = "".join(
        f"        if x == {1000 + i}:\n            x += {i}.5\n            n{i} = g{i} = x\n" for i in range(140)
    )
    return f"""

def many(x):
    try:
        while x:
{branches.replace("        ", "            ")}
            if x < 0:
                return [x]
            x = x - 400
    finally:
        last = x
    return last


def many_yields(x):
    for x in range(3):
{branches}
        got = yield from [x, (yield 4567)]
    yield 9876.5


def case_many_constants():
    return many(1002), many(-1), many(800), drive(many_yields(3), None, 1, None, 2, None, ValueError(1))


def many_parameters({", ".join(f"p{i}" for i in range(300))}):
    return lambda: p299, p0


def case_many_parameters():
    return many_parameters(*range(300))[0]()
"""


SOURCE = CASES.read_text("utf-8") + (EXCEPT_STAR if sys.version_info >= (3, 11) else "") + many_constants()
NAMES = [line[4:-3] for line in SOURCE.splitlines() if line.startswith("def case_")]


def load(*probes_of: Callable[[types.CodeType], Probe | None]) -> dict[str, Any]:
    """Run the cases, watched by as many engines, one after the other."""
    code = compile(SOURCE, str(CASES), "exec", dont_inherit=True)
    for probe_of in probes_of:
        engine = InjectionEngine()
        code = engine.attach_module(code, probe_of)
        assert engine.unwatched == ()
    namespace: dict[str, Any] = {"__name__": "injection_cases", "__file__": str(CASES)}
    exec(code, namespace)
    return namespace


class Recorder:
    """Keeps what probes are told, as (name of the code, what happened, value)."""

    def __init__(self) -> None:
        self.events: list[tuple[Any, ...]] = []

    def probe_of(self, code: types.CodeType) -> Probe:
        name, events = code.co_name, self.events

        def began(ticket: tuple[str, str], arguments: list[Any]) -> list[str]:
            events.append((*ticket, tuple(arguments)))
            return [name]

        return Probe(
            entered=lambda: (name, sys._getframe(1).f_code.co_name),
            began=began,
            returned=lambda token, value: events.append((*token, "returned", value)),
            raised=lambda token, error: events.append((*token, "raised", repr(error))),
            yielded=lambda token, item: events.append((*token, "yielded", item)),
            resumed=lambda token, value: events.append((*token, "resumed", value)),
        )


def forgetful(code: types.CodeType) -> Probe:
    """Interested in everything, keeping nothing, so that values live exactly as long as in the plain program."""

    def began(*_: Any) -> object:
        return code

    def hook(*_: Any) -> None:
        return None

    return Probe(began, began, hook, hook, hook, hook)


def uninterested(_: types.CodeType) -> Probe:
    def never(*_: Any) -> None:
        raise AssertionError("called although the activation is of no interest")

    return Probe(lambda: None, never, never, never, never, never)


def outcome(call: Callable[[], Any]) -> Any:
    """Return what a call gives, or its exception with everything that hangs on it."""
    try:
        return shown(call())
    except BaseException as error:
        return raised(error)


def raised(error: BaseException | None) -> Any:
    if error is None:
        return None
    entries, entry = [], error.__traceback__
    while entry is not None:
        code = entry.tb_frame.f_code
        if code.co_filename == str(CASES):
            entries.append((code.co_name, entry.tb_lineno))
        elif code is not outcome.__code__:
            entries.append((code.co_filename, entry.tb_lineno))
        entry = entry.tb_next
    return repr(error), entries, raised(error.__cause__), raised(error.__context__), error.__suppress_context__


def shown(value: Any) -> str:
    return repr(value)


PLAIN = load()
WATCHED = {
    "watched": load(forgetful),
    "passed over": load(uninterested),
    "watched twice": load(forgetful, forgetful),
    "passed over first": load(uninterested, forgetful),
    "passed over then": load(forgetful, uninterested),
}
"""The same cases, as one or two who watch at once have made them."""


@contextlib.contextmanager
def traced() -> Iterator[list[Any]]:
    """Collect every event `sys.settrace` gives for the cases' file."""
    events: list[Any] = []

    def trace(frame: types.FrameType, event: str, argument: Any) -> Any:
        if frame.f_code.co_filename != str(CASES):
            return None
        detail = type(argument[1]).__name__ if event == "exception" else event == "return" and argument is None
        events.append((event, frame.f_code.co_name, frame.f_lineno, detail))
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield events
    finally:
        sys.settrace(before)


def without_silent_closing(events: list[Any]) -> list[Any]:
    """Leave out generators that end at once when closed: plain ones of 3.13 do so without running, unseen by tracers."""
    kept: list[Any] = []
    for event in events:
        if (
            event[0] == "return"
            and [one[0] for one in kept[-2:]] == ["call", "exception"]
            and kept[-1][3] == "GeneratorExit"
        ):
            del kept[-2:]
        else:
            kept.append(event)
    return kept if sys.version_info >= (3, 13) else events


@pytest.mark.parametrize("name", NAMES)
def test_outcome_and_traceback_are_those_of_the_plain_code(name: str) -> None:
    for how, cases in WATCHED.items():
        for _ in range(4):  # the interpreter specialises what runs often
            assert outcome(cases[name]) == outcome(PLAIN[name]), how


@pytest.mark.parametrize("name", NAMES)
def test_trace_functions_see_the_same_events(name: str) -> None:
    seen = {}
    for how, cases in {"plain": PLAIN, **WATCHED}.items():
        with traced() as events:
            result = outcome(cases[name])
        seen[how] = result, without_silent_closing(events)
    for how, events_and_result in seen.items():
        assert events_and_result == seen["plain"], how


def test_coverage_measures_the_same_arcs(tmp_path: Path) -> None:
    """Line and branch coverage of every case, by the C tracer, in a process of its own."""
    program = tmp_path / "measure.py"
    program.write_text(MEASURE, "utf-8")
    measured = [
        subprocess.run(
            [sys.executable, "-W", "ignore", str(program), mode, __file__],
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(Path(tracer.__file__).parents[1])},
        ).stdout
        for mode in ("plain", "watched")
    ]
    assert len(measured[0]) > 1000
    assert measured[0] == measured[1]


MEASURE = """
import importlib.util, sys
import coverage
spec = importlib.util.spec_from_file_location("injection_tests", sys.argv[2])
tests = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tests)
measuring = coverage.Coverage(data_file=None, branch=True, include=[str(tests.CASES)], config_file=False)
measuring.start()
cases = tests.load(*[tests.forgetful][sys.argv[1] != "watched":])
for name in tests.NAMES:
    tests.outcome(cases[name])
measuring.stop()
print(*sorted(measuring.get_data().arcs(str(tests.CASES))), sep="\\n")
"""


OPERATIONS = st.lists(
    st.sampled_from(["next", "send", "throw ValueError", "throw KeyError", "throw StopIteration", "close", "drop"]),
    max_size=8,
)
GENERATORS = {
    "counting": lambda cases: cases["counting"](3),
    "delegating": lambda cases: cases["delegating"](cases["counting"](2)),
    "twice": lambda cases: cases["delegating"](cases["delegating"](cases["counting"](2))),
    "iterator": lambda cases: cases["delegating"](cases["Iterator"](7)),
    "full": lambda cases: cases["delegating"](cases["Full"](4)),
    "list": lambda cases: cases["delegating"]([1, 2, 3]),
    "tries": lambda cases: cases["yields_in_tries"]([]),
    "walk": lambda cases: cases["walk"](3),
    "expressions": lambda cases: cases["yields_in_expressions"](lambda *a, **k: (a, k)),
    "coroutine": lambda cases: cases["nested_awaits"](),
    "stops": lambda cases: cases["raises_stop"](),
}


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(sorted(GENERATORS)), OPERATIONS)
def test_generators_answer_any_driver_as_plain_ones_do(name: str, operations: list[str]) -> None:
    answers = {}
    for how, cases in {"plain": PLAIN, **WATCHED}.items():
        running = GENERATORS[name](cases)
        answers[how] = [outcome(partial(apply, running, step)) for step in operations]
    for how, given_back in answers.items():
        assert given_back == answers["plain"], how


def apply(running: Any, operation: str) -> Any:
    match operation.split():
        case ["next"]:
            return running.send(None)
        case ["send"]:
            return running.send([7])
        case ["throw", kind]:
            return running.throw(getattr(builtins, kind)("thrown"))
        case ["close"]:
            return running.close()
    return getattr(running, "gi_yieldfrom", 0) is None


def drain(generator: Any, *steps: Any) -> None:
    for step in steps:
        with contextlib.suppress(StopIteration, KeyError):
            generator.throw(step) if isinstance(step, BaseException) else generator.send(step)


def events_of(run: Callable[[dict[str, Any]], Any]) -> list[tuple[Any, ...]]:
    recorder = Recorder()
    cases = load(recorder.probe_of)
    recorder.events.clear()
    run(cases)
    return [event for event in recorder.events if event[0] not in ("drive", "__init__")]


@pytest.mark.parametrize("name", NAMES)
def test_probes_of_one_who_watches_what_another_has_made_hear_the_same(name: str) -> None:
    """Of activations, arguments, items and ends, the very objects."""
    recorders = Recorder(), Recorder(), Recorder()
    cases = load(*[recorder.probe_of for recorder in recorders])
    for recorder in recorders:
        recorder.events.clear()
    outcome(cases[name])
    heard = [
        [
            (
                *event[:2],
                *(id(one) if event[1] in {"yielded", "resumed", "returned"} else repr(one) for one in event[2:]),
            )
            for event in recorder.events
        ]
        for recorder in recorders
    ]
    assert heard[0]
    assert heard[1] == heard[0]
    assert heard[2] == heard[0]


def test_probe_hears_arguments_in_the_order_of_the_signature() -> None:
    events = events_of(lambda cases: cases["add"](1, 2, 3, 4, 5, d=6, e=7, x=8))
    assert events == [("add", "add", (1, 2, 3, (4, 5), 6, 7, {"x": 8})), ("add", "returned", 36)]


def test_probe_hears_arguments_that_are_cells() -> None:
    events = events_of(lambda cases: cases["cells"](1, 2, b=3, c=4)())
    assert events[0] == ("cells", "cells", (1, (2,), 3, {"c": 4}))
    assert events[2:] == [("inner", "inner", ()), ("inner", "returned", (2, (2,), 3, {"c": 4}))]


def test_probe_hears_what_leaves_and_not_what_is_caught() -> None:
    def run(cases: dict[str, Any]) -> None:
        cases["tries"](2)
        with contextlib.suppress(ValueError):
            cases["bare_reraise"]()

    log = ["try", "inner", "finally"]
    assert events_of(run) == [
        ("tries", "tries", (2,)),
        ("tries", "returned", log),
        ("bare_reraise", "bare_reraise", ()),
        ("raises_deep", "raises_deep", (0,)),
        ("raises_deep", "raised", "ValueError('deep')"),
        ("bare_reraise", "raised", "ValueError('deep')"),
    ]


def test_probe_hears_items_resumptions_and_what_is_thrown_out() -> None:
    events = events_of(lambda cases: drain(cases["counting"](3), None, 5, KeyError("k")))
    assert events == [
        ("counting", "counting", (3,)),
        ("counting", "yielded", 0),
        ("counting", "resumed", 5),
        ("counting", "yielded", 1),
        ("counting", "raised", "KeyError('k')"),
    ]


def test_probe_hears_items_that_pass_through_yield_from() -> None:
    events = events_of(lambda cases: drain(cases["delegating_directly"](cases["simple"]("ab")), None, "s", None))
    outer = [event[1:] for event in events if event[0] == "delegating_directly"][1:]
    assert outer == [("yielded", "a"), ("resumed", "s"), ("yielded", "b"), ("resumed", None), ("returned", None)]
    assert [event[0] for event in events if event[1] == "resumed"] == ["delegating_directly", "simple"] * 2


@pytest.mark.parametrize("kind", ["list", "iterator"])
def test_probe_hears_items_of_iterators_delegated_to(kind: str) -> None:
    def run(cases: dict[str, Any]) -> None:
        drain(cases["delegating"]([1, 0] if kind == "list" else cases["Iterator"](2)), None, None, None, "x")

    events = [event[1:] for event in events_of(run) if event[0] == "delegating"]
    result = None if kind == "list" else "class done"
    first, second = (1, 0)
    assert events[1:] == [
        ("yielded", first),
        ("resumed", None),
        ("yielded", second),
        ("resumed", None),
        ("yielded", result),
        ("resumed", "x"),
        ("returned", "x"),
    ]


def test_probe_does_not_hear_awaits_and_starts_a_coroutine_at_its_first_resumption() -> None:
    def run(cases: dict[str, Any]) -> None:
        running = cases["awaits"](1)
        cases["one_line"](0)
        drain(running, None, "got")

    events = [event for event in events_of(run) if event[0] != "__await__"]
    assert events == [
        ("one_line", "one_line", (0,)),
        ("one_line", "returned", None),
        ("awaits", "awaits", (1,)),
        ("awaits", "returned", [("got", 0)]),
    ]


def test_probe_hears_items_of_async_generators_unwrapped() -> None:
    def run(cases: dict[str, Any]) -> None:
        cases["run"](cases["drive_async"](cases["async_stops"](KeyError("k")), None, None))

    events = [event for event in events_of(run) if event[0] == "async_stops"]
    assert events[1:] == [
        ("async_stops", "yielded", 1),
        ("async_stops", "resumed", None),
        ("async_stops", "raised", "KeyError('k')"),
    ]


def test_probe_hears_the_error_the_caller_of_a_generator_sees() -> None:
    events = events_of(lambda cases: cases["drive"](cases["raises_stop"](), None, None))
    assert ("raises_stop", "raised", "RuntimeError('generator raised StopIteration')") in events


def test_probe_hears_of_a_dropped_generator() -> None:
    def run(cases: dict[str, Any]) -> None:
        next(cases["simple"]("a"))

    assert events_of(run)[-1] == ("simple", "raised", "GeneratorExit()")


def test_recursion_is_as_deep_as_in_the_plain_program() -> None:
    depths = [cases["depth_left"]() for cases in (PLAIN, WATCHED["watched"], WATCHED["passed over"])]
    assert max(depths) - min(depths) <= 3
