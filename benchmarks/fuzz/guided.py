"""Fuzz the readers of bytes guided by coverage, with atheris: `make fuzz-guided RUNS=1000000`.

The first byte says which reader gets the rest: snapshots, columns of a block, an index, a whole cassette or a journal. Anything but the
errors each may raise ends the run, with the input in a file.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from random import Random

import atheris

with atheris.instrument_imports(include=["tracer"]):
    import hostile
    import mutate
    import seeds

    from tracer.compare.delta import delta
    from tracer.compare.reading import Reader
    from tracer.errors import TracerError
    from tracer.render import render
    from tracer.storage import format as form
    from tracer.storage.block_reader import read_columns
    from tracer.storage.reader import open_cassette
    from tracer.storage.scan import ScannedJournal

_FOLDER = Path(tempfile.mkdtemp(prefix="guided"))
_FILE = _FOLDER / "a.cassette"


def _snapshots(data: bytes) -> None:
    reader = Reader()
    old, new = reader.read(data[: len(data) // 2]), reader.read(data[len(data) // 2 :])
    render(old)
    delta(old, new)


def _columns(data: bytes) -> None:
    read_columns(data, 0, ())


def _cassette(data: bytes) -> None:
    _FILE.write_bytes(data)
    with open_cassette(_FILE) as cassette:
        for lane in cassette.lanes:
            list(cassette.calls(lane.name))


def _journal(data: bytes) -> None:
    _FILE.write_bytes(data)
    journal = ScannedJournal(_FILE)
    try:
        for numbers in journal.lane_ids.values():
            list(journal.calls(numbers))
    finally:
        journal.close()


_READERS = (_snapshots, _columns, form.parse_index, _snapshots, _columns, _cassette, _journal)


def read(data: bytes) -> None:
    """Give an input to its reader."""
    if not data:
        return
    try:
        _READERS[data[0] % len(_READERS)](data[1:])
    except (TracerError, *form.MALFORMED):
        return


def corpus(folder: Path) -> None:
    """Write inputs to begin with."""
    folder.mkdir()
    work = _FOLDER / "seeds"
    work.mkdir()
    seeds.write(work)
    inputs = seeds.texts(work)
    random = Random(1)
    found = [bytes((0,)) + hostile.snapshot(random) * 2 for _ in range(200)]
    for name in ("small", "old"):
        file = mutate.take_apart(inputs[name])
        found += [bytes((1,)) + mutate.body_of(part) for part in file.blocks]
        found += [bytes((2,)) + mutate.index_of(file), bytes((5,)) + inputs[name]]
    found.append(bytes((6,)) + inputs["journal"])
    for number, data in enumerate(found):
        (folder / f"{number}").write_bytes(data[: 1 << 12])


def main() -> None:
    """Fuzz until the runs that were asked for are done."""
    corpus(_FOLDER / "corpus")
    os.chdir(_FOLDER)
    atheris.Setup(
        [sys.argv[0], str(_FOLDER / "corpus"), "-max_len=4096", "-timeout=20", "-rss_limit_mb=3072", *sys.argv[1:]],
        read,
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
