"""Accepted changes, and the file they are kept in: one line of TOML each, sorted, so that merges go line by line."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date, datetime
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final

from tracer.compare.stamps import condensed
from tracer.config import parse_toml
from tracer.errors import ConfigError, ReviewError
from tracer.storage.regular import open_regular
from tracer.storage.store import replacing

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tracer.compare.result import Finding

_HEAD: Final = (
    "# Changes that were accepted. A line hides one change as long as it is the same; remove it, and the change is told again.",
)
_MARKERS: Final = ("<<<<<<<", "|||||||", "=======", ">>>>>>>")
_LARGEST: Final = 16 << 20
_KEY: Final = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Acceptance:
    """One change that someone accepted.

    `key` is that of the finding, `changes` are the stamps it had; `before` and `after` are for the reader. `until` is the last day
    on which it holds.
    """

    key: str
    callable: str
    kind: str
    path: str
    before: str
    after: str
    changes: tuple[str, ...]
    reason: str = ""
    by: str = ""
    until: date | None = None

    def covers(self, finding: Finding) -> bool:
        """Whether a finding is what was accepted, or part of it."""
        if finding.key != self.key:
            return False
        return set(finding.changes) <= set(self.changes) or condensed(finding.changes) == self.changes

    def ended(self, today: date) -> bool:
        """Whether it does not hold any more."""
        return self.until is not None and self.until < today


@dataclass(frozen=True, slots=True)
class _Line:
    """One acceptance as it stands in the file, with the comments above it."""

    acceptance: Acceptance
    text: str
    comments: tuple[str, ...] = ()


def load(path: Path) -> tuple[Acceptance, ...]:
    """Return the accepted changes a file holds; none where there is no file.

    Raises:
        ReviewError: the file cannot be read, or a line of it; the line is named.
    """
    return tuple(line.acceptance for line in _read(path)[1])


def add(path: Path, accepted: Iterable[Acceptance]) -> None:
    """Write accepted changes into a file, in one step, each in place of what was accepted under its key before.

    Other lines stay as they are.

    Raises:
        ReviewError: what is there cannot be read.
        CassetteError: the folder cannot be written.
    """
    head, lines = _read(path)
    new = {each.key: _Line(each, dump(each)) for each in accepted}
    kept = [line for line in lines if line.acceptance.key not in new]
    ordered = sorted((*kept, *new.values()), key=lambda line: (line.acceptance.key, line.text))
    texts = [*head, *(text for line in ordered for text in (*line.comments, line.text))]
    with replacing(path) as stream:
        stream.write("\n".join((*texts, "")).encode())


def dump(accepted: Acceptance) -> str:
    """Return an acceptance as a line of TOML, what people read first."""
    told = {name: getattr(accepted, name) for name in ("callable", "kind", "path", "before", "after", "reason", "by")}
    fields = [f"{name} = {json.dumps(text, ensure_ascii=False)}" for name, text in told.items() if text]
    if accepted.until is not None:
        fields.append(f"until = {accepted.until.isoformat()}")
    fields.append(f"changes = {json.dumps(list(accepted.changes))}")
    return f"{accepted.key} = {{ {', '.join(fields)} }}"


def _read(path: Path) -> tuple[tuple[str, ...], list[_Line]]:
    """Return the comments at the top of a file, up to the first blank or other line, and its acceptances."""
    try:
        with open_regular(path) as stream:
            content = stream.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise _unreadable(path, f"it has more than {_LARGEST >> 20} MiB")
        texts = content.decode("utf-8").splitlines()
    except FileNotFoundError:
        return _HEAD, []
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, getattr(error, "strerror", None) or "it is not UTF-8") from error
    head = tuple(takewhile(lambda text: text.startswith("#"), texts))[: len(_HEAD)]
    lines: list[_Line] = []
    comments: list[str] = []
    for number, text in enumerate(texts[len(head) :], start=len(head) + 1):
        if not text.strip() or text.lstrip().startswith("#"):
            comments.append(text)
        else:
            lines.append(_Line(_parsed(path, number, text), text, tuple(comments)))
            comments.clear()
    return head, lines


def _unreadable(path: Path, cause: str) -> ReviewError:
    return ReviewError(f"read the accepted changes {str(path)!r}", cause, "Restore it from version control.")


def _parsed(path: Path, number: int, text: str) -> Acceptance:
    if text.startswith(_MARKERS):
        raise ReviewError(
            f"read the accepted changes {str(path)!r}",
            f"line {number} is the marker of a merge that was not finished",
            "Keep the lines of both sides and remove the markers.",
        )
    try:
        ((key, fields),) = parse_toml(text, str(path)).items()
        return _acceptance(key, fields)
    except (ConfigError, ValueError, TypeError, KeyError) as error:
        raise ReviewError(
            f"read the accepted changes {str(path)!r}",
            f"line {number} is none: {_why(error)}",
            "Remove the line, then accept the change again.",
        ) from error


def _why(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"it has no {error.args[0]!r}"
    told = error.cause if isinstance(error, ConfigError) else str(error)
    return told.partition(" (at line")[0] or "it cannot be read"


def _acceptance(key: str, fields: Any) -> Acceptance:
    if not _KEY.fullmatch(key) or not isinstance(fields, dict):
        raise ValueError(f"{key!r} is no key of a finding with a table")
    texts = {name: fields.get(name, "") for name in ("path", "before", "after", "reason", "by")}
    texts |= {name: fields[name] for name in ("callable", "kind")}
    for name, text in texts.items():
        if not isinstance(text, str):
            raise TypeError(f"its {name} is no text")
    changes, until = fields["changes"], fields.get("until")
    if not isinstance(changes, list) or not all(isinstance(each, str) for each in changes):
        raise TypeError("its changes are no list of texts")
    if until is not None and (not isinstance(until, date) or isinstance(until, datetime)):
        raise TypeError("its until is no date, as in 2027-01-31")
    return Acceptance(key=key, changes=tuple(changes), until=until, **texts)
