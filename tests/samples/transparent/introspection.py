"""What a function tells of itself: signature, source, code, annotations, names, docs."""

from __future__ import annotations

import dis
import doctest
import importlib
import inspect
import linecache
import pydoc
import typing
from pathlib import Path

from looking import attempt, item, show
from shop import looks

ASKED = (
    *(inspect.isfunction, inspect.ismethod, inspect.isbuiltin, inspect.isroutine),
    *(inspect.isgeneratorfunction, inspect.iscoroutinefunction, inspect.isasyncgenfunction, callable),
)


@item
def signatures():
    for function in (*looks.FUNCTIONS, looks.cached):
        show(inspect.signature(function))
        attempt("itself", lambda function=function: inspect.signature(function, follow_wrapped=False))
    show(inspect.getcallargs(looks.double, 1, "a", times=4, x=1.5), inspect.getfullargspec(looks.double))
    attempt("too few", looks.double)
    attempt("unknown", lambda: looks.Base().greet(name="x", nome="y"))
    attempt("unbound", lambda: looks.Base.greet())


@item
def sources():
    for function in (*looks.FUNCTIONS, looks.cached):
        attempt("source", inspect.getsource, function)
        attempt("lines", inspect.getsourcelines, function)
    show(len(inspect.getsource(looks)), linecache.getline(looks.__file__, 1))
    show(inspect.getmodule(looks.double).__name__, Path(inspect.getsourcefile(looks.double)).name)


@item
def names_and_kinds():
    for function in (*looks.FUNCTIONS, looks.cached):
        show(function.__name__, function.__qualname__, function.__module__, [int(ask(function)) for ask in ASKED])
        attempt("unwrapped", lambda function=function: inspect.unwrap(function).__qualname__)
    for function in looks.FUNCTIONS:
        show(function, type(function), pydoc.plain(pydoc.render_doc(function)))
    show(looks.Base().greet, looks.items(1))
    show(sorted(vars(looks)), sorted(vars(looks.Base)), dir(looks.double), vars(looks.double), vars(looks.wrapped))
    show([name for name, _ in inspect.getmembers(looks, inspect.isfunction)])
    attributes = inspect.classify_class_attrs(looks.Derived)
    show(sorted((a.name, a.kind, a.defining_class.__name__) for a in attributes if not a.name.startswith("__")))
    show(looks.double.__defaults__, looks.double.__kwdefaults__, looks.double.__annotations__)
    show(
        looks.closure(1).__closure__[0].cell_contents, [sorted(part) for part in inspect.getclosurevars(looks.chained)]
    )


@item
def code_objects():
    for function in (looks.double, looks.chained, looks.items, looks.waits, looks.closure(1)):
        code = function.__code__
        show(code.co_name, code.co_varnames, code.co_argcount, code.co_kwonlyargcount, code.co_posonlyargcount)
        show(code.co_flags, code.co_freevars, code.co_cellvars, code.co_names, code.co_nlocals)
        show(code.co_firstlineno, Path(code.co_filename).name, function.__code__ is code)
        show(
            sorted({line for _, _, line in code.co_lines() if line}),
            {line for _, line in dis.findlinestarts(code) if line},
        )
    code = looks.double.__code__
    show(code.co_consts[0], hash(code) == hash(looks.double.__code__), {code: 1}[looks.double.__code__])


@item
def typing_tools():
    for function in (*looks.FUNCTIONS, looks.cached):
        attempt("hints", typing.get_type_hints, function)
    show(isinstance(looks.Derived(), looks.Greets), isinstance(3, looks.Greets), looks.Derived.made)
    show(typing.get_overloads(looks.double) if hasattr(typing, "get_overloads") else [])


@item
def dunder_wrapped():
    show(looks.wrapped.__wrapped__.__name__, looks.wrapped.__wrapped__(1), hasattr(looks.double, "__wrapped__"))
    show(looks.cached.__wrapped__(3), looks.cached(3), looks.cached(3), looks.cached.cache_info(), looks.cached)
    show(
        looks.cached.cache_parameters(), looks.cached.__wrapped__, looks.cached.cache_clear(), looks.cached.cache_info()
    )
    show(looks.dispatched(1), looks.dispatched(""), looks.dispatched.registry.keys())


@item
def doctests():
    runner = doctest.DocTestRunner(verbose=False)
    for test in doctest.DocTestFinder().find(looks):
        show(test.name, test.lineno, len(test.examples), runner.run(test))
    show(doctest.testmod(looks))


@item
def loaders():
    spec = looks.__spec__
    show(spec.name, type(looks.__loader__), looks.__file__ == spec.origin, spec.cached == looks.__cached__, spec.parent)
    show(looks.__loader__.get_source("shop.looks")[:10], looks.__loader__.get_code("shop.looks").co_name)
    show(importlib.util.find_spec("shop.looks") == spec, looks.__loader__.is_package("shop.looks"))
