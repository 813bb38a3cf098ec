"""The sys.monitoring engine, on the Pythons that have it."""

from __future__ import annotations

import asyncio
import gc
import inspect
import sys
import types
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from tracer.errors import RecordingError
from tracer.instrument.monitoring import MonitoringEngine
from tracer.instrument.probe import UNSEEN, Probe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CodeType, FrameType

pytestmark = pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring came with Python 3.12")

monitoring: Any = getattr(sys, "monitoring", None)


class Log:
    """Probes that write down what they are told; `interested` decides about each activation."""

    def __init__(self) -> None:
        self.events: list[tuple[Any, ...]] = []
        self.interested: Callable[[FrameType], bool] = lambda _: True
        self.tokens = 0

    def probe_of(self, code: CodeType) -> Probe:
        def began(ticket: Any, arguments: list[Any]) -> int:
            self.tokens += 1
            self.events.append(("began", ticket, tuple(arguments)))
            return self.tokens

        return Probe(
            entered=lambda: pytest.fail("not for this engine"),
            began=began,
            returned=lambda token, value: self.events.append(("returned", token, value)),
            raised=lambda token, error: self.events.append(("raised", token, type(error).__name__)),
            yielded=lambda token, item: self.events.append(("yielded", token, item)),
            resumed=lambda token, value: self.events.append(("resumed", token, value)),
            entered_at=lambda frame: frame.f_code.co_name if self.interested(frame) else None,
        )


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def engine() -> Iterator[MonitoringEngine]:
    engine = MonitoringEngine()
    yield engine
    engine.detach()


def run(source: str, engine: MonitoringEngine, log: Log) -> dict[str, Any]:
    """Execute `source` as a module watched by `engine`."""
    namespace: dict[str, Any] = {"__name__": "sample"}
    exec(engine.attach_module(compile(source, "sample.py", "exec", dont_inherit=True), log.probe_of), namespace)
    return namespace


def test_a_call_is_told_with_its_arguments_and_its_result(engine: MonitoringEngine, log: Log) -> None:
    sample = run("def double(x): return 2 * x", engine, log)
    sample["double"](4)
    assert log.events == [("began", "double", (4,)), ("returned", 1, 8)]


SIGNATURES = [
    "def f(): pass",
    "def f(a, /, b, *rest, c, d=4, **more): pass",
    "def f(a, *, c=3, **more): return lambda: (a, more)",
    "def f(*rest, c=1): return lambda: rest",
    "def f(a=1, **more):\n  del a",
    "async def f(a, *rest, c=2): return lambda: c",
    "def f(a, *rest, c=2): yield lambda: c",
]


@pytest.mark.parametrize("source", SIGNATURES)
def test_arguments_come_in_signature_order(source: str, engine: MonitoringEngine, log: Log) -> None:
    function = run(source, engine, log)["f"]
    wanted = inspect.signature(function)
    keywords = {
        name: 7 for name, parameter in wanted.parameters.items() if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }
    if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in wanted.parameters.values()):
        keywords["extra"] = 8
    positional = [1, 2][: function.__code__.co_argcount]
    if any(parameter.kind is inspect.Parameter.VAR_POSITIONAL for parameter in wanted.parameters.values()):
        positional.append(3)
    bound = wanted.bind(*positional, **keywords)
    bound.apply_defaults()
    made: Any = function(*positional, **keywords)
    if hasattr(made, "send"):
        list(made) if hasattr(made, "__next__") else asyncio.run(made)
    assert log.events[0] == ("began", "f", tuple(bound.arguments.values()))


def test_functions_nested_in_classes_functions_and_lambdas_are_watched(engine: MonitoringEngine, log: Log) -> None:
    sample = run(
        "class C:\n  class D:\n    def method(self):\n      return (lambda: 5)()\n"
        "def outer():\n  def inner(): return [x for x in (y for y in range(2))]\n  return inner\n",
        engine,
        log,
    )
    sample["C"].D().method()
    sample["outer"]()()
    assert [event[1] for event in log.events if event[0] == "began"] == ["method", "<lambda>", "outer", "inner"]


def test_an_activation_without_ticket_is_told_no_further(engine: MonitoringEngine, log: Log) -> None:
    """Neither its end nor its items, while others of the same code are."""
    sample = run("def count(n):\n  for i in range(n): yield i\n", engine, log)
    log.interested = lambda frame: frame.f_locals["n"] == 1
    assert list(zip(sample["count"](3), sample["count"](1))) == [(0, 0)]
    assert [event[0] for event in log.events] == ["began", "yielded", "resumed", "returned"]


def test_the_frame_shown_is_the_watched_one(engine: MonitoringEngine, log: Log) -> None:
    sample = run("def f(): pass\ndef g(): f()", engine, log)
    callers: list[str] = []

    def interested(frame: FrameType) -> bool:
        assert frame.f_back is not None
        callers.append(frame.f_back.f_code.co_name)
        return False

    log.interested = interested
    sample["g"]()
    assert callers == ["test_the_frame_shown_is_the_watched_one", "g"]


def test_recursion_keeps_activations_apart(engine: MonitoringEngine, log: Log) -> None:
    sample = run("def down(n): return 0 if not n else 1 + down(n - 1)", engine, log)
    sample["down"](2)
    assert log.events[3:] == [("returned", 3, 0), ("returned", 2, 1), ("returned", 1, 2)]


def test_an_exception_that_leaves_is_told_and_one_that_is_caught_inside_is_not(
    engine: MonitoringEngine, log: Log
) -> None:
    sample = run("def fail(): raise KeyError\ndef catch():\n  try: fail()\n  except KeyError: return 1\n", engine, log)
    sample["catch"]()
    assert log.events == [
        ("began", "catch", ()),
        ("began", "fail", ()),
        ("raised", 2, "KeyError"),
        ("returned", 1, 1),
    ]


def test_a_generator_starts_at_its_first_resumption(engine: MonitoringEngine, log: Log) -> None:
    sample = run("def g():\n  got = yield 1\n  yield got\n  return 3\n", engine, log)
    generator = sample["g"]()
    assert log.events == []
    next(generator)
    generator.send("x")
    assert log.events == [("began", "g", ()), ("yielded", 1, 1), ("resumed", 1, UNSEEN), ("yielded", 1, "x")]
    with pytest.raises(StopIteration):
        next(generator)
    assert log.events[4:] == [("resumed", 1, UNSEEN), ("returned", 1, 3)]


def test_an_exception_thrown_in_is_no_resumption(engine: MonitoringEngine, log: Log) -> None:
    sample = run("def g():\n  try: yield 1\n  except KeyError: yield 2\n", engine, log)
    generator = sample["g"]()
    next(generator)
    generator.throw(KeyError)
    generator.close()
    assert log.events[1:3] == [("yielded", 1, 1), ("yielded", 1, 2)]


def test_closing_a_generator_that_guards_its_yield_is_told(engine: MonitoringEngine, log: Log) -> None:
    sample = run("def g():\n  try: yield 1\n  finally: x = 1\n", engine, log)
    generator = sample["g"]()
    next(generator)
    generator.close()
    assert log.events[2:] == [("raised", 1, "GeneratorExit")]


def test_a_generator_never_started_is_not_told(engine: MonitoringEngine, log: Log) -> None:
    sample = run("def g(): yield 1", engine, log)
    sample["g"]().close()
    with pytest.raises(KeyError):
        sample["g"]().throw(KeyError)
    assert log.events == []


def test_delegated_items_are_items_of_the_outer_generator(engine: MonitoringEngine, log: Log) -> None:
    sample = run("def outer(): return (yield from iter('ab'))", engine, log)
    assert list(sample["outer"]()) == ["a", "b"]
    assert [event[2] for event in log.events if event[0] == "yielded"] == ["a", "b"]


def test_awaits_are_no_items(engine: MonitoringEngine, log: Log) -> None:
    sample = run(
        "import asyncio, types\n@types.coroutine\ndef old(): yield from asyncio.sleep(0).__await__()\n"
        "async def c():\n  await asyncio.sleep(0)\n  await old()\n  return 1\n",
        engine,
        log,
    )
    engine.attach_function(sample["old"], log.probe_of)  # types.coroutine gave it another code object
    asyncio.run(sample["c"]())
    assert log.events == [("began", "c", ()), ("began", "old", ()), ("returned", 2, None), ("returned", 1, 1)]


def test_async_generators_tell_unwrapped_items_and_no_awaits(engine: MonitoringEngine, log: Log) -> None:
    sample = run(
        "import asyncio\nasync def ag(items):\n  for item in items:\n    await asyncio.sleep(0)\n    yield item\n"
        "async def main(items): return [x async for x in ag(items)]\n",
        engine,
        log,
    )
    items = [None, (1, 2), asyncio]
    assert asyncio.run(sample["main"](items)) == items
    inside = [event for event in log.events[2:] if event[1] == 2]
    assert [event[0] for event in inside] == ["yielded", "resumed"] * 3 + ["returned"]
    assert [event[2] for event in inside if event[0] == "yielded"] == items


def test_an_async_generator_closed_early_is_told_of(engine: MonitoringEngine, log: Log) -> None:
    sample = run("async def ag():\n  yield 1\n  yield 2\n", engine, log)

    async def main() -> None:
        generator = sample["ag"]()
        await generator.asend(None)
        await generator.aclose()

    asyncio.run(main())
    assert log.events[1:] == [("yielded", 1, 1), ("raised", 1, "GeneratorExit")]


def test_a_suspended_generator_is_not_kept_alive(engine: MonitoringEngine, log: Log) -> None:
    sample = run("def g(a):\n  yield 1\n", engine, log)

    class Argument:
        pass

    argument = Argument()
    generator = sample["g"](argument)
    next(generator)
    generator_died, argument_died = weakref.ref(generator), weakref.ref(argument)
    log.events.clear()
    del generator, argument
    assert generator_died() is None
    log.events.clear()
    assert argument_died() is None


def test_an_end_not_shown_never_speaks_for_a_later_generator(engine: MonitoringEngine, log: Log) -> None:
    """Frames reuse addresses: the token of an abandoned generator must not be told of another one's items."""
    sample = run("def g(n):\n  yield n\n  yield n\n", engine, log)
    for n in range(50):
        log.interested = lambda frame: frame.f_locals["n"] % 2 == 0
        generator = sample["g"](n)
        next(generator)
        log.events.clear()
        next(generator)
        assert log.events == ([("resumed", n // 2 + 1, UNSEEN), ("yielded", n // 2 + 1, n)] if n % 2 == 0 else [])
        del generator


def test_an_argument_deleted_by_the_callee_dies_there(engine: MonitoringEngine, log: Log) -> None:
    sample = run("def f(a, died):\n  del a\n  return died()\n", engine, log)

    class Argument:
        pass

    def silent(_token: Any, _value: Any) -> None: ...

    probe = Probe(lambda: 1, lambda *_: 1, silent, silent, silent, silent, lambda _: 1)
    engine.attach_function(sample["f"], lambda _: probe)
    argument = [Argument()]
    died = weakref.ref(argument[0])
    survivor = sample["f"](argument.pop(), died)
    assert survivor is None


def test_locals_of_the_callee_show_nothing_more(engine: MonitoringEngine, log: Log) -> None:
    sample = run("def f(a, b=2):\n  c = 3\n  return locals()\n", engine, log)
    assert sample["f"](1) == {"a": 1, "b": 2, "c": 3}


def test_live_functions_can_be_attached_with_what_is_nested_in_them(engine: MonitoringEngine, log: Log) -> None:
    def outer() -> Callable[[], int]:
        return lambda: 1

    assert engine.attach_function(outer, log.probe_of)
    outer()()
    assert [event[1] for event in log.events if event[0] == "began"] == ["outer", "<lambda>"]


@pytest.mark.parametrize("target", [len, int, weakref.ref, types.MethodType(len, "")])
def test_what_is_no_python_function_is_refused(target: Any, engine: MonitoringEngine, log: Log) -> None:
    assert not engine.attach_function(target, log.probe_of)


def test_code_stays_what_it_is(engine: MonitoringEngine, log: Log) -> None:
    def f() -> None: ...

    before = f.__code__
    bytecode = before.co_code
    engine.attach_function(f, log.probe_of)
    assert f.__code__ is before
    assert before.co_code == bytecode
    assert engine.original(before) is before


def test_detach_switches_everything_off(log: Log) -> None:
    engine = MonitoringEngine()
    tools = [monitoring.get_tool(tool) for tool in range(6)]
    sample = run("def f(): pass\ndef fail(): raise KeyError", engine, log)
    tool = next(tool for tool in range(6) if monitoring.get_tool(tool) != tools[tool])
    assert engine.detach() == ()
    sample["f"]()
    with pytest.raises(KeyError):
        sample["fail"]()
    assert log.events == []
    assert [monitoring.get_tool(tool) for tool in range(6)] == tools
    monitoring.use_tool_id(tool, "after")
    assert monitoring.get_events(tool) == 0
    assert monitoring.get_local_events(tool, sample["f"].__code__) == 0
    monitoring.free_tool_id(tool)


def test_an_activation_open_at_detach_ends_in_silence(log: Log) -> None:
    engine = MonitoringEngine()
    sample = run("def f(between): between()", engine, log)
    sample["f"](engine.detach)
    assert [event[0] for event in log.events] == ["began"]
    run("", engine, log)


def test_an_engine_can_be_used_again_after_detach(engine: MonitoringEngine, log: Log) -> None:
    engine.attach_function(run("def f(): pass", engine, log)["f"], log.probe_of)
    engine.detach()
    run("def f(): pass", engine, log)["f"]()
    assert [event[0] for event in log.events] == ["began", "returned"]


def test_two_engines_see_the_same_activation(engine: MonitoringEngine, log: Log) -> None:
    other, seen = MonitoringEngine(), Log()
    sample = run("def f(): pass", engine, log)
    other.attach_function(sample["f"], seen.probe_of)
    sample["f"]()
    other.detach()
    sample["f"]()
    assert (len(log.events), len(seen.events)) == (4, 2)


def test_a_clash_over_tool_ids_is_an_error_that_names_the_holders(engine: MonitoringEngine, log: Log) -> None:
    free = [tool for tool in (2, 3, 4) if monitoring.get_tool(tool) is None]
    for tool in free:
        monitoring.use_tool_id(tool, "squatter")
    try:
        with pytest.raises(RecordingError, match="squatter"):
            run("def f(): pass", engine, log)
    finally:
        for tool in free:
            monitoring.free_tool_id(tool)


def test_a_probe_that_cannot_take_the_frame_is_refused(engine: MonitoringEngine) -> None:
    def f() -> None: ...

    silent: Any = [lambda *_: None] * 4
    probe = Probe(lambda: 1, lambda *_: 1, *silent)
    with pytest.raises(RecordingError, match="entered_at"):
        engine.attach_function(f, lambda _: probe)


def test_stale_activations_do_not_pile_up(engine: MonitoringEngine, log: Log) -> None:
    """Where the interpreter hides the end of a closed generator, the next one at its address takes its place."""
    sample = run("def g(): yield 1", engine, log)
    for _ in range(1_000):
        next(sample["g"]())
    gc.collect()
    assert len(engine._open) < 20
