"""Children of a block that is recorded: the environment in which a Python records too, there only while one is being started."""

from __future__ import annotations

import os
from pathlib import Path
from threading import RLock
from typing import Final

from tracer.recording.settings import ENVIRONMENT

BOOTSTRAP: Final = Path(__file__).with_name("bootstrap")
"""The folder whose `sitecustomize` starts the recorder."""

_environ: Final = os.environ  # held at import: the host may put another one in its place while it runs


class Following:
    """Hands the settings to children. The host's environment is as it was before and after each start of a child.

    Children get it where they inherit the environment; one that is given an environment of its own is not followed.
    """

    def __init__(self, settings_file: str) -> None:
        self._added = {ENVIRONMENT: settings_file}
        self._before: dict[str, str | None] = {}
        self._starting = 0
        self._turn = RLock()

    def begin(self) -> bool:
        """Let children inherit from now on; False where those of somebody else's recording do."""
        with self._turn:
            if not self._starting:
                if ENVIRONMENT in _environ:
                    return False
                above = _environ.get("PYTHONPATH")
                self._before = {ENVIRONMENT: None, "PYTHONPATH": above}
                self._added["PYTHONPATH"] = os.pathsep.join(part for part in (str(BOOTSTRAP), above) if part)
                _environ.update(self._added)
            self._starting += 1
        return True

    def end(self) -> None:
        """Take back what `begin` did, once for each time that it returned True."""
        with self._turn:
            self._starting -= 1
            if not self._starting:
                self._restore()

    def forked(self) -> None:
        """Take everything back in a child, which goes on with a recorder of its own."""
        self._turn = RLock()  # a thread that the child does not have may hold it
        if self._starting:
            self._starting = 0
            self._restore()

    def _restore(self) -> None:
        for name, value in self._before.items():
            if _environ.get(name) != self._added[name]:
                continue  # the host's since
            if value is None:
                del _environ[name]
            else:
                _environ[name] = value
