"""Playing back in a whole process, which a command started: what is missed and what was played is left for the parent to tell."""

from __future__ import annotations

import atexit
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracer.playing.options import Options
from tracer.playing.session import Playing

if TYPE_CHECKING:
    from tracer.recording.recorder import Recorder
    from tracer.recording.settings import Settings

SUFFIX = ".played"
"""Files in the journal folder that say what one process played and missed."""


def start(settings: Settings) -> Recorder | None:
    """Play back in this process; return the recorder where calls are recorded too."""
    options, cassette = Options.from_json(settings.playback)
    playing = Playing(settings, options, Path(cassette) if cassette else None)
    playing.start()
    # Registered before anything of the host, so run after everything of it.
    atexit.register(finish, playing, Path(settings.folder))
    return playing.recorder


def finish(playing: Playing, folder: Path) -> None:
    """Stop as a process ends, and leave what is to be told."""
    player = playing.player
    if playing.recorder is not None:
        playing.recorder.finish()
    else:
        playing.stop()
    told: dict[str, Any] = {
        "played": list(player.recorded.played()) if player.recorded is not None else [],
        "missed": [str(missed) for missed in player.misses],
        "reads": list(playing.surroundings.counts) if playing.surroundings is not None else [0, {}],
    }
    with suppress(OSError):
        (folder / f"{os.getpid()}{SUFFIX}").write_text(json.dumps(told), encoding="utf-8")
