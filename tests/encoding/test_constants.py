"""Where a constant was recorded the constant of today's code is what comes back; anything else is a copy."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from tests.encoding.test_encode import make as make_encoder
from tests.samples import constants
from tracer.encoding.constants import Constants
from tracer.encoding.redact import Redactor
from tracer.encoding.revive import Reviver
from tracer.errors import CannotRevive
from tracer.values import Form, Object, Scalar, Sequence


def ours(module: str) -> bool:
    return module == constants.__name__


def again(value: Any) -> Any:
    """Return a value after a round trip, and hold its bytes against those of the original."""
    encoder = make_encoder(Redactor(names=()))
    live = Reviver(ours, constants=Constants(ours)).value(encoder.value(value))
    assert encoder.value(live) == encoder.value(value)
    assert type(live) is type(value)
    return live


@pytest.mark.parametrize("name", ["ROOT", "NAME", "DOTTED", "UNSET", "HIGH", "WORD", "WIDE"])
def test_a_constant_comes_back_as_itself(name: str) -> None:
    constant = getattr(constants, name)

    assert again(constant) is constant
    assert again([constant, {"k": constant}])[1]["k"] is constant


def test_a_constant_that_a_class_holds_comes_back_as_itself() -> None:
    assert again(constants.Options.NOTHING) is constants.Options.NOTHING


def test_what_refers_into_a_constant_that_stands_before_it_is_that_part_of_it() -> None:
    """The root is told inside of the name, a list after it, and both again by their numbers."""
    shared = ["s"]
    value = [constants.DOTTED, constants.ROOT, shared, constants.NAME, shared, (constants.WIDE, constants.WIDE)]

    live = again(value)

    assert live[0] is constants.DOTTED
    assert live[1] is constants.ROOT
    assert live[3] is constants.NAME
    assert live[2] is live[4] is not shared
    assert live[5][1] is constants.WIDE


def test_a_constant_whose_part_was_met_before_comes_back_as_itself() -> None:
    """What is below it was told before it, so that its own record has a number there."""

    class Pairs(tuple[Any, ...]):
        __slots__ = ()

    part = constants.Level(7)
    Pairs.__module__, Pairs.__qualname__ = constants.__name__, "Pairs"
    held = {"Pairs": Pairs, "PART": part, "PAIR": Pairs((part, "p"))}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in held.items():
            patch.setattr(constants, name, value, raising=False)
        live = again([part, held["PAIR"]])

    assert live[0] is part
    assert live[1] is held["PAIR"]


def test_what_only_looks_like_a_constant_is_a_copy() -> None:
    """Another content, type of content or attribute; two that look alike; what can be changed; a class that sets attributes."""
    named = constants.Text("word")
    other = constants.Kind(("name",))
    for value in (constants.Level(4), constants.Size(2, 1), constants.Size(1, 1.0), constants.Text("Word"), other):
        assert again(value) is not value
        assert all(again(value) is not each for each in vars(constants).values())
    for name in ("ONE", "EMPTY", "LISTED"):
        assert again(getattr(constants, name)) is not getattr(constants, name)
    assert again(named) is constants.WORD  # which its record does not tell from it


def test_a_constant_that_has_changed_since_is_a_copy_of_what_was_recorded() -> None:
    encoder = make_encoder(Redactor(names=()))
    before = encoder.value(constants.DOTTED)
    constants.DOTTED.below("more")
    try:
        live = Reviver(ours, constants=Constants(ours)).value(before)
    finally:
        del constants.DOTTED.__dict__["more"]

    assert live is not constants.DOTTED
    assert encoder.value(live) == before


@pytest.mark.parametrize("form", Form)
def test_a_form_that_no_constant_has_is_none(form: Form) -> None:
    """A hostile record names the class of a constant and another way of telling it."""
    for name in ("Level", "Kind", "Unset", "Size"):
        for payload in (None, Scalar(3), Sequence("tuple", ())):
            value = Object(f"{constants.__name__}:{name}", form, (), payload)
            try:
                Reviver(ours, constants=Constants(ours)).tree(value)
            except CannotRevive as refused:
                assert refused.cause  # noqa: PT017  (either is right; nothing else may be raised)


def test_modules_that_may_not_be_imported_are_not_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    """A constant that only another module holds is no constant, and what is no module is passed over."""
    lonely = constants.Level(11)
    monkeypatch.setattr(sys.modules[__name__], "LONELY", lonely, raising=False)
    monkeypatch.setitem(sys.modules, f"{constants.__name__}.lazy", object())

    assert again(lonely) is not lonely
    both = Constants(lambda module: module in {constants.__name__, __name__} or module.endswith(".lazy"))
    encoder = make_encoder(Redactor(names=()))
    assert Reviver(ours, constants=both).value(encoder.value(lonely)) is lonely


def test_without_constants_all_is_a_copy() -> None:
    encoder = make_encoder(Redactor(names=()))

    assert Reviver(ours).value(encoder.value(constants.UNSET)) is not constants.UNSET
