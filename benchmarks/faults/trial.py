"""One trial: a program with a fault in it, once as it is and once recorded, and what differs or is missing."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import uuid
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from judge import judge, witnessed
from scenes import SCENES, Target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenes import Scene

HERE = Path(__file__).resolve().parent
LIMIT = 60
"""Seconds after which a run counts as hanging."""
_ADDRESS = re.compile("0x[0-9a-f]+")
_GROUPS = Path("/sys/fs/cgroup/memory")
_DROP_CAPABILITY, _OVERRIDES = 24, (1, 2)  # prctl(PR_CAPBSET_DROP), CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH
_TOLD_NOTHING = "No call was captured"
_TOLD_CLOSED = (_TOLD_NOTHING, "Couldn't ", "ERROR", "No Python that the command started could be recorded")


_OUTLIVED = "went on after it had ended"


@dataclass
class Ran:
    """What one run left: its exit code (128 + n for signal n), its output and errors, what tracer told."""

    code: int
    output: str
    errors: str
    told: str


@dataclass
class Outcome:
    """How a trial went: `end` is "whole", "told" or "refused", and `faults` what may not be."""

    scene: str
    seed: int
    python: str = ""
    pure: bool = False
    end: str = ""
    recovered: bool = False
    crossings: int = 0
    missing: int = 0
    faults: list[str] = field(default_factory=list)


class Hangs(Exception):
    """A run did not end in time."""


class Trial:
    """One trial of a scene by a seed, in a folder of its own. `python` runs the program; `pure` has the hooks in Python."""

    def __init__(self, scene: str, seed: int, folder: Path, python: Path, *, pure: bool) -> None:
        self.name = scene
        self.scene: Scene = SCENES[scene]
        self.seed = seed
        self.random = Random(f"{scene} {seed}")
        self.folder = folder
        self.python = python
        self.pure = pure and not self.scene.native
        self.mark = uuid.uuid4().hex
        self.delay = self.random.random() * 0.08
        self.room = self.random.choice((90, 180, 260, 400, 800, 1600, 4000))
        self.timings = self.random.random() < 0.3
        self.detail_calls = self.random.choice((1, 7, 60))

    def run(self) -> Outcome:
        """Run it; whatever is not as it should be is among the faults."""
        outcome = Outcome(self.name, self.seed)
        shutil.copytree(HERE / "host", self.folder / "host", ignore=shutil.ignore_patterns("__pycache__"))
        with self._surroundings() as kept:
            try:
                bare = self._run("bare", self._command())
                cassette = kept / "run.cassette"
                recorded = self._run("recorded", self._recorded(cassette))
            except Hangs as error:
                outcome.faults.append(str(error))
                self._end_strays()
                return outcome
            self._compare(bare, recorded, outcome)
            self._look(cassette, recorded, outcome)
        return outcome

    # -- running -----------------------------------------------------------------------------------------------------------

    def _command(self) -> list[str]:
        words = [str(self.python), "app.py", self.name, str(self.seed)]
        if self.scene.bounded and self._group() is not None:
            return ["sh", "-c", f'echo $$ > {self._group()}/cgroup.procs && exec "$@"', "sh", *words]
        return words

    def _recorded(self, cassette: Path) -> list[str]:
        words = [
            sys.executable,
            "-m",
            "tracer",
            "record",
            "-o",
            str(cassette),
            "--boundary",
            "depot",
            "--boundary",
            "till",
        ]
        if self.scene.summed:
            words += ["--detail-calls", str(self.detail_calls)]
        return [*words, *(["--timings"] if self.timings else []), "--", *self._command()]

    def _environment(self, which: str) -> dict[str, str]:
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("TRACER_", "PYTHON"))}
        environ |= {
            "FAULTS_WITNESS": str(self.folder / f"{which}.witness"),
            "FAULTS_READY": str(self.folder / f"{which}.ready"),
            "FAULTS_ERRORS": str(self.folder / f"{which}.errors"),
            "FAULTS_MARK": self.mark,
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": str(HERE.parents[1]),
            "PYTHONHASHSEED": "0",
            "TRACER_PURE": "1" if self.pure else "0",
        }
        if self.scene.bounded and self._group() is not None:
            environ["FAULTS_BOUNDED"] = "1"
        if self.name == "disk-killed":
            environ["FAULTS_KILLED"] = "1"
        if self.scene.jumping:
            environ["LD_PRELOAD"] = str(clock())
        return environ

    def _run(self, which: str, words: list[str]) -> Ran:
        output, told = self.folder / f"{which}.output", self.folder / f"{which}.told"
        with output.open("wb") as out, told.open("wb") as err:
            process = subprocess.Popen(
                words,
                cwd=self.folder / "host",
                env=self._environment(which),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
                preexec_fn=self._prepare,  # noqa: PLW1509  (no thread is there)
            )
            if self.scene.number:
                self._strike(process, which)
            try:
                code = process.wait(LIMIT)
            except subprocess.TimeoutExpired:
                raise Hangs(f"the {which} run hangs") from None
        errors = self.folder / f"{which}.errors"
        return Ran(
            128 - code if code < 0 else code,
            output.read_text("utf-8", "replace"),
            _ADDRESS.sub("0x", errors.read_text("utf-8", "replace")) if errors.exists() else "",
            told.read_text("utf-8", "replace"),
        )

    def _prepare(self) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started us in the background had it ignored
        if self.scene.unprivileged:
            _without_overrides()

    def _strike(self, process: subprocess.Popen[bytes], which: str) -> None:
        ready = self.folder / f"{which}.ready"
        until = time.monotonic() + LIMIT
        while not ready.exists():
            if process.poll() is not None or time.monotonic() > until:
                return
            time.sleep(0.002)
        time.sleep(self.delay)
        number, target = self.scene.number, self.scene.target
        with suppress(ProcessLookupError):
            if which == "bare" or target is Target.COMMAND:
                os.kill(int(ready.read_text("ascii")), number)
            elif target is Target.TRACER:
                process.send_signal(number)
            else:
                os.killpg(process.pid, number)

    # -- looking -----------------------------------------------------------------------------------------------------------

    def _compare(self, bare: Ran, recorded: Ran, outcome: Outcome) -> None:
        if self.scene.closed:
            if recorded.code != 2 or recorded.output or "Couldn't record" not in recorded.told:
                outcome.faults.append(f"a closed folder was not refused: {recorded.code} {recorded.told!r:.300}")
            return
        codes = {bare.code}
        if any(sign in recorded.told for sign in _TOLD_CLOSED):
            codes.add(2)  # nothing could be kept, and tracer says so
        if recorded.code not in codes:
            outcome.faults.append(f"exit code {recorded.code}, alone {bare.code}: {recorded.told!r:.400}")
        if recorded.output != bare.output:
            outcome.faults.append(f"output {recorded.output!r:.200}, alone {bare.output!r:.200}")
        if self.scene.same_errors and recorded.errors != bare.errors:
            outcome.faults.append(f"errors {recorded.errors!r:.600}, alone {bare.errors!r:.600}")
        if "Traceback" in recorded.told:
            outcome.faults.append(f"tracer shows a traceback: {recorded.told[-600:]!r}")

    def _look(self, cassette: Path, recorded: Ran, outcome: Outcome) -> None:
        self._look_for_strays(outcome)
        part = cassette.with_name(cassette.name + ".part")
        witness = self.folder / "recorded.witness"
        outcome.crossings = len(witnessed(witness)[1])
        told = recorded.told
        kept = cassette
        if not cassette.exists() and part.exists():
            kept = self._recover(part, outcome)
            outcome.recovered = True
        elif part.exists():
            outcome.faults.append("the folder of the journals is still there")
        for left in [path for path in cassette.parent.glob(".*") if path.suffix == ".tmp"]:
            outcome.faults.append(f"left behind: {left.name}")
        if not kept.exists():
            if any(sign in told for sign in _TOLD_CLOSED):
                outcome.end = "refused"
            elif outcome.crossings:
                outcome.faults.append(f"no cassette: {told!r:.500}")
            return
        try:
            verdict = judge(kept, witness)
        except Exception as error:
            outcome.faults.append(f"unreadable: {type(error).__name__}: {error}")
            return
        outcome.faults.extend(verdict.wrong)
        outcome.missing = verdict.missing
        outcome.end = "told" if verdict.missing else "whole"
        if verdict.missing > verdict.told and not verdict.unseen and _OUTLIVED not in told:
            outcome.faults.append(
                f"{verdict.missing} of {verdict.ended} crossings are missing, {verdict.told} are told: {told!r:.300}"
            )

    def _recover(self, part: Path, outcome: Outcome) -> Path:
        """Recover somewhere with room, as its user would."""
        place = self.folder / "recovered"
        place.mkdir()
        copied = place / part.name
        shutil.copytree(part, copied)
        copied.chmod(0o700)
        words = [sys.executable, "-m", "tracer", "recover", str(copied)]
        done = subprocess.run(
            words, env=self._environment("recover"), capture_output=True, text=True, timeout=LIMIT, check=False
        )
        if done.returncode and outcome.crossings and not self.scene.unreadable:
            outcome.faults.append(f"cannot be recovered: {done.stderr!r:.400}")
        return place / "run.cassette"

    def _look_for_strays(self, outcome: Outcome) -> None:
        until = time.monotonic() + self.scene.lasting
        while (left := self._strays()) and time.monotonic() < until:
            time.sleep(0.05)
        if left and self.scene.target is not Target.GROUP:
            outcome.faults.append(f"{len(left)} processes are left behind")
        self._end_strays()

    def _strays(self) -> list[int]:
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if self.mark.encode() in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
        return found

    def _end_strays(self) -> None:
        for pid in self._strays():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    # -- surroundings ------------------------------------------------------------------------------------------------------

    def _group(self) -> Path | None:
        return _GROUPS / f"faults-{self.mark}" if os.access(_GROUPS, os.W_OK) else None

    @contextmanager
    def _surroundings(self) -> Iterator[Path]:
        """Prepare where the cassette is to lie, and give it."""
        place = self.folder / "kept"
        place.mkdir()
        group = self._group() if self.scene.bounded else None
        if group is not None:
            group.mkdir()
            (group / "memory.limit_in_bytes").write_text(str(96 << 20), encoding="ascii")
        if self.scene.disk:
            _mount(place, self.room)
        if self.scene.closed:
            place.chmod(0o500)
        try:
            yield place
        finally:
            place.chmod(0o700)
            for folder in place.glob("*.part*"):
                folder.chmod(0o700)
            if self.scene.disk:
                subprocess.run(["umount", str(place)], check=True)
            if group is not None:
                for _ in range(100):  # until the kernel has let go of the last process
                    with suppress(OSError):
                        group.rmdir()
                        break
                    time.sleep(0.02)


def can_mount() -> bool:
    """Say whether a small file system can be mounted here."""
    return os.geteuid() == 0 and shutil.which("mount") is not None and _can_mount()


def _can_mount() -> bool:
    place = Path(f"/tmp/faults-mount-{os.getpid()}")
    place.mkdir()
    try:
        _mount(place, 100)
        subprocess.run(["umount", str(place)], check=True)
    except subprocess.CalledProcessError:
        return False
    finally:
        place.rmdir()
    return True


def _mount(place: Path, kibibytes: int) -> None:
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={kibibytes}k", "tmpfs", str(place)], check=True, capture_output=True
    )


def _without_overrides() -> None:
    if os.geteuid() == 0:
        library = ctypes.CDLL(None)
        for capability in _OVERRIDES:
            library.prctl(_DROP_CAPABILITY, capability, 0, 0, 0)


def clock() -> Path:
    """Return the library that makes clocks jump, built when it is missing."""
    built = HERE.parents[1] / ".cache" / "faults-clock.so"
    if not built.exists() or built.stat().st_mtime < (HERE / "clock.c").stat().st_mtime:
        built.parent.mkdir(exist_ok=True)
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", str(built), str(HERE / "clock.c")], check=True)
    return built
