"""Names for the lanes of several processes: a child's lanes hang under the lane that its parent told of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracer.storage.scan import ScannedJournal

_MAIN: Final = "main"


def main_names(journals: Sequence[ScannedJournal]) -> list[str]:
    """Return the name that `main` takes for each journal, in the same order.

    A child that its parent announced takes the announced name; one that was not, `<parent's main> > process`; one that an announced
    program without a journal started (a shell), `<announced name> > process`. None depends on a pid, on time, or on the order of
    the journals.
    """
    by_pid: dict[int, int] = {}
    announced: dict[int, tuple[int, str]] = {}
    for at, journal in enumerate(journals):
        pid = journal.info.get("pid", -1)
        # A process that was forked and then ran another program has two journals; the one that began in it stands for it.
        if pid not in by_pid or journal.info.get("origin") == pid:
            by_pid[pid] = at
        for pid, name in _announced(journal):
            announced[pid] = (at, name)
    return [_main_name(at, journals, by_pid, announced, frozenset()) for at in range(len(journals))]


def renamed(lane: str, main: str) -> str:
    """Return the name of a lane of the process whose main lane is called `main`."""
    if lane == _MAIN or lane.startswith(f"{_MAIN} > "):
        return main + lane[len(_MAIN) :]
    return lane


def _announced(journal: ScannedJournal) -> list[tuple[int, str]]:
    own = set(journal.lanes.values())
    counts: dict[str, int] = {}
    found = []
    for pid, told in journal.children:
        name = told
        if told in own:
            name = f"{told} > process#{counts.get(told, 0)}"
            counts[told] = counts.get(told, 0) + 1
        found.append((pid, name))
    return found


def _main_name(
    at: int,
    journals: Sequence[ScannedJournal],
    by_pid: dict[int, int],
    announced: dict[int, tuple[int, str]],
    seen: frozenset[int],
) -> str:
    info = journals[at].info
    seen |= {at}
    origin = by_pid.get(info.get("origin", -1), at)
    if origin not in seen and info.get("origin") != info.get("pid"):
        # A forked child goes on with the names of the process it was forked from.
        return _main_name(origin, journals, by_pid, announced, seen)
    parent, name = announced.get(info.get("pid", -1), (-1, ""))
    if parent >= 0 and parent not in seen:
        return renamed(name, _main_name(parent, journals, by_pid, announced, seen))
    parent = by_pid.get(info.get("ppid", -1), -1)
    # A pid used again, or two programs that replaced each other in one process, can make a circle.
    if parent >= 0 and parent not in seen:
        return f"{_main_name(parent, journals, by_pid, announced, seen)} > process"
    parent, name = announced.get(info.get("ppid", -1), (-1, ""))
    if parent >= 0 and parent not in seen:
        return f"{renamed(name, _main_name(parent, journals, by_pid, announced, seen))} > process"
    return _MAIN
