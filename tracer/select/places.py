"""Where in the project's files a callable is defined. Files are parsed, never imported or run."""

from __future__ import annotations

import ast
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

    Definition: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef

_FOLDERS: Final = ("", "src", "lib", "python")
_LARGEST: Final = 4 * 1024 * 1024
_UNPARSABLE: Final = (SyntaxError, ValueError, RecursionError, MemoryError, OSError)


class Places:
    """Finds definitions below the folder of a project.

    What is asked for may come from a stranger's cassette: nothing outside the project is looked at, and of a file only line numbers
    are told.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._top = next(
            (folder for folder in (self._root, *self._root.parents) if (folder / ".git").exists()), self._root
        )
        self._lines = lru_cache(maxsize=64)(_lines)

    def find(self, file: str, qualname: str) -> tuple[str, int] | None:
        """Return the file relative to the repository, with slashes, and the line of the definition, 0 where it is not in it.

        `file` is relative to the folder its package lies in, as recordings have it. None where the project has no such file.
        Without a repository the file is relative to the project.
        """
        path = self._path(file)
        if path is None:
            return None
        lines = self._lines(path)
        around = qualname.rpartition(".")[0]  # a generated method has no definition of its own, its class has
        return path.relative_to(self._top).as_posix(), lines.get(qualname) or lines.get(around, 0)

    def _path(self, file: str) -> Path | None:
        parts = PurePosixPath(file).parts
        if not parts or "\0" in file or ".." in parts or not file.endswith(".py"):
            return None
        for folder in _FOLDERS:
            path = self._root.joinpath(folder, *parts)
            if path.is_file() and path.resolve().is_relative_to(self._root):
                return path
        return None


def _lines(path: Path) -> dict[str, int]:
    """Return the line of each definition in a file by qualified name, the last of several of one name, the others as `name#2`."""
    try:
        if path.stat().st_size > _LARGEST:
            return {}
        tree = ast.parse(path.read_bytes())
    except _UNPARSABLE:
        return {}
    found: dict[str, list[int]] = {}
    for qualname, line in _definitions(tree, ""):
        found.setdefault(qualname, []).append(line)
    lines = {}
    for qualname, known in found.items():
        owner, *others = [known[-1], *known[:-1]]
        lines[qualname] = owner
        lines |= {f"{qualname}#{number}": line for number, line in enumerate(others, 2)}
    return lines


def _definitions(tree: ast.AST, prefix: str) -> Iterator[tuple[str, int]]:
    pending: list[tuple[ast.AST, str]] = [(tree, prefix)]
    while pending:
        node, prefix = pending.pop()
        inner = prefix
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield prefix + node.name, node.lineno
            inner = f"{prefix}{node.name}.<locals>."
        elif isinstance(node, ast.ClassDef):
            yield prefix + node.name, node.lineno
            inner = f"{prefix}{node.name}."
        pending += [(child, inner) for child in reversed(list(ast.iter_child_nodes(node)))]
