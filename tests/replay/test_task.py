"""Tasks, calls and results are the same on the other side of a pipe."""

from __future__ import annotations

from tracer.model import (
    Call,
    Callable,
    CallableKind,
    Flow,
    Item,
    ItemKind,
    Parameter,
    ParameterKind,
    Raised,
    Returned,
    Unfinished,
)
from tracer.replay.task import (
    Answer,
    Fate,
    Names,
    Nested,
    Options,
    Outcomes,
    Pick,
    Result,
    Survey,
    Task,
    pack_call,
    recorded,
    unpack_call,
)

OUTCOMES = (
    Outcomes(Flow.CALL, Returned(b"\x01")),
    Outcomes(Flow.GENERATOR, Unfinished(), (Item(ItemKind.YIELDED, b"\x02"), Item(ItemKind.SENT, b"\x03"))),
    Outcomes(
        Flow.COROUTINE,
        Raised(b"\x04"),
        after=((0, b"\x05"),),
        inside=(Nested(2, b"\x90", Raised(b"\x06")), Nested(3, b"\x90", Returned(b"\x07"))),
    ),
)


def test_a_task_is_the_same_on_the_other_side() -> None:
    options = Options("/here", ("/here/src",), {"root": "/here", "names": ["shop"]}, ("shop",), only=("shop.tax",))
    task = Task(
        "run.cassette",
        (Pick("main", 0, 3),),
        options,
        renamings=(Names(modules={"old": "new"}), Names(callables={"a:b": "a:c"})),
        survey=True,
        given_up=("a:b",),
    )

    assert Task.unpack(task.pack()) == task


def test_results_are_the_same_on_the_other_side() -> None:
    task = Task("run.cassette", (Pick("main", 5, 8),), Options("/", (), {}, ()))
    results = [Result(Fate.CHANGED, outcomes) for outcomes in OUTCOMES]
    answer = Answer.unpack(Answer(tuple(result.pack() for result in results)).pack())

    assert list(answer.each(task)) == [(("main", 5 + number), result) for number, result in enumerate(results)]


def test_a_survey_is_the_same_on_the_other_side() -> None:
    parameter = Parameter("net", ParameterKind.POSITIONAL_OR_KEYWORD, "1")
    watched = Callable("shop.tax:vat", "shop.tax", CallableKind.FUNCTION, Flow.CALL, (parameter,), code="c0de")
    survey = Survey((watched,), "3.12", (("shop.gone", "ModuleNotFoundError: shop.gone"),), ("shop.gone",))

    assert Answer.unpack(Answer((), survey).pack()).survey == survey


def test_a_call_goes_with_those_inside_it() -> None:
    inside = tuple(
        outcomes.instead(Call("b:g", "", 0, outcomes.flow, b"\x90", outcomes.outcome)) for outcomes in OUTCOMES[:2]
    )
    outer = OUTCOMES[0].instead(Call("a:f", "c", 4, Flow.CALL, b"\x91\x01", Returned(b"\x01")))
    lane, call, others = unpack_call(pack_call("main", outer, inside))

    assert (lane, call.callable, call.arguments, recorded(call)) == ("main", "a:f", b"\x91\x01", OUTCOMES[0])
    assert others == inside
