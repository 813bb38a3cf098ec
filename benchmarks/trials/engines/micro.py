"""What one call costs, and how deep recursion goes, under one mechanism. Figures are the best of many short rounds."""

import tempfile
import timeit
import types
from pathlib import Path

import mechanisms

SOURCE = """
def leaf(a): return a
def inside(rounds):
    f = leaf
    for _ in rounds: f(1)
def items(n):
    for i in range(n): yield i
def drain(n):
    for _ in items(n): pass
def down(n): return down(n + 1)
"""
ROUNDS = 1_000  # short rounds: the best of them were not interrupted by other work of the machine


def measure(engine):
    bare = _figures(_module(None))
    watched = _module(engine)
    figures = _figures(watched)
    result = {key: round(figures[key] - bare[key]) for key in figures if key != "depth"}
    result["bare call"] = round(bare["crossing"])
    result["depth"] = _depth(watched)
    result["bare depth"] = _depth(_module(None))
    return result


def _module(engine):
    module = types.ModuleType("trial_sample")
    with tempfile.NamedTemporaryFile("w", suffix=".py", delete=False) as file:
        file.write(SOURCE)
    code = compile(SOURCE, file.name, "exec", dont_inherit=True)
    if engine is None:
        exec(code, module.__dict__)
    else:
        exec(mechanisms.attach(engine, module.__name__, code), module.__dict__)
        after = getattr(engine, "after_exec", None)
        if after is not None:
            after(code, lambda inner: mechanisms.ledger.probe_for(module.__name__, inner))
    Path(file.name).unlink()
    return module


def _figures(module):
    rounds = range(ROUNDS)

    def cross(f=module.leaf):
        for _ in rounds:
            f(1)

    def best(function, *arguments):
        return min(timeit.repeat(lambda: function(*arguments), number=1, repeat=400)) / ROUNDS * 1e9

    return {
        "crossing": best(cross),
        "inside call": best(module.inside, rounds),
        "inside item": best(module.drain, ROUNDS),
    }


def _depth(module):
    """Count the frames of the module's endless recursion on the stack when it ends; a trampoline's own count half."""
    try:
        module.down(0)
    except RecursionError as error:
        deepest, entry = 0, error.__traceback__
        while entry is not None:
            deepest = max(deepest, entry.tb_frame.f_locals.get("n", 0))
            entry = entry.tb_next
        return deepest
    return 0
