"""Two recorded runs made ready to be compared: under the same names, and only with what crosses a boundary in both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracer.compare.common import InCommon, have_same_boundaries
from tracer.compare.homes import find_renaming
from tracer.compare.lanes import notes
from tracer.compare.renaming import Renamed, Renaming

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tracer.model import RecordedRun


@dataclass(frozen=True, slots=True)
class Prepared:
    """The runs as they are compared. Where findings say that calls stand, they stand in these.

    `renaming` is what was found out about names, `notes` what is to be told first.
    """

    old: RecordedRun
    new: RecordedRun
    renaming: Renaming
    notes: tuple[str, ...]


def prepare(old: RecordedRun, new: RecordedRun, renamed: Mapping[str, str]) -> Prepared:
    """Return the runs under the names that the new one has, and without what only one of them can have recorded.

    `renamed` holds modules by the name they have in the old run, with the name they go by now.
    """
    declared = Renaming(modules=renamed)
    old = Renamed(old, declared) if declared else old
    told = list(notes(old.recording, new.recording))
    if not have_same_boundaries(old.recording, new.recording):
        old, new = before, after = InCommon(old, new.recording, "old"), InCommon(new, old.recording, "new")
        if before.left_out or after.left_out:
            told.append(
                f"Compared is what crosses the boundaries of both: {before.left_out:,} calls of OLD"
                f" and {after.left_out:,} of NEW were left out."
            )
    renaming = find_renaming(old, new)
    return Prepared(Renamed(old, renaming) if renaming else old, new, renaming, tuple(told))
