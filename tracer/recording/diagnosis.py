"""What `tracer doctor` asks a recorded process: what was watched and what not, what crossed, and what the host did that may not go with tracer."""

from __future__ import annotations

import json
import os
import sys
from _thread import _local
from collections import Counter
from contextlib import suppress
from pathlib import Path
from sys import _getframe
from types import CodeType, FrameType, FunctionType
from typing import TYPE_CHECKING, Any, Final

from tracer.model import OUTSIDE
from tracer.recording import native
from tracer.recording.call_witness import CallWitness
from tracer.recording.witness import Witness

if TYPE_CHECKING:
    from tracer.recording.recorder import Recorder

SUFFIX: Final = ".diagnosis"
"""Files in the journal folder with what one process found, as JSON."""

UNSEEN_BIRTH: Final = "it was put into its module when that had run, where nobody sees it"
UNMET: Final = (
    "it is a script that a tool ran in a way of its own: what it had made before its first call is not watched"
)
BLIND: Final = (
    "methods of C types that its statements outside of functions call are not seen: run it as a module, `python -m`"
)
_OURS: Final = frozenset({"tracer.recording.witness", "tracer.recording.call_witness", "tracer.instrument.script"})
"""The modules of tracer that set a profile function."""
REPLACED: Final = "wrapper in place"
"""The hazard of a name that leads to a wrapper: `type()` and `is` tell it from what it stands for."""
HELD: Final = "held elsewhere"
"""The hazard of such an object that more than names in modules hold."""

_SWITCHES: Final = frozenset({"sys.settrace", "sys.setprofile"})


class Diagnosis:
    """Looks at one process from `begin`, before its recorder starts, to `finish`, which stops it. Never raises into the host."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._pid = os.getpid()
        self._witness = Witness(recorder.selection, recorder.instrumentation)
        self._calls = CallWitness(recorder.selection, recorder.instrumentation)
        self._hazards: Counter[tuple[str, str, str]] = Counter()
        self._looking = False
        self._here = _local()

    def begin(self) -> None:
        """Begin to look."""
        self._recorder.start()
        self._calls.begin()
        self._witness.begin()
        self._recorder.instrumentation.aside = self._witness.aside
        self._looking = True
        # For good: there is no way to take one out, so `_looking` switches it off. Nothing is traced while one runs, no finalizer either.
        sys.addaudithook(native.roomy(self._audit))

    def finish(self) -> None:
        """Stop the recorder and leave what was found beside its journal."""
        recorder = self._recorder
        if os.getpid() != self._pid:  # a forked child: what its parent counted is not its own
            recorder.finish()
            return
        self._looking = False
        seen = Counter(dict(self._witness.end())) + self._calls.end()
        report = recorder.instrumentation.report
        unwatched = [(name, UNSEEN_BIRTH) for name in recorder.instrumentation.unwatched()]
        unwatched += [(name, UNMET) for name in sorted(recorder.unmet_scripts)]
        if recorder.instrumentation.script_is_blind:
            unwatched.append(("the script", BLIND))
        self._hazards.update((REPLACED, name, name.partition(":")[0]) for name in report.replaced)
        self._hazards.update((what, name, name.partition(":")[0]) for what, name in report.looking)
        for name, holders in recorder.instrumentation.held().items():
            self._hazards[HELD, name, name.partition(":")[0]] += holders
        try:
            left = recorder.stop()
        except Exception as error:  # noqa: BLE001  (what could be found out is told all the same)
            left = (f"Couldn't stop in order: {type(error).__name__}.",)
        found = {
            "pid": self._pid,
            "components": [[each.component, each.modules, each.callables] for each in report.components],
            "unreachable": [list(pair) for pair in (*report.unreachable, *unwatched)],
            "failed_imports": list(report.failed_imports),
            "own_failures": list(report.own_failures),
            "left": list(left),
            "seen": sorted(seen.items()),
            "stand_ins": list(self._witness.stand_ins),
            "calls_seen": self._calls.works,
            "lapses": self._witness.lapses,
            "hazards": [[*key, count] for key, count in sorted(self._hazards.items())],
        }
        with suppress(OSError):
            Path(recorder.folder, f"{self._pid}{SUFFIX}").write_text(json.dumps(found), encoding="utf-8")

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        # What is done in here is audited as well: another look at frames, the witness put back.
        if not self._looking or getattr(self._here, "inside", False):
            return
        self._here.inside = True
        try:
            if event not in _SWITCHES:
                self._witness.go_on()
            hazard = self._hazard(event, arguments)
            if hazard is not None:
                place = self._recorder.place_of(_getframe(1))
                self._hazards[hazard[0], hazard[1], place if place != OUTSIDE else _module_of()] += 1
        except Exception:  # noqa: BLE001  (an audit hook that raises forbids what it looks at)
            self._looking = False
        finally:
            self._here.inside = False

    def _hazard(self, event: str, arguments: tuple[Any, ...]) -> tuple[str, str] | None:
        """Return what the host does that may not go with instrumentation, and to which callable; None for everything else."""
        if event in _SWITCHES:
            return (event, "") if _module_of() not in {"threading", __name__, *_OURS} else None
        if event == "marshal.dumps" and type(arguments[0]) is CodeType:
            return self._of_code("marshal.dumps", arguments[0])
        if event == "function.__new__" and type(arguments[0]) is CodeType:
            return self._of_code("function made of the code", arguments[0])
        if event == "object.__setattr__" and arguments[1] == "__code__" and type(arguments[0]) is FunctionType:
            known = self._recorder.instrumentation.known_code(arguments[2])
            if known is not None and known.put_in:
                return None
            what = "__code__ assigned" if known is None else "watched __code__ assigned"
            return self._of_code(what, arguments[0].__code__)
        return None

    def _of_code(self, what: str, code: CodeType) -> tuple[str, str] | None:
        known = self._recorder.instrumentation.known_code(code)
        if known is None or known.probe is None or _module_of().startswith("tracer."):
            return None
        return what, known.callable.name


def _module_of() -> str:
    """Return the module that does what an audit hook is told of."""
    frame: FrameType | None = _getframe(1)
    while frame is not None and frame.f_globals.get("__name__") == __name__:
        frame = frame.f_back
    name = frame.f_globals.get("__name__") if frame is not None else None
    return name if type(name) is str else OUTSIDE
