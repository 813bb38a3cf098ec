"""The reads of one recorder: each is recorded as a call in its lane, and first played back where a recorded run is given."""

from __future__ import annotations

from contextlib import suppress
from sys import _getframe
from typing import TYPE_CHECKING, Any

from tracer.ambient import AMBIENT
from tracer.model import Callable, CallableKind, Flow, Parameter, ParameterKind
from tracer.recording.ambient.environment import Environment, Surroundings, environ
from tracer.recording.ambient.player import ENVIRONMENT, HASH_SEED, MISSING, RAISES, VARIABLE
from tracer.recording.ambient.sources import CannotGive

if TYPE_CHECKING:
    from collections.abc import Callable as Function
    from types import FrameType

    from tracer.instrument.probe import Probe
    from tracer.recording.ambient.player import Player
    from tracer.recording.ambient.sources import Source
    from tracer.recording.lanes import Lane, Lanes

    Caller = Function[[FrameType], int]

_PARAMETERS = (Parameter("arguments", ParameterKind.VAR_POSITIONAL),)


class Reads:
    """Records reads, and plays those of `player` back.

    lanes: gives the lane of here and now.
    probe_of: gives the number and the hooks of a callable that stands for a source.
    caller_of: given a frame, the number of the caller there.
    lane_name: given a lane, the name it has in the closed cassette, "" where nobody knows it.

    `played` counts what was played back, `live` by callable what was not though a recorded run was given.
    """

    def __init__(
        self,
        player: Player | None,
        lanes: Lanes,
        probe_of: Function[[Callable], tuple[int, Probe]],
        caller_of: Caller,
        lane_name: Function[[Lane], str],
    ) -> None:
        self.active = False
        self.played = 0
        self.live: dict[str, int] = {}
        self.environment = Environment(self._variable, self._variables)
        self._player = player
        self._lanes = lanes
        self._probe_of = probe_of
        self._caller_of = caller_of
        self._lane_name = lane_name
        self._surroundings = Surroundings(player)
        self._probes: dict[str, tuple[int, Probe]] = {}
        self._told: set[tuple[str, str]] = set()
        # By source and what it is called with, what was given last, and how far that is ahead of the time here.
        self._ahead: dict[tuple[str, str], tuple[Any, Any]] = {}

    def read(self, source: Source, called: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Do what a watched caller two frames above calls, record it, and play it back where that is known."""
        lane = self._lane()
        if lane is None or not source.applies(arguments, named):
            return called(*arguments, **named)
        key = source.key(arguments, named) if arguments or named else ""
        _, probe = self._probe(source.name)
        token = probe.began(self._caller_of(_getframe(2)), [key] if key else [])
        try:
            if self._player is None:
                value, kept = source.live(called, arguments, named)
            else:
                place = self._lane_name(lane), source.name, key
                value, kept = self._played(self._player, source, called, arguments, named, place)
        except BaseException as error:
            if token is not None:
                probe.raised(token, error)
            raise
        if token is not None:
            probe.returned(token, kept)
        return value

    def tell_hash_seed(self, seed: str) -> None:
        """Record by which seed texts are hashed in this process."""
        _, probe = self._probe(HASH_SEED)
        token = probe.began(self._caller_of(_getframe(0)), [])
        if token is not None:
            probe.returned(token, seed)

    # -- values --------------------------------------------------------------------------------------------------------------

    def _played(
        self,
        player: Player,
        source: Source,
        called: Any,
        arguments: tuple[Any, ...],
        named: dict[str, Any],
        place: tuple[str, str, str],
    ) -> tuple[Any, Any]:
        """Return what is read, and what is kept of it: what the recorded run read, where that is known."""
        kept = player.next(*place)
        if kept is RAISES:
            self.played += 1
            return source.live(called, arguments, named)
        if kept is not MISSING:
            with suppress(CannotGive):
                value = source.again(kept, called, arguments, named)
                self.played += 1
                if source.clock:
                    self._note_clock(place[1:], value, called(*arguments, **named))
                return value, kept
        self.live[source.name] = self.live.get(source.name, 0) + 1
        value, kept = source.live(called, arguments, named)
        if source.clock:
            value = self._going_on(place[1:], value)
            kept = source.keep(value)
        return value, kept

    def _note_clock(self, clock: tuple[str, str], given: Any, here: Any) -> None:
        with suppress(TypeError, OverflowError):  # datetimes with and without a zone have no difference
            self._ahead[clock] = given, given - here

    def _going_on(self, clock: tuple[str, str], here: Any) -> Any:
        """Return the time here as it goes on from what was given last: never less than that."""
        last, ahead = self._ahead.get(clock, (None, None))
        if last is None:
            return here
        try:
            now = max(last, here + ahead)
        except (TypeError, OverflowError):
            return here
        self._ahead[clock] = now, ahead
        return now

    # -- the environment -------------------------------------------------------------------------------------------------------

    def _variable(self, name: str) -> str | None:
        surroundings = self._surroundings
        lane = self._lane()
        if lane is None or not surroundings.is_told(name):
            return environ.get(name)
        value = surroundings.value(name)
        if not self._is_known(lane, name):
            self._tell(lane, VARIABLE, {name: value})
        return value

    def _variables(self) -> dict[str, str]:
        surroundings = self._surroundings
        lane = self._lane()
        if lane is None:
            return dict(environ)
        found = surroundings.all()
        if not self._is_known(lane, ""):
            told = {name: value for name, value in found.items() if surroundings.is_told(name)}
            for name in told:
                self._is_known(lane, name)
            self._tell(lane, ENVIRONMENT, told)
        return found

    def _is_known(self, lane: Lane, name: str) -> bool:
        """Whether a lane has read a variable before, which stays what it is."""
        if (lane.name, name) in self._told:
            return True
        self._told.add((lane.name, name))
        if self._player is not None and name:
            if self._surroundings.is_played(name):
                self.played += 1
            else:
                place = f"{VARIABLE} {name}"
                self.live[place] = self.live.get(place, 0) + 1
        return False

    def _tell(self, lane: Lane, source: str, variables: dict[str, Any]) -> None:
        number, probe = self._probe(source)
        token = probe.began(self._caller_of(_getframe(2)), [])
        if token is not None:
            lane.out.pop(number, None)  # looked at in full however many came before: a part of an environment is no use
            probe.returned(token, variables)

    # -- hooks ---------------------------------------------------------------------------------------------------------------

    def _lane(self) -> Lane | None:
        """Return the lane of here and now; None where nothing is to be told of it."""
        if not self.active:
            return None
        state = self._lanes.state()
        return None if state.busy else self._lanes.current(state)

    def _probe(self, name: str) -> tuple[int, Probe]:
        found = self._probes.get(name)
        if found is None:
            noun = Callable(name, AMBIENT, CallableKind.FOREIGN, Flow.CALL, _PARAMETERS)
            found = self._probes[name] = self._probe_of(noun)
        return found
