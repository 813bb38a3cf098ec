"""Stand-ins: functions answered instead of run, whatever refers to them."""

from __future__ import annotations

import asyncio
import inspect
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from tests.instrument.watching import write
from tracer.instrument.probe import UNREADY
from tracer.instrument.standins import StandIns

if TYPE_CHECKING:
    from collections.abc import Callable as Function
    from pathlib import Path
    from types import ModuleType

    from tracer.instrument.standins import Answer
    from tracer.model import Callable

SOURCE = """
    import functools

    def add(a, /, b=2, *rest, c=3, **more):
        return a, b, rest, c, more

    def twice(x):
        return add(x), add(x)

    def count(stop):
        sent = yield 0
        try:
            yield sent
        except KeyError:
            yield "caught"
        return stop

    async def wait(value):
        return value

    async def stream(stop):
        for at in range(stop):
            await wait(at)
            sent = yield at
            if sent:
                yield sent

    class Base:
        def __init__(self, name):
            self.name = name

    class Client(Base):
        def __init__(self, name):
            super().__init__(name)

        def send(self, *, text):
            return self.name + text

        @property
        def label(self):
            return "label"

        @staticmethod
        def plain():
            return "plain"

        @classmethod
        def made(cls):
            return cls("made")

    def maker(step):
        def inner(x):
            return x + step
        return inner

    @functools.lru_cache
    def cached(x):
        return [x]

    REGISTRY = {"add": add}
    """


@pytest.fixture
def gate(modules: Path) -> ModuleType:
    write(modules, {"gate_sample.py": SOURCE})
    return import_module("gate_sample")


def entered() -> str | None:
    frame = sys._getframe(2)
    while frame.f_back is not None and str(frame.f_globals["__name__"]).startswith(("tracer.", __name__)):
        if frame.f_code.co_name.startswith("test_"):
            break
        frame = frame.f_back
    name = str(frame.f_globals["__name__"])
    return None if name == "gate_sample" else name


def answering(
    answer: Answer, ready_of: Function[[Callable], Function[[list[Any]], Any] | None] = lambda _: None
) -> StandIns:
    return StandIns(
        lambda name, _: "gate_sample" if name == "gate_sample" else None,
        lambda _: True,
        lambda _: entered,
        answer,
        ready_of=ready_of,
    )


class Log:
    """Proceeds with every call and keeps what it was told."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, list[Any]]] = []

    def __call__(self, noun: Any, caller: Any, arguments: list[Any], proceed: Function[..., Any]) -> Any:
        self.calls.append((noun.name.partition(":")[2], list(arguments)))
        return proceed()


def test_every_reference_to_a_function_is_answered_and_undo_puts_its_code_back(gate: ModuleType) -> None:
    add, send, code = gate.add, gate.Client("a").send, gate.add.__code__
    names: list[str] = []

    def answer(noun: Any, caller: Any, arguments: list[Any], proceed: Function[..., Any]) -> Any:
        names.append(noun.name)
        return "answered"

    stand_ins = answering(answer)
    stand_ins.start()
    seen = add(1), gate.REGISTRY["add"](1), send(text="b"), gate.Client.plain(), gate.cached(1), gate.maker(1)
    left = stand_ins.stop()

    assert seen == ("answered",) * 6
    assert left == ()
    assert add.__code__ is code
    assert add(1) == (1, 2, (), 3, {})
    assert names[:3] == ["gate_sample:add", "gate_sample:add", "gate_sample:Client.send"]


def test_the_handler_is_given_the_bound_arguments_and_may_proceed(gate: ModuleType) -> None:
    log = Log()
    stand_ins = answering(log)
    stand_ins.start()
    try:
        results = gate.add(1, 5, 6, c=7, d=8), gate.Client("x").send(text="y"), gate.maker(2)(3), gate.cached(1)
        made = gate.Client.made()
    finally:
        stand_ins.stop()

    assert results == ((1, 5, (6,), 7, {"d": 8}), "xy", 5, [1])
    assert made.name == "made"
    assert log.calls[0] == ("add", [1, 5, (6,), 7, {"d": 8}])
    assert [name for name, _ in log.calls] == [
        *("add", "Client.__init__", "Client.send", "maker", "maker.<locals>.inner", "cached", "Client.made"),
    ]


def test_proceeding_with_other_arguments_runs_the_function_with_them(gate: ModuleType) -> None:
    stand_ins = answering(lambda noun, caller, arguments, proceed: proceed([9, 8, (7,), 6, {"e": 5}]))
    stand_ins.start()
    try:
        assert gate.add(1) == (9, 8, (7,), 6, {"e": 5})
    finally:
        stand_ins.stop()


def test_calls_inside_the_component_run_as_they_are(gate: ModuleType) -> None:
    log = Log()
    stand_ins = answering(log)
    stand_ins.start()
    try:
        gate.twice(1)
    finally:
        stand_ins.stop()

    assert [name for name, _ in log.calls] == ["twice"]


def test_generators_and_coroutines_keep_their_protocol(gate: ModuleType) -> None:
    log = Log()
    stand_ins = answering(log)
    stand_ins.start()
    try:
        counting = gate.count(7)
        passed = [next(counting), counting.send("sent"), counting.throw(KeyError())]
        with pytest.raises(StopIteration) as stop:
            next(counting)

        async def drive() -> list[Any]:
            streaming = gate.stream(3)
            seen = [await streaming.__anext__(), await streaming.asend("sent"), await streaming.__anext__()]
            with pytest.raises(OSError, match="thrown"):
                await streaming.athrow(OSError("thrown"))
            return [*seen, await gate.wait(5)]

        awaited = asyncio.run(drive())
    finally:
        stand_ins.stop()

    assert passed == [0, "sent", "caught"]
    assert stop.value.value == 7
    assert awaited == [0, "sent", 1, 5]
    assert [name for name, _ in log.calls] == ["count", "stream", "wait"]


def test_what_asks_about_a_function_hears_what_it_heard(gate: ModuleType) -> None:
    functions = [gate.add, gate.count, gate.wait, gate.stream, gate.Client.send]
    before = [
        (inspect.signature(each), inspect.isgeneratorfunction(each), inspect.iscoroutinefunction(each))
        for each in functions
    ]
    stand_ins = answering(Log())
    stand_ins.start()
    try:
        now = [
            (inspect.signature(each), inspect.isgeneratorfunction(each), inspect.iscoroutinefunction(each))
            for each in functions
        ]
        with pytest.raises(TypeError, match="missing 1 required positional argument"):
            gate.add()
    finally:
        stand_ins.stop()

    assert now == before


def test_modules_imported_later_are_answered_and_restored(modules: Path) -> None:
    write(modules, {"gate_sample.py": SOURCE})
    stand_ins = answering(lambda noun, caller, arguments, proceed: noun.name)
    stand_ins.start()
    try:
        module = import_module("gate_sample")
        seen = module.add(1), module.maker(1)
    finally:
        stand_ins.stop()

    assert seen == ("gate_sample:add", "gate_sample:maker")
    assert module.add(1) == (1, 2, (), 3, {})


def test_two_sets_of_stand_ins_undo_in_any_order(gate: ModuleType) -> None:
    code = gate.add.__code__
    first = answering(lambda noun, caller, arguments, proceed: ("first", proceed()))
    second = answering(lambda noun, caller, arguments, proceed: ("second", proceed()))
    first.start()
    second.start()
    both = gate.add(1)
    first.stop()
    one = gate.add(1)
    second.stop()

    assert both[0] == "second"
    assert one[0] == "second"
    assert gate.add.__code__ is code


def test_what_is_ready_is_asked_first_and_the_handler_for_the_rest(gate: ModuleType) -> None:
    asked: list[tuple[str, list[Any]]] = []
    log = Log()

    def ready_of(noun: Callable) -> Function[[list[Any]], Any]:
        name = noun.name.partition(":")[2]

        def ready(arguments: list[Any]) -> Any:
            asked.append((name, arguments))
            known = arguments and arguments[0] == "ready"
            return UNREADY if not known else iter("ab") if name == "count" else "at once"

        return ready

    async def both() -> list[Any]:
        items = [item async for item in gate.stream(2)]
        return [await gate.wait("ready"), await gate.wait(1), items]

    stand_ins = answering(log, ready_of)
    stand_ins.start()
    try:
        results = gate.add("ready", c=7, d=8), gate.add(1), gate.cached("ready"), gate.cached(1)
        items = list(gate.count("ready")), next(gate.count(1))
        awaited = asyncio.run(both())
    finally:
        stand_ins.stop()

    assert results == ("at once", (1, 2, (), 3, {}), "at once", [1])
    assert items == (["a", "b"], 0)
    assert awaited == ["at once", 1, [0, 1]]
    assert asked[0] == ("add", ["ready", 2, (), 7, {"d": 8}])
    assert [name for name, _ in log.calls] == ["add", "cached", "count", "stream", "wait"]


def test_what_is_ready_may_raise_for_the_call(gate: ModuleType) -> None:
    def ready(_: list[Any]) -> Any:
        raise KeyError("recorded")

    stand_ins = answering(Log(), lambda _: ready)
    stand_ins.start()
    try:
        calls: list[Function[[], Any]] = [
            lambda: gate.add(1),
            lambda: next(gate.count(1)),
            lambda: asyncio.run(gate.wait(1)),
        ]
        for call in calls:
            with pytest.raises(KeyError, match="recorded"):
                call()
    finally:
        stand_ins.stop()
