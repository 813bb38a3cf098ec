"""Things are known as long as they live, and whoever goes through them is not disturbed."""

from __future__ import annotations

import gc

from tracer.instrument.living import Living


class Thing:
    """Something that can be referred to weakly."""


def test_those_that_come_and_go_meanwhile_disturb_nobody() -> None:
    """Recordings begin and end in other threads while engines are gone through; going through a `WeakSet` raised there."""
    living: Living[Thing] = Living()
    kept = [Thing() for _ in range(3)]
    for thing in kept:
        living.add(thing)

    seen = []
    for thing in living:
        seen.append(thing)
        living.add(Thing())
        living.discard(kept[2])

    assert seen == kept


def test_one_that_is_gone_is_not_met_again() -> None:
    living: Living[Thing] = Living()
    kept = Thing()
    living.add(kept)
    living.add(Thing())
    gc.collect()

    assert list(living) == [kept]
    assert len(living) == 1
