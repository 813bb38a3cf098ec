"""Absolute paths that differ from machine to machine and from run to run, made the same.

A path below the project becomes `<project>/...`, one below the temporary folder `<tmp>/...`, one below pytest's base folder
`<tmp>/pytest/...`, one below the folder a recording is being written to `<recording>/...` (its name is in the environment), wherever it stands in a text, as whole components: `/tmpfile` and `/srv/tmp/x` stay.
Below the temporary folder two kinds of random names are known:

    pytest-of-USER/pytest-N   becomes `pytest`, an xdist worker's `popen-gwN` below it goes
    tmpXXXXXXXX               (as `tempfile` makes them: tmp and eight of a-z, 0-9, _) becomes `tmp*`, a suffix stays

A temporary name with a prefix of the program's own cannot be told from a meaningful one, and stays.
"""

from __future__ import annotations

import os
import re
import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# A root begins a path: not after a path character, unless that is the // of a URL. It ends at a component's end.
_BEFORE = r"(?:(?<=://)|(?<![\w.\-/~]))"
_AFTER = r"(?![\w\-]|\.\w)"
_PYTEST = r"/pytest-of-[^/\s]+/pytest-(?:\d+|current)(?![\w\-])"
_WORKER = r"(?:/popen-gw\d+(?![\w\-]))?"
_RANDOM = re.compile(r"/tmp[a-z0-9_]{8}(?![\w\-])")  # noqa: S108  (a pattern, no file)

_ANY = "/tmp*"  # noqa: S108  (a replacement, no file)


class PathNormaliser:
    """Rewrites paths below known roots. Roots are absolute; each counts as given and with its links resolved.

    `needles` are the roots as bytes: encoded texts that hold none of them need no look.
    """

    def __init__(
        self, project: str | None = None, temporary: Iterable[str] | None = None, recording: str | None = None
    ) -> None:
        self._project = _spellings([project] if project else [])
        self._recording = _spellings([recording] if recording else [])
        self._temporary = _spellings([tempfile.gettempdir()] if temporary is None else temporary)
        self._basetemp: tuple[str, ...] = ()
        self._compile()

    def set_basetemp(self, folder: str) -> None:
        """Tell pytest's base temporary folder, once it is known."""
        self._basetemp = _spellings([folder])
        self._compile()

    def found(self, data: bytes) -> bool:
        """Say whether encoded bytes may hold a path to rewrite. A few C searches."""
        return any(root in data for root in self.needles)

    def text(self, text: str) -> str:
        """Return the text with its paths rewritten."""
        return self._pattern.sub(self._replace, text)

    def _compile(self) -> None:
        kinds = {**dict.fromkeys(self._temporary, "tmp"), **dict.fromkeys(self._basetemp, "pytest")}
        kinds.update(dict.fromkeys(self._project, "project"))
        kinds.update(dict.fromkeys(self._recording, "recording"))
        # The longest first: a project inside the temporary folder is the project.
        roots = sorted(kinds, key=lambda root: (-len(root), root))
        branches = [re.escape(root) + (f"(?:{_PYTEST})?" if kinds[root] == "tmp" else "") for root in roots]
        body = "|".join(branches) if branches else r"(?!)"
        self._kinds = kinds
        self._roots = roots
        self.needles = [os.fsencode(root) for root in roots]
        self._pattern = re.compile(f"{_BEFORE}({body}){_AFTER}({_WORKER})((?:/[^/\\s\"'<>|:;,]+)*)")

    def _replace(self, match: re.Match[str]) -> str:
        start, worker, rest = match.groups()
        root = next(root for root in self._roots if start.startswith(root))
        kind = self._kinds[root]
        if kind in {"project", "recording"}:
            return f"<{kind}>{worker}{rest}"
        inside_pytest = kind == "pytest" or start != root
        middle = "/pytest" if inside_pytest else worker
        return f"<tmp>{middle}{_RANDOM.sub(_ANY, rest)}"


class PathRestorer:
    """The way back: puts folders of this machine where `PathNormaliser` left its marks.

    `roots` gives a folder for each kind, `project`, `tmp` and `recording`; a kind without one stays as it is. A mark counts where it
    is the whole text or a path goes on after it. What was random in a name below the temporary folder stays `*`.
    """

    def __init__(self, roots: Mapping[str, str]) -> None:
        self._roots = dict(roots)
        kinds = "|".join(map(re.escape, self._roots)) or r"(?!)"
        self._pattern = re.compile(f"<({kinds})>(?=/)|\\A<({kinds})>\\Z")

    def text(self, text: str) -> str:
        """Return the text with its paths those of this machine."""
        if not self._roots or "<" not in text:
            return text
        return self._pattern.sub(lambda match: self._roots[match[1] or match[2]], text)


def _spellings(folders: Iterable[str]) -> tuple[str, ...]:
    """Return each folder as given and resolved, without trailing separators; the root of the file system is none."""
    found: dict[str, None] = {}
    for folder in folders:
        for spelling in (os.path.abspath(folder), os.path.realpath(folder)):  # noqa: PTH100  (text, not a Path)
            if spelling != os.sep:
                found[spelling] = None
    return tuple(found)
