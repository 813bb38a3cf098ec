"""What was decided about the recordings that wait: accepted beside the cassette, rejected in local state that git ignores."""

from __future__ import annotations

import json
import os
import subprocess
from functools import cache
from typing import TYPE_CHECKING

from tracer.report.contrast import windows
from tracer.report.safe import clip, plain
from tracer.review.acceptances import Acceptance, add
from tracer.storage.store import accepted_path
from tracer.workflows import common

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date
    from pathlib import Path

    from tracer.compare.result import Finding
    from tracer.config import Config

_REJECTED = "rejected.json"
_VALUE = 120
_REASON = 400


def accept_findings(
    cassette: Path, findings: Iterable[Finding], *, reason: str = "", until: date | None = None
) -> None:
    """Write findings down as accepted beside their cassette.

    Raises:
        TracerError: what is written there cannot be read, or the folder not be written.
    """
    who = _user()
    add(accepted_path(cassette), [_acceptance(finding, reason, who, until) for finding in findings])


def _acceptance(finding: Finding, reason: str, who: str, until: date | None) -> Acceptance:
    before, after = map(str, windows(plain(finding.before), plain(finding.after), _VALUE))
    return Acceptance(
        key=finding.key,
        callable=plain(finding.callable),
        kind=finding.kind.value,
        path=clip(plain(finding.path), _VALUE),
        before=before,
        after=after,
        changes=finding.changes,
        reason=clip(plain(reason), _REASON),
        by=who,
        until=until,
    )


@cache
def _user() -> str:
    """Return the name that git knows its user by; empty where it knows none."""
    try:
        done = subprocess.run(["git", "config", "user.name"], capture_output=True, text=True, check=False)  # noqa: S607
    except (OSError, UnicodeDecodeError):
        return os.environ.get("GIT_AUTHOR_NAME", "")
    return plain(done.stdout.strip() or os.environ.get("GIT_AUTHOR_NAME", ""))


class Rejections:
    """Findings that were rejected here while others of the same recording are still undecided, by cassette."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def of(self, cassette: Path, findings: Iterable[Finding]) -> frozenset[str]:
        """Return the keys of those findings that were rejected as they are."""
        known = self._known().get(str(cassette.resolve()), {})
        return frozenset(finding.key for finding in findings if known.get(finding.key) == list(finding.changes))

    def add(self, cassette: Path, finding: Finding) -> None:
        """Remember that a finding was rejected."""
        known = self._known()
        known.setdefault(str(cassette.resolve()), {})[finding.key] = list(finding.changes)
        self._write(known)

    def forget(self, cassette: Path) -> None:
        """Forget what was rejected of a cassette."""
        known = self._known()
        if known.pop(str(cassette.resolve()), None) is not None:
            self._write(known)

    def _known(self) -> dict[str, dict[str, list[str]]]:
        try:
            known = json.loads((self._config.root / common.LOCAL / _REJECTED).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return {name: keys for name, keys in known.items() if isinstance(keys, dict)} if isinstance(known, dict) else {}

    def _write(self, known: dict[str, dict[str, list[str]]]) -> None:
        common.write_local(self._config, _REJECTED, json.dumps(known, indent=1, sort_keys=True))
