"""What one played call costs beside one that is recorded, side by side in one process.

usage: python benchmarks/playback.py [--json OUT]

The calls are those of `benchmarks/crossing.py`. `recorded` is a crossing as `tracer record` keeps it, `full` the same with --detail full, `played`
one that is answered from a cassette. The promise: played <= 2 x full, since a call is played from what was recorded in full.
`TRACER_PURE=1` measures all of it in Python. An exception is one whose class was played before; the first of a class costs more.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import crossing

from tracer.model import LaneSummary
from tracer.playing.matchers import Matchers
from tracer.playing.options import Options
from tracer.playing.player import Player
from tracer.playing.recorded import Recorded
from tracer.playing.session import stand_ins
from tracer.recording.child import open_encoder, open_recorder, open_selection
from tracer.recording.settings import Settings
from tracer.select.selection import Selection
from tracer.storage.compact import compact
from tracer.storage.reader import open_cassette

if TYPE_CHECKING:
    from collections.abc import Iterator

PROMISE = 2.0
SWEEPS = 3
STEPS = 100


class Often:
    """A recorded run in which every call was made many times over."""

    def __init__(self, run: Any, times: int) -> None:
        self.recording = run.recording
        first = {}
        for lane in run.lanes:
            for call in run.calls(lane.name):
                first.setdefault((call.callable, call.arguments), replace(call, parent=0))
        self._calls = [call for call in first.values() for _ in range(times)]
        self.lanes = [LaneSummary("main", len(self._calls), b"")]

    def calls(self, _lane: str) -> Any:
        return iter(self._calls)


def measure() -> dict[str, dict[str, float]]:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "library.py").write_text(crossing.LIBRARY)
        (folder / "caller.py").write_text(crossing.CALLER)
        sys.path.insert(0, scratch)
        import caller  # noqa: PLC0415  (written just now)

        kinds = {kind: getattr(caller, f"run_{kind}") for kind in crossing.KINDS}
        found: dict[str, dict[str, float]] = {}
        for sweep in range(SWEEPS):  # a machine has fast and slow moments, which may be longer than one of these
            part = folder / str(sweep)
            part.mkdir()
            for name, times in measure_once(part, folder, kinds, caller.run_nothing):
                known = found.setdefault(name, times)
                found[name] = {kind: min(time, known[kind]) for kind, time in times.items()}
    empty = found["bare"]["empty"]
    return {kind: {name: each[kind] - empty for name, each in found.items()} for kind in kinds}


def measure_once(part: Path, root: Path, kinds: dict[str, Any], empty: Any) -> Iterator[tuple[str, dict[str, float]]]:
    yield "bare", crossing.least(kinds | {"empty": empty}, STEPS)
    for name, detail in (("recorded", "sampled"), ("full", "full")):
        settings = settings_for(part / name, root, detail)
        recorder = open_recorder(settings)
        recorder.start()
        yield name, crossing.least(kinds, STEPS)
        recorder.stop()
    yield "played", play(part, settings, kinds)


def settings_for(part: Path, folder: Path, detail: str) -> Settings:
    part.mkdir()
    root = str(folder.resolve())
    selection = Selection(root=root, names=("library", "caller"), boundaries=("library",))
    return Settings(folder=str(part), selection=selection.to_json(), project=root, detail=detail)


def play(folder: Path, settings: Settings, kinds: dict[str, Any]) -> dict[str, float]:
    options = Options(components=("library",))
    compact(settings.folder, folder / "calls.cassette")
    redactor, _, encoder = open_encoder(settings)
    with open_cassette(folder / "calls.cassette") as run:
        recorded = Recorded(Often(run, crossing.ROUNDS * STEPS), options.components, Matchers())  # type: ignore[arg-type]
    player = Player(recorded, "calls.cassette", encoder, redactor, options.allowed, {})
    answered = stand_ins(open_selection(settings), player.answer, ready_of=player.ready)
    answered.start()
    try:
        return crossing.least(kinds, STEPS)
    finally:
        answered.stop()


def table(rows: dict[str, dict[str, float]]) -> str:
    lines = [
        f"CPython {platform.python_version()}; nanoseconds per call, least of {crossing.ROUNDS} short rounds in turns, {SWEEPS} times over",
        "",
    ]
    lines.append(
        f"{'call':<10}{'bare':>8}{'recorded':>10}{'full':>10}{'played':>10}{'times':>8}{'of full':>9}{'kept':>6}"
    )
    for kind, row in rows.items():
        times, full = row["played"] / row["recorded"], row["played"] / row["full"]
        shown = "".join(f"{row[name]:>10.0f}" for name in ("recorded", "full", "played"))
        lines.append(
            f"{kind:<10}{row['bare']:>8.0f}{shown}{times:>8.1f}{full:>9.1f}{'yes' if full <= PROMISE else 'no':>6}"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    rows = measure()
    print(table(rows))
    if options.json:
        options.json.write_text(json.dumps(rows))


if __name__ == "__main__":
    main()
