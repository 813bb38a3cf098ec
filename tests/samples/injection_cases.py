"""Functions of every shape, run plain and rewritten by the tests of the injection engine. Each `case_*` takes nothing."""
# fmt: off
# ruff: noqa: C405,E701,E704,F821,F841,FURB110,PERF203,PERF401,PIE804,PLC3002,PLR1708,UP028 - odd shapes are the point

import asyncio
import contextlib
import sys
import traceback
import types
import warnings


def add(a, b=2, /, c=3, *rest, d, e=5, **more):
    return a + b + c + sum(rest) + d + e + sum(more.values())


def case_parameters():
    return add(1, d=4), add(1, 2, 3, 4, 5, d=6, e=7, x=8, y=9)


def case_too_few_arguments():
    return add(1)


def cells(a, *rest, b, **more):
    def inner():
        nonlocal a
        a += 1
        return a, rest, b, more

    return inner


def case_cells():
    inner = cells(1, 2, 3, b=4, c=5)
    return inner(), inner(), [cell.cell_contents for cell in inner.__closure__]


def case_locals_are_unchanged():
    x = 1
    y = [x for x in range(3)]
    return sorted(locals())


def loops(n):
    found = []
    for i in range(n):
        if i % 2:
            continue
        if i > 6:
            break
        found.append(i)
    else:
        found.append("else")
    while n:
        n -= 1
        if n == 1:
            return found, n
    return found


def case_loops():
    return loops(3), loops(10), loops(0)


def while_at_start(n):
    while n > 0:
        n -= 1
    return n


def case_while_at_start():
    return while_at_start(3)


def return_in_loop(items):
    for a in items:
        for b in a:
            with contextlib.suppress(ValueError):
                if b:
                    return b
    return None


def case_return_in_loop():
    return return_in_loop([[0, 0], [0, 3]]), return_in_loop([])


def tries(kind):
    log = []
    try:
        log.append("try")
        if kind == 1:
            raise ValueError(kind)
        if kind == 2:
            raise KeyError(kind)
        if kind == 3:
            return log
    except ValueError as error:
        log.append(repr(error))
    except KeyError:
        try:
            raise TypeError from None
        except TypeError:
            log.append("inner")
    else:
        log.append("else")
    finally:
        log.append("finally")
    return log


def case_tries():
    return [tries(kind) for kind in range(4)]


def finally_overrides():
    for i in range(3):
        try:
            raise ValueError(i)
        finally:
            if i == 1:
                return "swallowed"
            continue
    return None


def case_finally_overrides():
    return finally_overrides()


def raises_deep(n):
    if n:
        raises_deep(n - 1)
    raise ValueError(
        "deep"
    )


def case_raises():
    raises_deep(3)


def case_reraise_keeps_context():
    try:
        try:
            raises_deep(1)
        except ValueError:
            {}["missing"]
    except KeyError as error:
        raise RuntimeError("outer") from error


def bare_reraise():
    try:
        raises_deep(0)
    except ValueError:
        raise


def case_bare_reraise():
    bare_reraise()


def with_statements(kind):
    log = []

    class Manager:
        def __enter__(self):
            log.append("enter")
            return self

        def __exit__(self, *error):
            log.append(error[0] and error[0].__name__)
            return kind == "swallow"

    with Manager() as a, Manager():
        if kind == "return":
            return log
        raise ValueError(kind)
    return log


def case_with():
    return with_statements("return"), with_statements("swallow")


def case_with_raising():
    with_statements("raise")


def comprehensions(n):
    return [x for x in range(n)], {x: y for x in range(n) for y in range(x)}, {x for x in range(n) if x}, sum(x for x in range(n))


def case_comprehensions():
    return comprehensions(4)


def matching(value):
    match value:
        case 0 | 1:
            return "small"
        case [a, *rest] if a:
            return a, rest
        case {"k": inner, **more}:
            return inner, more
        case str() as text:
            return text
        case _:
            return None


def case_match():
    return [matching(value) for value in (0, [1, 2, 3], [0], {"k": 1, "l": 2}, "s", None)]


COUNTER = 0


def globals_and_nonlocals():
    global COUNTER
    COUNTER = 1
    COUNTER += 1
    total = 0

    def bump():
        nonlocal total
        total += COUNTER
        return total

    return bump() + bump()


def case_globals():
    return globals_and_nonlocals()


def case_walrus_and_star():
    a, *b, (c, d) = [1, 2, 3, (4, 5)]
    [e := a, f := [*b, c]]
    print_args = (lambda *args, **kwargs: (args, kwargs))(*b, **{"x": d})
    del a
    return e, f, print_args, f"{c!r:>{d}}"


class Base:
    value = 1

    def __init__(self, x):
        self.x = x

    @property
    def double(self):
        return self.x * 2

    @classmethod
    def make(cls, *args):
        return cls(*args)

    @staticmethod
    def static(a, *, b):
        return a, b

    def method(self):
        return type(self).__name__, self.x


class Derived(Base):
    def __init__(self, x, y):
        super().__init__(x)
        self.y = y

    def method(self):
        return (*super().method(), __class__.__name__, self.y)


def case_classes():
    it = Derived.make(1, 2)
    return it.double, it.method(), it.static(1, b=2)


def local_class(base):
    class Local(base):
        names = [name for name in ("a", "b")]

        def get(self):
            return base, self.names

    return Local(1).get()[1]


def case_local_class():
    return local_class(Base)


def recursion(n):
    return 1 if n == 0 else n * recursion(n - 1)


def case_recursion():
    return recursion(20)


def case_lambdas():
    return (lambda: 1)(), (lambda x, y=2: x + y)(1), [f(2) for f in [(lambda k: lambda x: x * k)(i) for i in range(3)]]


def one_line(a): return a if a else None


def case_one_line():
    return one_line(1), one_line(0)


def warns():
    warnings.warn("here", UserWarning, stacklevel=1)
    warnings.warn("caller", UserWarning, stacklevel=2)


def case_warnings():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warns()
    return [(w.filename == __file__, w.lineno) for w in caught]


def where():
    frame = sys._getframe()
    return frame.f_lineno, frame.f_back.f_lineno, frame.f_back.f_code.co_name, sys._getframe(1).f_lineno


def case_frames():
    return (
        where(),
        [entry.lineno for entry in traceback.extract_stack()[-1:]],
    )


def asserts(x):
    assert x, "no"
    return x


def case_asserts():
    return asserts(1), asserts(0)


def nested_tries(x):
    try:
        try:
            try:
                try:
                    try:
                        try:
                            return 1 / x
                        finally:
                            x += 1
                    finally:
                        x += 1
                except TypeError:
                    x = "type"
            finally:
                x += 1
        except ZeroDivisionError:
            try:
                raise KeyError(x)
            except KeyError:
                return x
    finally:
        x = None


def case_nested_tries():
    return nested_tries(0), nested_tries(2)


def drive(generator, *steps):
    log = []
    for step in steps:
        try:
            if isinstance(step, BaseException):
                log.append(("threw", generator.throw(step)))
            elif step == "close":
                log.append(("closed", generator.close()))
            else:
                log.append(("sent", generator.send(step)))
        except BaseException as error:
            entry, lines = error.__traceback__, []
            while entry is not None:
                lines.append((entry.tb_frame.f_code.co_name, entry.tb_lineno))
                entry = entry.tb_next
            log.append((repr(error), repr(error.__cause__), repr(error.__context__), lines))
    return log


def counting(n):
    total = 0
    try:
        for i in range(n):
            got = yield i
            total += got or 0
    except ValueError as error:
        total = yield repr(error)
    finally:
        total = total or -1
    return total


def case_generators():
    return (
        list(counting(3)),
        drive(counting(3), None, 1, 2, 3, 4),
        drive(counting(3), None, ValueError("x"), 5, None),
        drive(counting(3), None, KeyError("x"), None),
        drive(counting(3), None, "close", None),
        drive(counting(3), ValueError("early"), None),
        drive(counting(3), "close", None),
        drive(counting(3), StopIteration("early"), None),
        drive(counting(3), 7),
        drive(counting(3), None, StopIteration("inside"), None),
    )


def simple(items):
    for item in items:
        yield item


def case_simple_generator():
    return drive(simple("ab"), None, None, None, None), drive(simple("ab"), None, "close"), drive(simple("ab"), None, KeyError())


def raises_stop():
    yield 1
    raise StopIteration("inner")


def case_stop_iteration():
    return drive(raises_stop(), None, None, None)


def delegating(inner):
    try:
        result = yield from inner
    except KeyError as error:
        result = repr(error)
    sent = yield result
    return sent


class Iterator:
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        return self

    def __next__(self):
        self.n -= 1
        if self.n < 0:
            raise StopIteration("class done")
        if self.n == 5:
            raise ValueError("from next")
        return self.n


class Full(Iterator):
    def send(self, value):
        return "sent", value

    def throw(self, *error):
        if isinstance(error[0], KeyError) or error[0] is KeyError:
            raise StopIteration("thrown")
        raise error[0]

    def close(self):
        self.n = "closed"


def case_delegation():
    return (
        drive(delegating(counting(2)), None, 1, 2, 3, 4),
        drive(delegating(counting(2)), None, ValueError("v"), 2, 3),
        drive(delegating(counting(2)), None, KeyError("k"), 2, 3),
        drive(delegating(counting(2)), None, TypeError("k"), 2, 3),
        drive(delegating(counting(2)), None, "close", None),
        drive(delegating([1, 2]), None, None, None, None, None),
        drive(delegating([1, 2]), None, 7),
        drive(delegating([1, 2]), None, KeyError(1), None),
        drive(delegating(Iterator(2)), None, None, None, None, None),
        drive(delegating(Iterator(6)), None, None),
        drive(delegating(Full(4)), None, 1, KeyError("x"), None, None),
        drive(delegating(Full(4)), None, TypeError("x"), None),
        drive(delegating(Full(4)), None, "close"),
        drive(delegating(delegating(delegating(counting(3)))), *[None] * 9),
        drive(delegating(3), None),
        drive(delegating(x for x in "ab"), None, None, None, None),
    )


def delegating_directly(inner):
    return (yield from inner)


def case_delegation_states():
    inner = counting(2)
    outer = delegating_directly(inner)
    before = outer.gi_frame.f_lasti == -1
    next(outer)
    return before, outer.gi_running, outer.gi_frame.f_lineno, list(outer), outer.gi_frame


def yields_in_expressions(f):
    return f(1, (yield 2), [3, (yield 4), *(yield 5)], k=(yield 6))


def case_yields_in_expressions():
    return drive(yields_in_expressions(lambda *a, **k: (a, k)), None, "x", "y", [1], "z")


def yields_in_tries(log):
    try:
        with contextlib.suppress(KeyError):
            yield 1
        try:
            yield 2
        finally:
            log.append("inner")
            yield 3
    except GeneratorExit:
        log.append("exit")
        raise
    finally:
        log.append("finally")


def case_dropped_generators():
    logs = []
    for count in range(4):
        log = []
        generator = yields_in_tries(log)
        for _ in range(count):
            next(generator)
        hook, sys.unraisablehook = sys.unraisablehook, lambda args, log=log: log.append(repr(args.exc_value))
        try:
            del generator
        finally:
            sys.unraisablehook = hook
        logs.append(log)
    return logs


def case_yield_from_in_try():
    log = []
    return drive(delegating(yields_in_tries(log)), None, KeyError("k"), ValueError("v"), None, "close"), log


def generator_with_cell(a):
    yield lambda: a
    a = yield a


def case_generator_with_cell():
    generator = generator_with_cell(1)
    get = next(generator)
    return get(), next(generator), drive(generator, 5), get()


class Awaitable:
    def __init__(self, value):
        self.value = value

    def __await__(self):
        got = yield self.value
        return got, self.value


async def awaits(n):
    total = []
    for i in range(n):
        total.append(await Awaitable(i))
    return total


async def nested_awaits():
    try:
        return await awaits(2)
    except ValueError as error:
        return repr(error)


def case_coroutines():
    return (
        drive(awaits(2), None, "a", "b"),
        drive(nested_awaits(), None, "a", "b"),
        drive(nested_awaits(), None, ValueError("v")),
        drive(nested_awaits(), None, KeyError("k")),
        drive(nested_awaits(), None, "close", None),
        drive(awaits(2), StopIteration()),
        drive(awaits(2), None, StopIteration()),
    )


@types.coroutine
def old_style(inner):
    got = yield 1
    return (yield from inner), got


async def awaits_old_style():
    return await old_style(awaits(1))


def case_old_style_coroutines():
    return drive(awaits_old_style(), None, "x", "y")


class AsyncManager:
    async def __aenter__(self):
        await Awaitable("enter")
        return self

    async def __aexit__(self, *error):
        await Awaitable("exit")
        return isinstance(error[1], KeyError)


async def async_items(n):
    try:
        for i in range(n):
            got = yield i
            if got:
                yield await Awaitable(got)
    finally:
        await asyncio.sleep(0)


async def async_statements(n):
    log = []
    async with AsyncManager():
        async with contextlib.aclosing(async_items(n)) as items:
            async for item in items:
                log.append(item)
                if item == 1:
                    raise KeyError(item)
            else:
                log.append("else")
    return log, [x async for x in async_items(2) if x], {await Awaitable(i) for i in range(2)}


def run(coroutine):
    log = []
    try:
        while True:
            log.append(coroutine.send(None))
    except StopIteration as stop:
        return log, stop.value


def case_async_statements():
    return run(async_statements(1)), run(async_statements(3))


async def drive_async(generator, *steps):
    log = []
    for step in steps:
        try:
            if isinstance(step, BaseException):
                log.append(await generator.athrow(step))
            elif step == "close":
                log.append(await generator.aclose())
            else:
                log.append(await generator.asend(step))
        except BaseException as error:
            log.append((repr(error), repr(error.__cause__), repr(error.__context__)))
    return log


async def async_stops(kind):
    yield 1
    raise kind


def case_async_generators():
    return (
        run(drive_async(async_items(2), None, "x", None, None, None)),
        run(drive_async(async_items(2), None, ValueError("v"), None)),
        run(drive_async(async_items(2), None, "close", None)),
        run(drive_async(async_items(2), "close", None)),
        run(drive_async(async_items(2), ValueError("early"), None)),
        run(drive_async(async_stops(StopIteration(1)), None, None)),
        run(drive_async(async_stops(StopAsyncIteration(1)), None, None)),
        run(drive_async(async_stops(ValueError(1)), None, None)),
    )


async def worker(name, queue, log):
    while True:
        item = await queue.get()
        if item is None:
            return name
        await asyncio.sleep(0)
        log.append(item * 2)


async def run_workers():
    queue, log = asyncio.Queue(), []
    tasks = [asyncio.create_task(worker(name, queue, log)) for name in "ab"]
    for item in [1, 2, 3, None, None]:
        await queue.put(item)
    names = await asyncio.gather(*tasks)
    cancelled = asyncio.create_task(worker("c", queue, log))
    await asyncio.sleep(0)
    cancelled.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await cancelled
    unfinished = async_items(3)
    await unfinished.__anext__()
    with contextlib.suppress(RuntimeError):
        await unfinished.athrow(RuntimeError())
    return sorted(log), names


def case_asyncio():
    return run_loop(run_workers())


def run_loop(coroutine):
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.close()


@contextlib.contextmanager
def managed(log):
    log.append("in")
    try:
        yield log
    except ValueError:
        log.append("caught")
    finally:
        log.append("out")


def case_context_managers():
    log = []
    with managed(log):
        log.append("body")
    with managed(log):
        raise ValueError
    return log


def case_context_manager_raising():
    with managed([]):
        raise KeyError("through")


def unbound(flag):
    if flag:
        value = 1
    return value


def case_unbound():
    return unbound(True), unbound(False)


def dels(a, b):
    del a
    try:
        return a
    except UnboundLocalError:
        return b


def case_del():
    return dels(1, 2)


def depth_left(n=0):
    try:
        return depth_left(n + 1)
    except RecursionError:
        return n


def walk(n):
    if n:
        yield from walk(n - 1)
    yield n


def case_recursive_generators():
    return list(walk(30))
