"""A repository with a small shop in it, and comparisons of its revisions in real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
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


def environment_of(folder: Path, pth: str) -> str:
    """Make an environment whose installed project is what a `.pth` file points to; return its Python."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, env=clean_environment())
    site_packages(folder).joinpath("shop.pth").write_text(pth, encoding="utf-8")
    return str(folder / "bin" / "python")


def site_packages(environment: Path) -> Path:
    return next(environment.glob("lib/python3*/site-packages"))
