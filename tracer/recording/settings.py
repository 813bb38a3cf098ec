"""What a recording process needs to know, as the parent writes it and the child reads it.

Light on purpose: it is imported in the traced process.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

FAILURE_SUFFIX = ".failure"
"""Files in the journal folder that say, in one line, why a process could not be recorded."""

ENVIRONMENT = "TRACER_SETTINGS"
"""The environment variable that names the settings file for every Python a recorded command starts."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a process records.

    `folder` receives its journal. `selection` is `Selection.to_json()`. `project` is the root below which paths become `<project>`.
    `redact` and `redact_allow` are names added to and taken from the redactor's, `redact_values`, `redact_with` and `redact_entropy` what is
    secret inside texts beside what is by default. `dunders` are left-out dunders turned on. `timings` says that the time of each call is taken.
    `original` is the folder that `project` is another checkout of: nothing in there may be imported in its place; empty for none.
    `detail` names how much of values is looked at: "sampled" or "full".
    `detail_calls` is how many calls of a callable in a lane are kept in detail, 0 for all.
    `playback` is what `tracer.playback` needs to know where components are played back in the process, empty where it is recorded.
    `ambient` are the kinds of reads of the surroundings to record, `ambient_from` a file of reads to play back, empty for none.
    `packages` maps tracer and what it needs in a traced process to the folders they are imported from, for a Python that has none of them.
    `diagnose` has the process say what was watched and what crossed, as `tracer doctor` asks.
    """

    folder: str
    selection: dict[str, Any]
    project: str
    redact: tuple[str, ...] = ()
    redact_allow: tuple[str, ...] = ()
    redact_values: tuple[str, ...] = ()
    redact_with: str = ""
    redact_entropy: bool = False
    dunders: tuple[str, ...] = ()
    timings: bool = False
    original: str = ""
    detail: str = "sampled"
    detail_calls: int = 0
    playback: dict[str, Any] = field(default_factory=dict)
    ambient: tuple[str, ...] = ()
    ambient_from: str = ""
    packages: dict[str, str] = field(default_factory=dict)
    diagnose: bool = False

    def write(self, path: Path) -> None:
        """Write the settings for child processes to read."""
        path.write_text(json.dumps(asdict(self), sort_keys=True), encoding="utf-8")

    @classmethod
    def read(cls, path: str) -> Settings:
        """Read what `write` wrote."""
        with open(path, encoding="utf-8") as file:  # noqa: PTH123  (pathlib is not yet loaded in a traced process)
            data = json.load(file)
        for name in ("redact", "redact_allow", "redact_values", "dunders", "ambient"):
            data[name] = tuple(data[name])
        return cls(**data)
