"""Which tests used which cassettes: one list for each process of a test run, and what the lists of many runs say together."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import asdict, dataclass, field, fields
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from tracer.errors import ReviewError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

SUFFIX: Final = ".usage.json"
SHARD: Final = re.compile(r"[1-9][0-9]{0,3}/[1-9][0-9]{0,3}")
"""Which of how many runs a run is: 2/3."""
_FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class UsageList:
    """What one process of a test run knows. All paths are relative to the project, with slashes.

    run, process: the test run, and which of its processes this was.
    partial: why the tests that were collected need not be all there are; empty where they are.
    narrowed: why some of those did not run.
    shard: "2/3" where the user said that this run was one of several.
    collected, digest: how many tests there were before any was left out, and a digest of their names.
    ran: those that ran to their end without failing, None for all that were not skipped.
    skipped: tests, and files of tests, that were skipped; by each the beginning of the names of its own cassettes.
    used: the cassettes by the test that used them.
    present: the cassettes that were there at the end.
    files: the files of the tests, with a digest of each.
    """

    run: str
    process: str = "main"
    partial: tuple[str, ...] = ()
    narrowed: tuple[str, ...] = ()
    shard: str = ""
    collected: int = 0
    digest: str = ""
    ran: tuple[str, ...] | None = ()
    skipped: Mapping[str, str] = field(default_factory=dict)
    used: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    present: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)


def digest_of(texts: Iterable[str]) -> str:
    """Return a digest of some names, whatever their order."""
    return blake2b("\n".join(sorted(texts)).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def dump(usage: UsageList) -> str:
    """Return a list as JSON."""
    return json.dumps({"format": _FORMAT, **asdict(usage)}, indent=1, sort_keys=True) + "\n"


def load(path: Path) -> UsageList:
    """Return the list a file holds.

    Raises:
        ReviewError: it cannot be read, or is none.
    """
    action = f"read the usage list {str(path)!r}"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.pop("format") != _FORMAT:
            raise ReviewError(action, "a later tracer wrote it", "Use that one.")
        return _checked(content)
    except OSError as error:
        raise ReviewError(action, error.strerror or str(error), "Name a list, or a folder of lists.") from error
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise ReviewError(action, "it is no usage list", "Remove it, and run the tests again.") from error


def _checked(content: Mapping[str, Any]) -> UsageList:
    """Return a list from what its file says; keys that are not known are passed over."""
    known = {each.name: content[each.name] for each in fields(UsageList) if each.name in content}
    for name in ("run", "process", "shard", "digest"):
        _check(str, known.get(name, ""))
    if not SHARD.fullmatch(known.get("shard") or "1/1"):
        raise ValueError("its shard is none")
    _check(int, known.get("collected", 0))
    for name in ("partial", "narrowed", "ran", "present"):
        if known.get(name) is not None:
            known[name] = tuple(_check(str, text) for text in _check(list, known[name]))
    for name in ("skipped", "files"):
        known[name] = {_check(str, key): _check(str, text) for key, text in _check(dict, known.get(name, {})).items()}
    used = _check(dict, known.get("used", {}))
    known["used"] = {
        _check(str, test): tuple(_check(str, text) for text in _check(list, names)) for test, names in used.items()
    }
    return UsageList(**known)


def _check(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value


class Usage:
    """Some lists taken together: the union of what they used."""

    def __init__(self, lists: Sequence[UsageList]) -> None:
        self.lists = tuple(lists)
        self._whole = _whole(lists)

    @property
    def whole(self) -> bool:
        """Whether all tests of a project ran, in one run or in several that complete each other."""
        return bool(self._whole)

    @property
    def files(self) -> dict[str, str]:
        """The files of the tests that make it whole, with their digests."""
        return {name: digest for each in self._whole for name, digest in each.files.items()}

    @property
    def reason(self) -> str:
        """Why it is not whole, for people."""
        partial = [reason for each in self.lists for reason in (*each.partial, *each.narrowed)]
        if partial:
            return f"the test runs that are known were filtered ({', '.join(dict.fromkeys(partial[:3]))})"
        group = max(_groups(self.lists), key=lambda lists: len(_done(lists)), default=())
        if not group:
            return "no test run is known"
        missing = group[0].collected - len(_done(group))
        return f"{missing} of {group[0].collected} tests did not run to their end"

    def unused(self) -> tuple[str, ...]:
        """Return the cassettes that no test used: those that were there whenever all tests ran, as far as they may be judged."""
        if not self._whole:
            return ()
        there = set.intersection(*(set(each.present) for each in self._whole))
        used = {name for each in self.lists for names in each.used.values() for name in names}
        spared = {start for each in self.lists for start in each.skipped.values()}
        return tuple(sorted(name for name in there - used if not _spared(name, spared)))


def _spared(name: str, starts: Iterable[str]) -> bool:
    """Whether a cassette may be one of a test that was skipped."""
    return any(name.startswith(start if start.endswith("/") else f"{start}.") for start in starts)


def _whole(lists: Sequence[UsageList]) -> tuple[UsageList, ...]:
    """Return the lists that together tell of all tests of a project; none where there are no such."""
    found = [each for group in _groups(lists) if _is_whole(group) and not group[0].shard for each in group]
    if found:
        return tuple(found)
    shards: defaultdict[str, dict[str, tuple[UsageList, ...]]] = defaultdict(dict)
    for group in _groups(lists):
        if group[0].shard and _is_whole(group):
            number, _, count = group[0].shard.partition("/")
            shards[count][number] = group
    for count, groups in shards.items():
        if set(groups) == {str(number) for number in range(1, int(count) + 1)}:
            found += [each for group in groups.values() for each in group]
    return tuple(found)


def _groups(lists: Iterable[UsageList]) -> list[tuple[UsageList, ...]]:
    """Put those together that collected the same tests as the same shard, all that there are."""
    groups: defaultdict[tuple[str, str], list[UsageList]] = defaultdict(list)
    for each in lists:
        if each.collected and not each.partial:
            groups[each.digest, each.shard].append(each)
    return [tuple(group) for group in groups.values()]


def _is_whole(group: Sequence[UsageList]) -> bool:
    return any(each.ran is None for each in group) or len(_done(group)) >= group[0].collected


def _done(group: Iterable[UsageList]) -> set[str]:
    return {test for each in group for test in (*(each.ran or ()), *(name for name in each.skipped if "::" in name))}
