"""A repository with a small shop in it, and comparisons of its revisions in real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

from tests.helpers import Project, clean_environment

if TYPE_CHECKING:
    from tests.helpers import Completed

OLD_TAX = "def vat(amount): return amount * 2\n"
NEW_TAX = "def vat(amount): return amount * 3\n"
CART = "from shop.tax import vat\ndef total(): return vat(3)\n"
MAIN = "from shop.cart import total\nprint(total())\n"
FLAT = {
    "pyproject.toml": "",
    "shop/__init__.py": "",
    "shop/tax.py": OLD_TAX,
    "shop/cart.py": CART,
    "shop/__main__.py": MAIN,
}
RUN = ("--", "python", "-m", "shop")


def below(folder: str, files: dict[str, str]) -> dict[str, str]:
    """The same files, those of packages below a folder."""
    return {name if "/" not in name else f"{folder}/{name}": text for name, text in files.items()}


def compared(project: Project, *words: str, env: dict[str, str] | None = None) -> tuple[Completed, dict[str, Any]]:
    """Compare in a process of its own with a temporary folder of its own; return what it said, and its report."""
    scratch = temporary(project)
    environment = {"TMPDIR": str(scratch), "PATH": path_with(sys.executable), **(env or {})}
    done = project.tracer("diff", "--format", "json", *words, env=environment)
    return done, json.loads(done.stdout) if done.stdout else {}


def path_with(program: str) -> str:
    return f"{Path(program).parent}{os.pathsep}{os.environ['PATH']}"


def temporary(project: Project) -> Path:
    folder = project.folder.parent / "scratch"
    folder.mkdir(exist_ok=True)
    return folder


def changed(report: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {each["callable"]: (each["before"], each["after"]) for each in report["findings"]}


def left_over(project: Project) -> list[str]:
    """What a comparison left behind: worktrees but the first, temporary folders."""
    listed = project.run("git", "worktree", "list").stdout.splitlines()[1:]
    return [*listed, *(path.name for path in temporary(project).iterdir())]


@dataclass(frozen=True)
class Environment:
    """A Python environment in a folder, with nothing in it but what a test puts there."""

    folder: Path

    @property
    def python(self) -> str:
        return str(self.folder / "bin" / "python")

    @property
    def path(self) -> dict[str, str]:
        """The variable that makes this environment the active one."""
        return {"PATH": path_with(self.python)}

    def hold(self, files: dict[str, str]) -> None:
        """Put files into its packages in place of those that were put there before."""
        packages = next(self.folder.glob("lib/python3*/site-packages"))
        for path in packages.iterdir():
            path.unlink()
        for name, text in files.items():
            packages.joinpath(name).write_text(dedent(text), encoding="utf-8")


def make_environment(folder: Path) -> Environment:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, env=clean_environment())
    return Environment(folder)
