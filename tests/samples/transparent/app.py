"""Looks at functions of another component in every way a program may, and prints what it sees under the name of each way."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
import threading
import traceback
import warnings
import weakref
from pathlib import Path

import introspection  # noqa: F401  (its items)
import objects  # noqa: F401  (its items)
from looking import ITEMS, attempt, item, show
from shop import looks


class Thing:
    pass


@item
def tracebacks():
    for work in (looks.fails, looks.chained, looks.raises_custom, looks.double, looks.wrapped):
        show(*told(work))
    error = ValueError("kept")
    show(*told(looks.raises, error))
    show(*told(looks.raises, error))
    try:
        looks.fails()
    except KeyError as found:
        above = found.__traceback__.tb_next
        show(found.__context__, found.__cause__, above.tb_frame.f_code is looks.fails.__code__)
    show(sys.exc_info())


def told(function, *args):
    try:
        function(*args)
    except Exception as error:
        return traceback.format_exc(), [place(step) for step in steps(error.__traceback__)]
    return ()


def steps(step):
    while step is not None:
        yield step
        step = step.tb_next


def place(step):
    code = step.tb_frame.f_code
    exact = list(code.co_positions())[step.tb_lasti // 2] if sys.version_info >= (3, 11) else ()
    return code.co_name, step.tb_lineno, exact


@item
def warned_places():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for level in (1, 2, 3):
            looks.warns(level)
        list(map(lambda _: looks.warns(3), [0]))
        show([(str(each.message), Path(each.filename).name, each.lineno) for each in caught])
    with warnings.catch_warnings(record=True) as caught:
        warnings.resetwarnings()
        warnings.simplefilter("default")
        for _ in range(3):
            looks.warns()
        show(len(caught), [key for key in globals()["__warningregistry__"] if isinstance(key, tuple)])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        looks.waits(1)
        gc.collect()
        show([(str(each.message), Path(each.filename).name, each.lineno) for each in caught])


@item
def logged_places():
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("%(filename)s:%(lineno)d %(funcName)s %(message)s"))
    logging.getLogger("looks").addHandler(handler)
    looks.logs()


@item
def frames():
    show(looks.caller())
    show(looks.stack())
    show(looks.own_frame())
    show(looks.names())


@item
def lifetimes():
    thing = Thing()
    looks.take(thing)
    show(sys.getrefcount(thing), looks.dies_at_once(Thing))
    seen = weakref.ref(thing)
    del thing
    show(seen() is None)
    inner = Thing()
    seen = weakref.ref(inner)
    looks.take([inner])
    del inner
    show(seen() is None)
    gc.collect()
    gc.disable()
    for _ in range(50):
        attempt("raised", looks.chained)
    show(gc.collect())
    gc.enable()


@item
def generators():
    made = looks.items(3)
    show(next(made), made.send(5), made.gi_code.co_name, made.gi_frame.f_lineno, made.__qualname__)
    show(sorted(made.gi_frame.f_locals))
    attempt("throw", made.throw, KeyError("in"))
    show(made.gi_frame)
    waiting = looks.waits(1)
    show(waiting.cr_code.co_name, waiting.cr_origin, waiting.cr_await)
    waiting.close()

    async def main():
        both = await asyncio.gather(looks.waits(1), looks.waits(2))
        return await looks.waits(2), [i async for i in looks.streams(2)], both

    show(asyncio.run(main()))


@item
def recursion():
    limit = sys.getrecursionlimit()
    attempt("endless", looks.deep, -1)
    try:
        looks.deep(-1)
    except RecursionError as error:
        show(len(list(steps(error.__traceback__))))
    show([depth(lowered) for lowered in (300, 1000)])
    sys.setrecursionlimit(limit)


def depth(limit):
    sys.setrecursionlimit(limit)
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        try:
            looks.deep(middle)
            low = middle
        except RecursionError:
            high = middle - 1
    return low


@item
def interpreter():
    show([each.name for each in threading.enumerate()], sys.gettrace(), sys.getprofile(), sys.flags)
    show(sys.argv, sys.path[0] == str(Path.cwd()), sys.orig_argv[1:], __name__, __spec__, Path(__file__).name)
    show(sys.excepthook is sys.__excepthook__, sys.unraisablehook is sys.__unraisablehook__)
    show(threading.excepthook is threading.__excepthook__, sys.warnoptions)
    show(sorted(name for name in os.environ if not name.startswith("TRACER_")))


for name, run in ITEMS.items():
    show(f"[{name}]")
    run()
show("[uncaught]")
looks.chained()
