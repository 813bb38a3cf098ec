"""How calls are timed, the same in every process that measures some."""

import time

STEPS = 400
FEWER = {"large": 10, "array": 40}
"""Kinds of which one call takes so long that fewer are timed at once."""


def least(runs, rounds):
    """Return for each run the least nanoseconds per step over many short rounds, taken in turns: a machine has fast and slow moments."""
    found = dict.fromkeys(runs, float("inf"))
    for _ in range(rounds):
        for name, run in runs.items():
            number = FEWER.get(name.removeprefix("pack "), STEPS)
            began = time.process_time_ns()
            run(number)
            found[name] = min(found[name], (time.process_time_ns() - began) / number)
    return found
