"""Functions that are written at the head of a test file that needs them. They stand alone: their source is copied as it is here.

Nothing in tracer calls them. They are laid out for lines of 88 characters, as the files they go into.
"""

# ruff: noqa: ANN001, ANN201, B905, C901, PLR0911, PLR0912
# mypy: ignore-errors

from __future__ import annotations

import sys


def make(cls, state, content=None):
    """Return an instance with a recorded state; no constructor runs."""
    static = 1 << 9  # what a class statement makes has this flag
    base = next(each for each in cls.__mro__ if not each.__flags__ & static)
    if issubclass(cls, BaseException):
        made = base.__new__(cls, *content)
    elif content is None:
        made = base.__new__(cls)
    elif issubclass(cls, (dict, set)):
        made = base.__new__(cls)
        base.update(made, content)
    elif issubclass(cls, (list, bytearray)):
        made = base.__new__(cls)
        base.extend(made, content)
    else:
        made = base.__new__(cls, content)
    for name, value in state.items():
        object.__setattr__(made, name, value)
    return made


def same(actual, expected):
    """Say whether two values are of one type and show the same; nan equals nan."""
    kind = type(expected)
    if type(actual) is not kind:
        return False
    if isinstance(expected, float):
        return float.__repr__(actual) == float.__repr__(expected)
    if hasattr(expected, "as_tuple"):  # a Decimal: 1.0 is not 1.00
        return bool(actual.as_tuple() == expected.as_tuple())
    if hasattr(expected, "dtype") and hasattr(expected, "tobytes"):
        alike = actual.dtype == expected.dtype and actual.shape == expected.shape
        return alike and actual.tobytes() == expected.tobytes()
    if hasattr(expected, "equals"):
        return bool(actual.equals(expected))
    if isinstance(expected, BaseException) and not same(actual.args, expected.args):
        return False
    if isinstance(expected, dict):
        if dict.keys(actual) != dict.keys(expected):
            return False
        pairs = [(dict.get(actual, key), value) for key, value in dict.items(expected)]
    elif isinstance(expected, (list, tuple)):
        if len(actual) != len(expected):
            return False
        pairs = list(zip(actual, expected))
    elif kind.__module__.partition(".")[0] in sys.stdlib_module_names:
        return isinstance(expected, BaseException) or bool(actual == expected)
    elif isinstance(expected, (str, bytes, int, set, frozenset)):
        return bool(actual == expected)
    else:
        pairs = []
    shown, wanted = public(actual), public(expected)
    pairs += [(shown.get(name), value) for name, value in wanted.items()]
    return shown.keys() == wanted.keys() and all(same(*pair) for pair in pairs)


def public(value):
    """Return the attributes of an instance whose names begin with no underscore."""
    found = dict(getattr(value, "__dict__", {}))
    found.update(getattr(value, "__pydantic_extra__", None) or {})
    for each in type(value).__mro__:
        slots = each.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if hasattr(value, name):
                found[name] = getattr(value, name)
    return {name: held for name, held in found.items() if not name.startswith("_")}


def driven(generator, sent=()):
    """Return what a generator yields, given what is sent to it, and what it returns."""
    items, replies = [], iter(sent)
    try:
        items.append(next(generator))
        while True:
            items.append(generator.send(next(replies, None)))
    except StopIteration as end:
        return items, end.value


async def taken(stream, count=None):
    """Return the first items of an async generator, without a count all of them."""
    items = []
    async for item in stream:
        items.append(item)
        if len(items) == count:
            break
    return items
