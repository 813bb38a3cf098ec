"""Playing back in a whole process, which a command started: what is missed and what was played is left for the parent to tell."""

from __future__ import annotations

import atexit
from pathlib import Path
from typing import TYPE_CHECKING

from tracer.playing.options import Options
from tracer.playing.session import Playing
from tracer.playing.tally import Tally

if TYPE_CHECKING:
    from tracer.recording.recorder import Recorder
    from tracer.recording.settings import Settings


def start(settings: Settings) -> Recorder | None:
    """Play back in this process; return the recorder where calls are recorded too."""
    options, cassette = Options.from_json(settings.playback)
    playing = Playing(settings, options, Path(cassette) if cassette else None)
    tally = Tally(Path(settings.folder), playing.player.calls)
    playing.player.tell(tally)
    playing.start()
    playing.expect_script()
    # Registered before anything of the host, so run after everything of it.
    atexit.register(finish, playing, tally)
    return playing.recorder


def finish(playing: Playing, tally: Tally) -> None:
    """Stop as a process ends, and leave what is to be told."""
    if playing.recorder is not None:
        playing.recorder.finish(at_once=True)
    else:
        playing.stop()
    if playing.surroundings is not None:
        tally.reads(*playing.surroundings.counts)
