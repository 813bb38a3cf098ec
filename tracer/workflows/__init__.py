"""The sentences a user says: record, diff, look. The only place where the rooms are joined to files and settings."""

from __future__ import annotations

from tracer.workflows.common import cassette_mode, cassette_path, settings, severity, unused_cassettes
from tracer.workflows.comparing import diff, diff_rerun, diff_revision, findings_against, write_report
from tracer.workflows.demo import demo
from tracer.workflows.looking import list_cassettes, recover, show, verify
from tracer.workflows.recording import record
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
from tracer.workflows.session import Session, check_accepted, failure_text, keep, open_session, require, settle_equal

__all__ = [
    "Choice",
    "Decision",
    "Review",
    "Session",
    "Waiting",
    "accept",
    "cassette_mode",
    "cassette_path",
    "cassettes_waiting",
    "check_accepted",
    "compare_waiting",
    "demo",
    "describe_waiting",
    "diff",
    "diff_rerun",
    "diff_revision",
    "failure_text",
    "findings_against",
    "how_to_review",
    "keep",
    "list_cassettes",
    "open_session",
    "parse_until",
    "record",
    "recover",
    "require",
    "settings",
    "settle_equal",
    "severity",
    "show",
    "tree_around",
    "unused_cassettes",
    "verify",
    "write_report",
]
