"""Comparing the working tree with a git revision: the same command recorded at both."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tracer.errors import ComparisonError, ConfigError, RecordingError
from tracer.workflows import common
from tracer.workflows.ambient import with_ambient
from tracer.workflows.base_cache import BaseCache, base_key
from tracer.workflows.comparing import with_notes
from tracer.workflows.confirming import diff_take
from tracer.workflows.elsewhere import Checkout, search_path
from tracer.workflows.recording import Take, record_runs
from tracer.workflows.repository import Repository, clean_environment, find_repository
from tracer.workflows.stopping import leave, stoppable
from tracer.workflows.terms import PLAIN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tracer.compare.result import Comparison
    from tracer.config import Config
    from tracer.workflows.terms import Terms


@dataclass(frozen=True, slots=True)
class Base:
    """What is compared with: a revision as the user names it, a shell command that makes it ready, and whether to use the cache."""

    revision: str
    setup: str | None = None
    cache: bool = True


@dataclass(frozen=True, slots=True)
class _Recorded:
    """A closed recording, how the command ended, modules that came from elsewhere with their files, and what else is to be told."""

    cassette: Path
    exit_code: int = 0
    strangers: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def diff_revision(
    base: Base,
    command: Sequence[str] = (),
    boundaries: Sequence[str] | None = None,
    *,
    ambient: Sequence[str] | None = None,
    tell: Callable[[str], object] = lambda text: None,
    terms: Terms = PLAIN,
) -> Comparison:
    """Record a command at a git revision, in a worktree of its own, and here; compare the two under the settings that hold here.

    Without a command, the one that the settings name. Where the setup makes an environment `.venv`, that one is used at the revision.
    With `ambient`, what the run at the revision reads of its surroundings is given to the one here.
    A recording of the revision that ended well is kept and used again. `tell` gets a sentence for each step. Whatever happens,
    nothing is left of the worktree.

    Raises:
        ConfigError: no command is known.
        ComparisonError: git knows no such revision, this is no repository, the setup fails, or the base run imported this tree's code.
        RecordingError: one of the runs captured no call.
    """
    config = with_ambient(common.settings(boundaries), ambient, None)
    folder = Path.cwd().resolve() if command else config.root.resolve()
    command = tuple(command) or config.command
    if not command:
        raise ConfigError(
            "compare with a revision", "no command is known", "Put it after two dashes (-- pytest), or set `command`."
        )
    repository = find_repository(folder)
    commit = repository.commit(base.revision)
    job = _Job(base, commit, repository, folder, command, config, tell)
    with stoppable(), _scratch() as scratch:
        old = job.base(scratch / "old.cassette")
        tell("recording the working tree")
        take = job.here(scratch / "new.cassette", old.cassette)
        new = job.run(take, 1, "in the working tree")
        job.refuse_shared(old, new)
        comparison = diff_take(old.cassette, take, terms)
        if take.stopped:
            leave(take.stopped)
        notes = (*_notes(old, f"at {base.revision}"), *_notes(new, "in the working tree"))
        return with_notes(comparison, notes, new_name="working tree", old_name=base.revision)


@dataclass(frozen=True, slots=True)
class _Job:
    """A command to record twice: in `folder` of the working tree, and in the same folder of a commit."""

    asked: Base
    commit: str
    repository: Repository
    folder: Path
    command: tuple[str, ...]
    config: Config
    tell: Callable[[str], object]

    @property
    def action(self) -> str:
        return f"compare with {self.asked.revision!r}"

    def here(self, target: Path, base: Path) -> Take:
        """Return a run in the working tree, which is given the surroundings of the base run."""
        top = self.repository.top
        environ = {**os.environ, "PWD": str(self.folder), "PYTHONPATH": search_path(os.environ, self.folder)}
        return Take(
            self.command,
            target,
            self.config,
            folder=self.folder,
            environ=environ,
            project=top,
            original=top,
            output_to_stderr=True,
            ambient_from=base if self.config.ambient else None,
        )

    def base(self, target: Path) -> _Recorded:
        """Return the recording of the revision: the one that is kept, or a new one."""
        cache = BaseCache(self.repository.top) if self.asked.cache else None
        place = self.folder.relative_to(self.repository.top)
        key = base_key(self.commit, place, self.command, self.asked.setup, self.config)
        if cache is not None and cache.fetch(key, target):
            self.tell(f"base recording of {self._name} from the cache")
            return _Recorded(target, notes=("The base recording is from the cache.",))
        with self.repository.worktree(self.commit) as tree:
            recorded = self._record_at(Checkout(tree, self.repository.top, tree / place, self.folder), target)
        if cache is not None and not recorded.exit_code and not recorded.strangers:
            cache.keep(key, target)
        return recorded

    @property
    def _name(self) -> str:
        named = self.asked.revision
        return named if self.commit.startswith(named) else f"{named} ({self.commit[:12]})"

    def _record_at(self, checkout: Checkout, target: Path) -> _Recorded:
        if not checkout.folder.is_dir():
            place = checkout.folder.relative_to(checkout.tree)
            raise ComparisonError(self.action, f"there is no folder {str(place)!r} in it")
        environ: Mapping[str, str] = clean_environment()
        if self.asked.setup is not None:
            self.tell(f"setting up {self._name}")
            checkout.set_up(self.asked.setup, self.commit, environ, self.tell)
        self.tell(f"recording {self._name}")
        take = Take(
            checkout.words(self.command),
            target,
            self.config,
            folder=checkout.folder,
            environ=checkout.environment(environ),
            project=checkout.tree,
            original=checkout.top,
            hash_seed="0" if self.config.runs > 1 else None,
            output_to_stderr=True,
        )
        recorded = self.run(take, self.config.runs, "at that revision")
        self._refuse_own(recorded, checkout)
        if self.asked.setup is None and (checkout.tree / ".gitmodules").is_file():
            return replace(recorded, notes=(_SUBMODULES,))
        return recorded

    def run(self, take: Take, times: int, where: str) -> _Recorded:
        """Record a take, several times to learn noise.

        Raises:
            RecordingError: it captured no call.
        """
        summary = record_runs(take, times)
        if take.stopped:
            leave(take.stopped)
        if not summary.stored:
            ended = f" and the command exited with {summary.exit_code}" if summary.exit_code else ""
            raise RecordingError(self.action, f"no call was captured {where}{ended}", *summary.notes[-1:])
        return _Recorded(take.target, summary.exit_code, take.strangers)

    def _refuse_own(self, old: _Recorded, checkout: Checkout) -> None:
        """Refuse a base run of the working tree's own code: it would be compared with itself."""
        own = {name: file for name, file in old.strangers.items() if Path(file).resolve().is_relative_to(checkout.top)}
        if own:
            remedy = f"{_REMEDY} {_SUBMODULES}" if (checkout.tree / ".gitmodules").is_file() else _REMEDY
            raise ComparisonError(self.action, f"its run imported {_named(own)}, which is not that revision's", remedy)

    def refuse_shared(self, old: _Recorded, new: _Recorded) -> None:
        """Refuse two runs of the same installed code of the project, of which neither revision is.

        Raises:
            ComparisonError: they were.
        """
        shared = dict(old.strangers.items() & new.strangers.items())
        if shared:
            raise ComparisonError(self.action, f"both runs imported {_named(shared)}, an installed copy", _REMEDY)


_REMEDY = "Let --setup make an environment for the revision: python -m venv .venv && .venv/bin/pip install -e ."

_SUBMODULES = "The submodules of the base were not checked out; --setup 'git submodule update --init' does that."


@contextmanager
def _scratch() -> Iterator[Path]:
    try:
        folder = tempfile.TemporaryDirectory(prefix="tracer-diff-")
    except OSError as error:
        raise ComparisonError("make a temporary folder", error.strerror or str(error)) from error
    with folder as name:
        yield Path(name)


def _notes(recorded: _Recorded, where: str) -> Iterator[str]:
    if recorded.exit_code:
        yield f"The command exited with {recorded.exit_code} {where}."
    if recorded.strangers:
        yield f"The run {where} imported {_named(recorded.strangers)}: what that does is not compared."
    yield from recorded.notes


def _named(strangers: Mapping[str, str]) -> str:
    name = min(strangers)
    more = f" and {len(strangers) - 1} more" if len(strangers) > 1 else ""
    return f"{name} from {strangers[name]!r}{more}"
