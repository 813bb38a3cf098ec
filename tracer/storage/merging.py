"""What is known of several recordings as one: of the processes of a run, of what a playback adds, of the shards of a run on many machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracer import model, wire
from tracer.ambient import AMBIENT
from tracer.storage import rows
from tracer.storage.format import summed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def merged(recordings: Sequence[model.Recording], *, later_wins: bool = False) -> model.Recording:
    """Return what is known of all recordings together; the same whatever their order, unless the later of two wins.

    Where two define one callable differently, one that knows its code stands for it, of several that whose row sorts first; with `later_wins` the last.
    """
    defined = (each for recording in recordings for each in recording.callables)
    return model.Recording(
        python=_joined(each.python for each in recordings),
        boundaries=tuple(sorted({boundary for each in recordings for boundary in each.boundaries})),
        granularity=_joined(each.granularity for each in recordings) or model.Recording().granularity,
        detail=_joined(each.detail for each in recordings) or model.Recording().detail,
        detail_calls=max((each.detail_calls for each in recordings), default=0),
        components=_components(recordings),
        callables=_by_name({each.name: each for each in defined}) if later_wins else _first_by_row(defined),
        losses=summed(loss for each in recordings for loss in each.losses),
        noise=tuple(dict.fromkeys(rule for each in recordings for rule in each.noise)),
        block=bool(recordings) and all(each.block for each in recordings),
        ambient=tuple(sorted({kind for each in recordings for kind in each.ambient})),
    )


def _components(recordings: Sequence[model.Recording]) -> tuple[model.Component, ...]:
    """Return every component once; one that was watched anywhere is watched."""
    # A process tells its components at its end, which not every process reaches; what was crossed belongs to one.
    crossed = (each.component for recording in recordings for each in recording.callables)
    watched = {component: True for component in crossed if component != AMBIENT}
    for component in (component for each in recordings for component in each.components):
        watched[component.name] = watched.get(component.name, False) or component.watched
    return tuple(model.Component(name, flag) for name, flag in sorted(watched.items()))


def _first_by_row(callables: Iterable[model.Callable]) -> tuple[model.Callable, ...]:
    pack = wire.packer()
    chosen: dict[str, tuple[tuple[bool, bytes], model.Callable]] = {}
    for watched in callables:
        # A process that was ended, or had but a copy of it, told what it knew as it met the callable.
        rank = not watched.code, pack(rows.callable_to_row(watched))
        if watched.name not in chosen or rank < chosen[watched.name][0]:
            chosen[watched.name] = (rank, watched)
    return _by_name({name: watched for name, (_, watched) in chosen.items()})


def _by_name(callables: dict[str, model.Callable]) -> tuple[model.Callable, ...]:
    return tuple(callables[name] for name in sorted(callables))


def _joined(texts: Iterable[str]) -> str:
    return ", ".join(sorted(set(texts) - {""}))
