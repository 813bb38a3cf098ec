"""Which recordings tests use: noted while they run, kept in local state, judged by `tracer prune`."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from tracer.errors import CassetteError, ReviewError
from tracer.report.sentences import counted
from tracer.review.usage import SUFFIX, Usage, UsageList, digest_of, dump, load
from tracer.storage import store
from tracer.storage.reader import open_cassette
from tracer.workflows import common

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tracer.config import Config

_FOLDER = "usage"
_MOST_KEPT = 200
_RUN_AGAIN = "Run all tests, or give the lists of the other runs too: tracer prune LIST..."

_noted: dict[str, set[Path]] = {}
"""The cassettes that tests of this process opened, by test."""


def note_use(cassette: Path, config: Config) -> None:
    """Note that the running test uses a cassette. A process that a test started keeps a list of its own."""
    test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" (")[0]
    if not test or cassette in _noted.setdefault(test, set()):
        return
    _noted[test].add(cassette)
    plugin = sys.modules.get("tracer.pytest_plugin")
    if plugin is None or plugin.pid != os.getpid():
        process = f"child-{os.getpid()}"
        usage = UsageList(run=f"{process}-{os.urandom(4).hex()}", process=process, used=_relative(config.root, _noted))
        _write(usage, f"{process}{SUFFIX}", config)


def noted() -> bool:
    """Whether a test of this process used a cassette."""
    return bool(_noted)


def usage_folder(config: Config) -> Path:
    """Return where the lists of test runs here lie."""
    return config.root / common.LOCAL / _FOLDER


def keep_usage(usage: UsageList, config: Config, tests: Iterable[str]) -> None:
    """Keep the list of one process of a test run, all of whose tests are `tests`.

    What is skipped is given with the names of its own cassettes; what it used in an earlier run is used still.
    """
    root, names, hide = config.root, list(tests), common.secrets_of(config).name
    skipped = {name: _start(cassette, config) for name, cassette in usage.skipped.items()}
    known = {hide(name) for name in skipped}
    used = _relative(root, _noted)
    for earlier in _read(usage_folder(config)):
        for test, cassettes in earlier.used.items():
            if test in known or test.partition("::")[0] in known:
                used[test] = tuple(dict.fromkeys((*used.get(test, ()), *cassettes)))
    present = [_relative_to(root, path) for path in store.list_cassettes(config.cassette_folder)]
    whole = usage.ran is not None and len({*usage.ran, *(name for name in skipped if "::" in name)}) >= len(names)
    usage = replace(
        usage,
        ran=None if whole else usage.ran,
        collected=len(names),
        digest=digest_of(map(hide, names)),
        skipped=skipped,
        used=used,
        present=tuple(present),
        files={
            file: digest for file in {name.partition("::")[0] for name in names} if (digest := _digest(root / file))
        },
    )
    _write(usage, f"{usage.run}-{usage.process}{SUFFIX}", config)


def _write(usage: UsageList, name: str, config: Config) -> None:
    """Keep a list, in which tests with a secret in their parameters go by their names without it."""
    hide = common.secrets_of(config).name
    usage = replace(
        usage,
        partial=tuple(map(hide, usage.partial)),
        narrowed=tuple(map(hide, usage.narrowed)),
        ran=None if usage.ran is None else tuple(map(hide, usage.ran)),
        skipped={hide(test): hide(names) for test, names in usage.skipped.items()},
        used={hide(test): cassettes for test, cassettes in usage.used.items()},
    )
    common.write_local(config, f"{_FOLDER}/{name}", dump(usage))


def end_run(run: str, began: float, config: Config) -> tuple[str, ...]:
    """End a test run here: a whole one makes the lists of earlier ones worthless. Return the cassettes that no test used, if it was whole."""
    folder = usage_folder(config)
    mine = [
        path for path in folder.glob(f"*{SUFFIX}") if path.stat().st_mtime >= began or path.name.startswith(f"{run}-")
    ]
    usage = Usage([load(path) for path in mine])
    if not usage.whole:
        for path in sorted(folder.glob(f"*{SUFFIX}"), key=lambda path: path.stat().st_mtime)[:-_MOST_KEPT]:
            path.unlink(missing_ok=True)
        return ()
    for path in folder.glob(f"*{SUFFIX}"):
        if path not in mine:
            path.unlink(missing_ok=True)
    return tuple(str(path) for path in _prunable(usage, config, config.cassette_folder))


def unused_now(config: Config) -> frozenset[Path]:
    """Return the cassettes that no test used, as far as the lists here can tell: none where they cannot."""
    try:
        usage = _judged(_read(usage_folder(config)), config)
    except ReviewError:
        return frozenset()
    return frozenset(_prunable(usage, config, config.cassette_folder))


def prune(words: Sequence[Path], *, dry_run: bool = False) -> Iterator[str]:
    """Delete the recordings that no test used, with all that lies beside each; yield a sentence for each.

    `words` are usage lists, folders of them, and at most one folder of cassettes. Without lists, those of the runs here count.

    Raises:
        ReviewError: it cannot be known which are unused, and why.
    """
    config = common.settings()
    given, folders = _sorted(words)
    lists = [load(path) for path in given] if given else _read(usage_folder(config))
    if len(folders) > 1:
        raise ReviewError("prune", "more than one folder of cassettes was given", "Name one, and usage lists.")
    usage = _judged(lists, config)
    found = _prunable(usage, config, folders[0] if folders else config.cassette_folder)
    for cassette in found:
        if not dry_run:
            for path in store.belongings(cassette):
                path.unlink(missing_ok=True)
            _remove_empty(cassette.parent, config.cassette_folder)
        yield f"{'unused' if dry_run else 'deleted'}: {_shown(cassette)}"
    verb = "would be deleted" if dry_run else "deleted"
    yield f"{counted(len(found), 'unused cassette')} {verb}." if found else "No cassette is unused."


def _sorted(words: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Return the usage lists and the other folders among some paths."""
    lists: list[Path] = []
    folders: list[Path] = []
    for word in words:
        inside = sorted(word.rglob(f"*{SUFFIX}")) if word.is_dir() else []
        if inside or not word.is_dir():
            lists += inside or [word]
        else:
            folders.append(word)
    return lists, folders


def _read(folder: Path) -> list[UsageList]:
    return [load(path) for path in sorted(folder.glob(f"*{SUFFIX}"))]


def _judged(lists: Sequence[UsageList], config: Config) -> Usage:
    """Return lists as one usage that can be judged by.

    Raises:
        ReviewError: they do not tell of all tests, or of tests that are others now.
    """
    usage = Usage(lists)
    action = "tell which cassettes are unused"
    if not usage.whole:
        raise ReviewError(action, usage.reason, _RUN_AGAIN)
    changed = sorted(file for file, digest in usage.files.items() if _digest(config.root / file) != digest)
    if changed:
        raise ReviewError(action, f"{changed[0]} is not what it was when the tests ran", "Run all tests again.")
    return usage


def _prunable(usage: Usage, config: Config, folder: Path) -> list[Path]:
    """Return the unused cassettes below a folder that `tracer.cassette` made; what a command recorded is never unused."""
    top = folder.resolve()
    paths = [config.root / name for name in usage.unused()]
    return [path for path in paths if path.is_file() and path.resolve().is_relative_to(top) and _is_of_tests(path)]


def _is_of_tests(path: Path) -> bool:
    try:
        with open_cassette(path) as cassette:
            return cassette.recording.block
    except CassetteError:
        return False


def _start(name: str, config: Config) -> str:
    """Return how the paths of a test's own cassettes begin, given their name; with a slash at the end those of a file of tests."""
    folder, name = config.cassette_folder, common.secrets_of(config).name(name)
    if name.endswith("/"):
        return _relative_to(config.root, common.cassette_path(f"{name}x", folder).parent) + "/"
    return _relative_to(config.root, common.cassette_path(name, folder).with_suffix(""))


def _relative(root: Path, used: Mapping[str, set[Path]]) -> dict[str, tuple[str, ...]]:
    return {test: tuple(sorted(_relative_to(root, path) for path in paths)) for test, paths in used.items()}


def _relative_to(root: Path, path: Path) -> str:
    return Path(os.path.relpath(path, root)).as_posix()


def _digest(path: Path) -> str:
    try:
        return blake2b(path.read_bytes(), digest_size=8).hexdigest()
    except OSError:
        return ""


def _shown(path: Path) -> str:
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def _remove_empty(folder: Path, top: Path) -> None:
    """Remove a folder that pruning emptied, and those around it, below the cassette folder."""
    while folder != top and folder.is_relative_to(top) and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
