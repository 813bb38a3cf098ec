"""The sentences a user says: record, diff, look. The only place where the rooms are joined to files and settings."""

from __future__ import annotations

from tracer.review.usage import UsageList
from tracer.workflows.common import cassette_mode, cassette_path, settings, severity
from tracer.workflows.comparing import diff, findings_against, write_report
from tracer.workflows.counting import covered_enough, statistics_report
from tracer.workflows.demo import demo
from tracer.workflows.doctor import diagnose
from tracer.workflows.looking import list_cassettes, recover, show, verify
from tracer.workflows.noise import drop_rules, learn_more, rules_as_toml, rules_of, set_rules
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
from tracer.workflows.session import Session, check_accepted, failure_text, keep, open_session, require, settle_equal
from tracer.workflows.terms import Terms
from tracer.workflows.usage import end_run, keep_usage, note_use, prune

__all__ = [
    "Base",
    "Choice",
    "Decision",
    "Playback",
    "PlaybackPlan",
    "PlaybackSummary",
    "Replaying",
    "Review",
    "Session",
    "Terms",
    "UsageList",
    "Waiting",
    "accept",
    "cassette_mode",
    "cassette_path",
    "cassettes_waiting",
    "check_accepted",
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
    "failure_text",
    "findings_against",
    "how_to_review",
    "keep",
    "keep_usage",
    "learn_more",
    "list_cassettes",
    "note_use",
    "open_session",
    "parse_until",
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
    "write_report",
]
