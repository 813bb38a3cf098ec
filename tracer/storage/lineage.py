"""Names for the lanes of several processes: a child's lanes hang under the lane that its parent told of."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tracer.storage.scan import ScannedJournal

_MAIN: Final = "main"
INSIDE: Final = " > "
_JOB: Final = re.compile(r"@(\d+) job ([^/]*)(.*)")

_Seen: TypeAlias = "frozenset[int | str]"


def job_lane(pid: int, job: str) -> str:
    """Return what process `pid` calls the lane of a job it took, until closing finds out who submitted it."""
    return f"@{pid} job {job}"


class Lineage:
    """The names that the lanes of a run's processes take in its cassette. None depends on a pid, on time, or on the order of journals.

    The main lane of a child that its parent announced takes the announced name; of one that was not, `<parent's main> > process`;
    of one that an announced program without a journal started (a shell), `<announced name> > process`. A forked child goes on
    with the names of the process it was forked from. The lane of a job that a pool's process took is the one its submitter told of.
    """

    def __init__(self, journals: Sequence[ScannedJournal]) -> None:
        self._journals = journals
        self._by_pid: dict[int, int] = {}
        self._announced: dict[int, tuple[int, str]] = {}
        self._forked_as: dict[int, str] = {}
        for at, journal in enumerate(journals):
            pid = journal.info.get("pid", -1)
            # A process that was forked and then ran another program has two journals; the one that began in it stands for it.
            if pid not in self._by_pid or journal.info.get("origin") == pid:
                self._by_pid[pid] = at
            self._forked_as.update((at, name) for child, name in journal.children if child == pid)
            for child, name in _children(journal):
                self._enter(child, at, name)

    def name(self, at: int, lane: str) -> str:
        """Return the name of a lane of the journal at index `at`."""
        return self._name(at, lane, frozenset())

    def _enter(self, child: int, at: int, name: str) -> None:
        """Keep what is told of a child; what it tells of itself counts only where nobody else does."""
        known = self._announced.get(child)
        if known is None or self._pid(known[0]) == child:
            self._announced[child] = (at, name)

    def _pid(self, at: int) -> int:
        pid: int = self._journals[at].info.get("pid", -1)
        return pid

    def _name(self, at: int, lane: str, seen: _Seen) -> str:
        first, inside, rest = lane.partition(INSIDE)
        job = _JOB.fullmatch(first)
        if job is not None:
            return self._job(int(job[1]), job[2], job[3], seen) + inside + rest
        return self._main(at, lane, seen) if first == _MAIN else lane

    def _main(self, at: int, lane: str, seen: _Seen) -> str:
        """Return the name of a lane that begins with `main`."""
        if at in seen:
            return lane
        seen |= {at}
        info = self._journals[at].info
        origin = self._by_pid.get(info.get("origin", -1), at)
        if origin not in seen and info.get("origin") != info.get("pid"):
            return self._forked(at, origin, lane, seen)
        return self._own(info, seen) + lane[len(_MAIN) :]

    def _forked(self, at: int, origin: int, lane: str, seen: _Seen) -> str:
        """Return the name of a lane of a forked child, in the words of the process it was forked from."""
        forked_as = self._forked_as.get(at)
        teller, name = self._announced.get(self._pid(at), (at, ""))
        if forked_as and _is_in(lane, forked_as) and teller != at and name != forked_as:
            # Forked by a server, on behalf of the process that told of it.
            return self._name(teller, name, seen) + lane[len(forked_as) :]
        return self._name(origin, lane, seen)

    def _own(self, info: dict[str, Any], seen: _Seen) -> str:
        """Return the name of the main lane of a process that began as this one."""
        teller, name = self._announced.get(info.get("pid", -1), (-1, ""))
        if teller >= 0 and teller not in seen:
            return self._name(teller, name, seen)
        parent = self._by_pid.get(info.get("ppid", -1), -1)
        # A pid used again, or two programs that replaced each other in one process, can make a circle.
        if parent >= 0 and parent not in seen:
            return f"{self._name(parent, _MAIN, seen)}{INSIDE}process"
        teller, name = self._announced.get(info.get("ppid", -1), (-1, ""))
        if teller >= 0 and teller not in seen:
            return f"{self._name(teller, name, seen)}{INSIDE}process"
        return _MAIN

    def _job(self, pid: int, job: str, part: str, seen: _Seen) -> str:
        """Return the name of the lane of a job that process `pid` took, or a part of one (`/0`)."""
        teller, pool = self._announced.get(pid, (-1, ""))
        submitted = self._journals[teller].jobs.get((pool, job)) if teller >= 0 else None
        taken = f"{pid} {job}"
        if submitted is not None and taken not in seen:
            return self._name(teller, submitted, seen | {taken}) + part
        at = self._by_pid.get(pid, -1)
        main = self._name(at, _MAIN, seen) if at >= 0 else _MAIN
        return f"{main}{INSIDE}job {job}{part}"


def unfollowed(pids: Iterable[Any], children: Iterable[tuple[int, str]]) -> Counter[str]:
    """Return how many Pythons that processes told of left no journal, by the place that started them.

    `pids` are those of the journals, and a pid used again counts once.
    """
    started = {pid: lane.rpartition(INSIDE)[2] for pid, lane in children}
    recorded = set(pids)
    kinds = (kind.partition(" ") for pid, kind in started.items() if pid not in recorded)
    return Counter(place.rpartition("#")[0] for kind, _, place in kinds if kind == "process")


def _is_in(lane: str, outer: str) -> bool:
    return lane == outer or lane.startswith(outer + INSIDE)


def _children(journal: ScannedJournal) -> list[tuple[int, str]]:
    """Return the children that a journal tells of, by pid, with the names of their main lanes."""
    own = set(journal.lanes.values())
    counts: dict[str, int] = {}
    found = []
    for pid, told in journal.children:
        name = told
        if told in own:
            name = f"{told}{INSIDE}process#{counts.get(told, 0)}"
            counts[told] = counts.get(told, 0) + 1
        found.append((pid, name))
    return found
