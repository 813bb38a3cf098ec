"""What programs make of functions: pickles, copies, clones, other code, reloads, mocks."""

from __future__ import annotations

import asyncio
import builtins
import copy
import functools
import importlib
import inspect
import io
import marshal
import pickle
import sys
import types
from unittest import mock

from looking import attempt, item, show
from shop import looks

THINGS = (
    *(looks.double, looks.wrapped, looks.cached, looks.Base, looks.Base().greet, looks.Base.make, looks.Base.helper),
    *(looks.Base(), functools.partial(looks.double, 2), looks.Custom(1, 2)),
)


@item
def pickles():
    for thing in THINGS:
        attempt("pickle", lambda thing=thing: (pickle.dumps(thing, 2), pickle.loads(pickle.dumps(thing)) == thing))
    attempt("closure", pickle.dumps, looks.closure(1))
    attempt("generator", pickle.dumps, looks.items(1))


@item
def pickles_by_value():
    for function in (looks.double, looks.items, looks.waits, looks.streams, looks.closure):
        code = function.__code__
        consts = tuple(each if isinstance(each, types.CodeType) else sent(each) for each in code.co_consts)
        copied = types.FunctionType(code.replace(co_consts=consts), {}, "copied", function.__defaults__)
        copied.__kwdefaults__ = function.__kwdefaults__
        show(used(copied(2)))


class Standard(pickle.Unpickler):
    def find_class(self, module, name):
        assert module in sys.stdlib_module_names, (module, name)
        return super().find_class(module, name)


def sent(constant):
    """A constant as it comes out of a pickle of a whole code object, which needs nothing but the standard library."""
    return Standard(io.BytesIO(pickle.dumps(constant))).load()


def used(made):
    if inspect.isasyncgen(made):
        return asyncio.run(drained(made))
    if inspect.iscoroutine(made):
        return asyncio.run(made)
    return made(1) if callable(made) else list(made) if inspect.isgenerator(made) else made


async def drained(made):
    return [each async for each in made]


@item
def copies():
    for thing in THINGS:
        attempt("copy", lambda thing=thing: (copy.copy(thing) == thing, copy.deepcopy([thing, thing])[1] == thing))


@item
def clones():
    double = looks.double
    clone = types.FunctionType(double.__code__, double.__globals__, "clone", double.__defaults__, double.__closure__)
    clone.__kwdefaults__ = double.__kwdefaults__
    show(clone(4), clone, inspect.signature(clone))
    code = double.__code__.replace(co_name="other", co_filename="else.py", co_firstlineno=100)
    other = types.FunctionType(code, {"__builtins__": builtins}, "other", (1,))
    other.__kwdefaults__ = {"times": 3}
    show(other(4), other(), other.__code__.co_name, other.__code__.co_filename, other.__code__.co_firstlineno)
    show(eval(looks.names.__code__, {"__name__": "elsewhere"}))


@item
def code_assigned():
    def other(value, *more, times=2, **rest):
        return "other", value

    kept = looks.double.__code__
    looks.double.__code__ = other.__code__
    show(looks.double(2))
    looks.double.__code__ = kept
    show(looks.double(2), looks.double.__code__ is kept)
    looks.names.__code__ = looks.names.__code__.replace(co_name="renamed")
    show(looks.names(), looks.names.__code__.co_name)


@item
def mocks():
    show(inspect.signature(mock.create_autospec(looks.double)), type(mock.create_autospec(looks.Base)().greet("x")))
    with mock.patch.object(looks, "double", return_value=9):
        show(looks.double(1))
    with mock.patch("shop.looks.Base.greet", autospec=True, return_value="patched"):
        show(looks.Base().greet("x"))
    show(looks.double(1), looks.Base().greet("x"))


@item
def reloads():
    old = looks.take
    again = importlib.reload(looks)
    show(again is looks, looks.take is old, looks.double(2), old(1), inspect.getsource(looks.take))
    show(pickle.loads(pickle.dumps(looks.take)) is looks.take)
    attempt("the old", pickle.dumps, old)


@item
def trace_functions():
    events = []

    def follow(frame, event, arg):
        if frame.f_code.co_filename == looks.__file__:
            events.append((event, frame.f_code.co_name, frame.f_lineno))
        return follow

    sys.settrace(follow)
    looks.take(1)
    list(looks.items(2))
    sys.settrace(None)
    show(events)


@item
def known_marshal():
    made = types.FunctionType
    attempt("marshal", lambda: made(marshal.loads(marshal.dumps(looks.closure.__code__)), vars(looks))(1)(2))


@item
def known_references():
    class Thing:
        pass

    thing = Thing()
    show(looks.refcount(thing), sys.getrefcount(thing))


@item
def known_type_of_a_cache():
    show(type(looks.cached), isinstance(looks.cached, functools._lru_cache_wrapper))
