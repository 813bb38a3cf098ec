"""What a run reads of its surroundings: taken from an earlier recording for a run that plays it back, and what became of it."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from random import SystemRandom
from typing import TYPE_CHECKING, Any, Final

from tracer.ambient import CHOICES
from tracer.errors import ConfigError
from tracer.recording.ambient.ambient import PLAYED_SUFFIX
from tracer.recording.ambient.player import Player, reads_of, write_reads
from tracer.report.sentences import counted, listed
from tracer.storage.reader import open_cassette

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from tracer.config import Config

_READS: Final = "ambient.reads"
_LARGEST_SEED: Final = 2**32
_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class Playing:
    """Reads to play back: a file of them, and the hash seed of the run that made them, None where it is not known."""

    file: Path
    hash_seed: str | None


def with_ambient(config: Config, kinds: Sequence[str] | None, cassette: Path | None) -> Config:
    """Return settings with the kinds of reads that were asked for; without any, those that the cassette to play back holds.

    Raises:
        CassetteError: the cassette cannot be read.
        ConfigError: it holds no reads.
    """
    if cassette is not None:
        held = kinds_of(cassette)
        if not held:
            remedy = "Record it with --ambient all."
            raise ConfigError(f"play back what {str(cassette)!r} read", "it holds no reads of the surroundings", remedy)
        kinds = held if kinds is None else kinds
    return config if kinds is None else replace(config, ambient=tuple(kinds))


def kinds_of(cassette: Path) -> tuple[str, ...]:
    """Return the kinds of reads that a cassette holds.

    Raises:
        CassetteError: it cannot be read.
    """
    with open_cassette(cassette) as run:
        return tuple(kind for kind in run.recording.ambient if kind in CHOICES)


def play_from(cassette: Path, part: Path) -> Playing:
    """Take the reads out of a cassette, into the folder of the journals of a new run.

    Raises:
        CassetteError: the cassette cannot be read.
    """
    file = part / _READS
    with open_cassette(cassette) as run:
        reads = list(reads_of(run))
    write_reads(file, reads)
    return Playing(file, Player.of(reads).hash_seed or None)


def settled_seed(environ: Mapping[str, str]) -> str | None:
    """Return the hash seed for a run that records it: where the user wants a random one, one that is known."""
    wanted = environ.get("PYTHONHASHSEED")
    return str(SystemRandom().randrange(_LARGEST_SEED)) if wanted == "random" else wanted


def told_of_playing(part: Path) -> tuple[str, ...]:
    """Return what is to be told of the reads that the processes of a run were to play back; nothing where they were not to."""
    played = 0
    live: Counter[str] = Counter()
    files = sorted(part.glob(f"*{PLAYED_SUFFIX}"))
    for told in _told(files):
        played += told["played"]
        live.update(told["live"])
    return (sentence_of_reads(played, live),) if files else ()


def sentence_of_reads(played: int, live: Mapping[str, int]) -> str:
    """Return what is told of reads that were played back, and of those, counted by callable, for which nothing was recorded."""
    sentence = f"{counted(played, 'read')} of the surroundings {'was' if played == 1 else 'were'} played back"
    if not live:
        return f"{sentence}."
    names = [f"{name} ({count:,})" for name, count in sorted(live.items(), key=lambda each: -each[1])]
    return f"{sentence}; {sum(live.values()):,} found nothing recorded that could be, and are as they are here: {listed(names, _SHOWN)}."


def _told(files: list[Path]) -> Iterator[dict[str, Any]]:
    for file in files:
        with suppress(OSError, ValueError):
            yield json.loads(file.read_text(encoding="utf-8"))
