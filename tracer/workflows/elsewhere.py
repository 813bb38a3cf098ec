"""Running a command in another checkout of a repository as it would run here: its words, its path of modules, its environment."""

from __future__ import annotations

import os
import signal
import subprocess
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tracer.errors import ComparisonError
from tracer.select.project import find_root, import_folders

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_SHELL: Final = "/bin/sh"
_ENVIRONMENT: Final = ".venv"
_LAST_LINES: Final = 10
_GRACE_SECONDS: Final = 3.0


@dataclass(frozen=True, slots=True)
class Checkout:
    """Another checkout: `tree` of what `top` is here; `folder` and `here` are one place in the two."""

    tree: Path
    top: Path
    folder: Path
    here: Path

    def words(self, command: Sequence[str]) -> tuple[str, ...]:
        """Return a command with the files of the working tree exchanged for the checkout's own, where it has them.

        A program named by a path from here (`.venv/bin/python`) stays the one that it is here, unless the checkout has one there.
        """
        program, *rest = command
        if "/" in program and not Path(program).is_absolute() and not (self.folder / program).exists():
            program = str(self.here / program)
        return tuple(self._moved(word) for word in (program, *rest))

    def environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return an environment in which the checkout's own modules are found first, with its `.venv` where it has one."""
        found = {**environ, "PWD": str(self.folder), "PYTHONPATH": search_path(environ, self.folder, self._moved)}
        homes = (folder / _ENVIRONMENT for folder in (self.folder, find_root(self.folder), self.tree))
        home = next((home for home in homes if (home / "bin").is_dir()), None)
        if home is not None:
            found |= {"VIRTUAL_ENV": str(home), "PATH": _joined(str(home / "bin"), environ.get("PATH", os.defpath))}
            found.pop("PYTHONHOME", None)
        return found

    def _moved(self, word: str) -> str:
        option, equals, value = word.rpartition("=")
        path = Path(value)
        if not path.is_absolute() or not path.is_relative_to(self.top):
            return word
        moved = self.tree / path.relative_to(self.top)
        return f"{option}{equals}{moved}" if moved.exists() else word

    def set_up(self, command: str, commit: str, environ: Mapping[str, str], tell: Callable[[str], object]) -> None:
        """Run a shell command that makes the checkout ready.

        It runs in `folder`, without the active environment's name, so that tools make or use one there. `TRACER_BASE` names the
        checkout, `TRACER_BASE_COMMIT` its commit, `TRACER_WORKING_TREE` the working tree.

        Raises:
            ComparisonError: it fails; its last lines were told.
        """
        told = {
            "TRACER_BASE": str(self.tree),
            "TRACER_BASE_COMMIT": commit,
            "TRACER_WORKING_TREE": str(self.top),
            "PWD": str(self.folder),
        }
        own = {name: value for name, value in environ.items() if name != "VIRTUAL_ENV"}
        code, last = _run_quietly([_SHELL, "-c", command], self.folder, {**own, **told})
        if code:
            for line in last:
                tell(f"setup: {line}")
            raise ComparisonError(
                f"set up {commit[:12]}",
                f"the setup command exited with {code}"
                if code > 0
                else f"the setup command was ended by signal {-code}",
                "Its last lines stand above." if last else "It said nothing.",
            )


def search_path(environ: Mapping[str, str], folder: Path, moved: Callable[[str], str] = str) -> str:
    """Return PYTHONPATH with the folders first that hold the modules of the project that `folder` lies in.

    They come before what an installation of the project points to. What was on it before is still, `moved`.
    """
    before = [moved(entry) for entry in environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    return _joined(*map(str, import_folders(find_root(folder))), *before)


def _joined(*parts: str) -> str:
    return os.pathsep.join(dict.fromkeys(parts))


def _run_quietly(words: Sequence[str], folder: Path, environ: Mapping[str, str]) -> tuple[int, tuple[str, ...]]:
    """Run a program; return its exit code and the last lines it wrote. It ends with us."""
    last: deque[str] = deque(maxlen=_LAST_LINES)
    with subprocess.Popen(  # noqa: S603  (the user's own command)
        words,
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        try:
            last.extend(line.rstrip() for line in process.stdout if line.strip())
        except BaseException:
            _end(process)
            raise
    return process.returncode, tuple(last)


def _end(process: subprocess.Popen[str]) -> None:
    """End a program that leads a session, and what it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_SECONDS)
        os.killpg(process.pid, signal.SIGKILL)
