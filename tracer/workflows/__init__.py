"""The sentences a user says: record, diff, look. The only place where the rooms are joined to files and settings.

Each name is loaded when it is first asked for: a command pays for what it does, not for what the others could.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tracer.review.usage import UsageList
    from tracer.workflows.ambient import kinds_of
    from tracer.workflows.cluster import on_cluster
    from tracer.workflows.common import cassette_mode, cassette_path, settings, severity
    from tracer.workflows.comparing import diff, findings_against, write_report
    from tracer.workflows.counting import covered_enough, statistics_report
    from tracer.workflows.demonstrating import demo
    from tracer.workflows.doctor import diagnose
    from tracer.workflows.exporting import Exported, Wishes, export_tests, export_trace
    from tracer.workflows.folders import compare
    from tracer.workflows.helping import workers_of
    from tracer.workflows.looking import list_cassettes, recover, show, verify
    from tracer.workflows.merging import merge
    from tracer.workflows.mirror import at, written
    from tracer.workflows.noise import drop_rules, learn_more, rules_as_toml, rules_of, set_rules
    from tracer.workflows.places import Place, here, named, place_of, waiting_at
    from tracer.workflows.playing import Playback, PlaybackPlan, PlaybackSummary, play
    from tracer.workflows.recording import record
    from tracer.workflows.replaying import Replaying, replay
    from tracer.workflows.rerunning import diff_rerun
    from tracer.workflows.review import (
        Choice,
        Waiting,
        accept,
        cassettes_waiting,
        compare_waiting,
        describe_waiting,
        how_to_review,
        parse_until,
    )
    from tracer.workflows.reviewing import Decision, Review, tree_around
    from tracer.workflows.revision import Base, diff_revision
    from tracer.workflows.session import (
        Session,
        check_accepted,
        failure_text,
        keep,
        open_session,
        require,
        settle_equal,
    )
    from tracer.workflows.terms import Terms
    from tracer.workflows.usage import end_run, keep_usage, note_use, prune

__all__ = [
    "Base",
    "Choice",
    "Decision",
    "Exported",
    "Place",
    "Playback",
    "PlaybackPlan",
    "PlaybackSummary",
    "Replaying",
    "Review",
    "Session",
    "Terms",
    "UsageList",
    "Waiting",
    "Wishes",
    "accept",
    "at",
    "cassette_mode",
    "cassette_path",
    "cassettes_waiting",
    "check_accepted",
    "compare",
    "compare_waiting",
    "covered_enough",
    "demo",
    "describe_waiting",
    "diagnose",
    "diff",
    "diff_rerun",
    "diff_revision",
    "drop_rules",
    "end_run",
    "export_tests",
    "export_trace",
    "failure_text",
    "findings_against",
    "here",
    "how_to_review",
    "keep",
    "keep_usage",
    "kinds_of",
    "learn_more",
    "list_cassettes",
    "merge",
    "named",
    "note_use",
    "on_cluster",
    "open_session",
    "parse_until",
    "place_of",
    "play",
    "prune",
    "record",
    "recover",
    "replay",
    "require",
    "rules_as_toml",
    "rules_of",
    "set_rules",
    "settings",
    "settle_equal",
    "severity",
    "show",
    "statistics_report",
    "tree_around",
    "verify",
    "waiting_at",
    "workers_of",
    "write_report",
    "written",
]

_HOMES: Final = {
    "tracer.review.usage": ("UsageList",),
    "tracer.workflows.ambient": ("kinds_of",),
    "tracer.workflows.cluster": ("on_cluster",),
    "tracer.workflows.common": ("cassette_mode", "cassette_path", "settings", "severity"),
    "tracer.workflows.comparing": ("diff", "findings_against", "write_report"),
    "tracer.workflows.counting": ("covered_enough", "statistics_report"),
    "tracer.workflows.demonstrating": ("demo",),
    "tracer.workflows.doctor": ("diagnose",),
    "tracer.workflows.exporting": ("Exported", "Wishes", "export_tests", "export_trace"),
    "tracer.workflows.folders": ("compare",),
    "tracer.workflows.helping": ("workers_of",),
    "tracer.workflows.looking": ("list_cassettes", "recover", "show", "verify"),
    "tracer.workflows.merging": ("merge",),
    "tracer.workflows.mirror": ("at", "written"),
    "tracer.workflows.noise": ("drop_rules", "learn_more", "rules_as_toml", "rules_of", "set_rules"),
    "tracer.workflows.places": ("Place", "here", "named", "place_of", "waiting_at"),
    "tracer.workflows.playing": ("Playback", "PlaybackPlan", "PlaybackSummary", "play"),
    "tracer.workflows.recording": ("record",),
    "tracer.workflows.replaying": ("Replaying", "replay"),
    "tracer.workflows.rerunning": ("diff_rerun",),
    "tracer.workflows.review": (
        "Choice",
        "Waiting",
        "accept",
        "cassettes_waiting",
        "compare_waiting",
        "describe_waiting",
        "how_to_review",
        "parse_until",
    ),
    "tracer.workflows.reviewing": ("Decision", "Review", "tree_around"),
    "tracer.workflows.revision": ("Base", "diff_revision"),
    "tracer.workflows.session": (
        "Session",
        "check_accepted",
        "failure_text",
        "keep",
        "open_session",
        "require",
        "settle_equal",
    ),
    "tracer.workflows.terms": ("Terms",),
    "tracer.workflows.usage": ("end_run", "keep_usage", "note_use", "prune"),
}
_HOME_OF: Final = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    value = globals()[name] = getattr(import_module(_HOME_OF[name]), name)
    return value
