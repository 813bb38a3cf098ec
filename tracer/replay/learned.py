"""Which calls of a cassette more than their arguments decides about, written down beside it: they say nothing of a change."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tracer.errors import ReplayError
from tracer.storage.store import learned_path, replacing

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tracer.model import RecordedRun
    from tracer.replay.task import Spot


def read_learned(path: Path, run: RecordedRun) -> frozenset[Spot]:
    """Return the calls that were learned of a cassette; those of lanes that have other calls since are forgotten.

    Raises:
        ReplayError: what is written down cannot be read.
    """
    file = learned_path(path)
    try:
        lanes = json.loads(file.read_bytes())["lanes"]
        return frozenset(
            (lane.name, int(number))
            for lane in run.lanes
            if lanes.get(lane.name, {}).get("digest") == lane.digest.hex()
            for number in lanes[lane.name]["calls"]
            if 0 <= int(number) < lane.calls
        )
    except FileNotFoundError:
        return frozenset()
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        remedy = "Remove it, and let it be written anew with `tracer replay --learn`."
        raise ReplayError(
            f"read {str(file)!r}", f"it is not as it was written ({type(error).__name__})", remedy
        ) from error


def write_learned(path: Path, run: RecordedRun, spots: Iterable[Spot]) -> None:
    """Write down which calls of a cassette were learned.

    Raises:
        CassetteError: the folder cannot be written.
    """
    digests = {lane.name: lane.digest.hex() for lane in run.lanes}
    lanes: dict[str, Any] = {}
    for lane, number in sorted(set(spots)):
        lanes.setdefault(lane, {"digest": digests[lane], "calls": []})["calls"].append(number)
    with replacing(learned_path(path)) as stream:
        stream.write(json.dumps({"lanes": lanes}, indent=1).encode() + b"\n")
