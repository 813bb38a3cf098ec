"""Recorded arguments reach today's parameters."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest

from tracer.instrument.arguments import signature_of
from tracer.replay.binding import MISSING, bind, is_default
from tracer.values import Form, Object, Opaque, Scalar, Value

if TYPE_CHECKING:
    from collections.abc import Callable


def then(a: Any, b: Any = 2, *rest: Any, c: Any = None, **more: Any) -> None: ...


def same(a: Any, b: Any = 2, *rest: Any, c: Any = None, **more: Any) -> Any:
    return a, b, rest, c, more


def renamed(x: Any, b: Any = 2, *rest: Any, c: Any = None, **more: Any) -> Any:
    return x, b, rest, c, more


def swapped(b: Any = 2, a: Any = 1, *rest: Any, c: Any = None, **more: Any) -> Any:
    return a, b, rest, c, more


def keyword_only(*, a: Any, b: Any = 2, c: Any = None, **more: Any) -> Any:
    return a, b, (), c, more


def other_default(a: Any, b: Any = 5, *rest: Any, c: Any = None, **more: Any) -> Any:
    return a, b, rest, c, more


@pytest.mark.parametrize(
    ("now", "values", "found"),
    [
        (same, [1, 2, (3,), 4, {"d": 5}], (1, 2, (3,), 4, {"d": 5})),
        (same, [1, MISSING, (), MISSING, {}], (1, 2, (), None, {})),
        (renamed, [1, 2, (), 4, {}], (1, 2, (), 4, {})),
        (swapped, [1, 7, (), 4, {}], (1, 7, (), 4, {})),
        (keyword_only, [1, 7, (), 4, {}], (1, 7, (), 4, {})),
        (other_default, [1, MISSING, (), MISSING, {}], (1, 5, (), None, {})),
    ],
)
def test_values_reach_the_parameters_of_their_names(now: Callable[..., Any], values: list[Any], found: Any) -> None:
    bound = bind(signature_of(then)[0], signature_of(now)[0], values)

    assert now(*bound.positional, **bound.named) == found


def test_what_is_not_taken_any_more_is_refused_as_it_would_be() -> None:
    def shorter(a: Any) -> None: ...

    bound = bind(signature_of(then)[0], signature_of(shorter)[0], [1, 7, (), MISSING, {}])

    with pytest.raises(TypeError):
        inspect.signature(shorter).bind(*bound.positional, **bound.named)


@pytest.mark.parametrize(
    ("default", "value", "found"),
    [
        (2, Scalar(2), True),
        (2, Scalar(3), False),
        (2, Scalar(value=True), False),
        (object(), Opaque("builtins:object", 0), True),
        (object(), Opaque("builtins:generator", 0), False),
        (object(), Object("builtins:object", Form.PLAIN, ()), True),
        (inspect.Parameter.empty, Opaque("builtins:object", 0), False),
    ],
)
def test_a_default_is_known_by_its_text_or_its_type(default: Any, value: Value, found: bool) -> None:
    def function(x: Any) -> None: ...

    if default is not inspect.Parameter.empty:
        function.__defaults__ = (default,)
    (parameter,) = signature_of(function)[0]

    assert is_default(parameter, value) is found
