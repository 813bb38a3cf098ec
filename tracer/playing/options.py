"""What a playback is asked for, as a block hands it over and as the settings file carries it to child processes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from tracer.playing.matchers import Matchers
from tracer.playing.recorded import covered

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Options:
    """How components are played back.

    components: prefixes of the modules whose calls are answered.
    plays: whether calls are answered from the cassette at all; records: whether a call it does not hold is run and recorded.
    ignore, match: see `Matchers`.
    allow: prefixes of further modules that may be imported to make recorded values live again.
    repeat: whether the last call of its kind may be played again and again.
    ambient: which reads of the surroundings the other modules are given as they were recorded, of `tracer.ambient.CHOICES`.
    """

    components: tuple[str, ...]
    plays: bool = True
    records: bool = False
    ignore: tuple[str, ...] = ()
    match: tuple[tuple[str, str], ...] = ()
    allow: tuple[str, ...] = ()
    repeat: bool = False
    ambient: tuple[str, ...] = ()

    @property
    def matchers(self) -> Matchers:
        """What of the arguments counts."""
        return Matchers(self.ignore, self.match)

    def allowed(self, module: str) -> bool:
        """Whether a module may be imported to make a recorded value live again."""
        return covered((*self.components, *self.allow), module)

    def to_json(self, cassette: str) -> dict[str, Any]:
        """Return plain data from which `from_json` makes the same in another process; `cassette` is the file to play, "" for none."""
        return {"cassette": cassette, **asdict(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> tuple[Options, str]:
        """Return what `to_json` was given."""
        parts: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in data.items()
        }
        cassette = str(parts.pop("cassette"))
        parts["match"] = tuple((str(pattern), str(how)) for pattern, how in parts["match"])
        return cls(**parts), cassette
