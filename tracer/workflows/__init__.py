"""The sentences a user says: record, diff, look. The only place where the rooms are joined to files and settings."""

from __future__ import annotations

from tracer.workflows.common import cassette_mode, cassette_path, settings, severity, unused_cassettes
from tracer.workflows.comparing import diff, diff_rerun, findings_against, write_report
from tracer.workflows.counting import covered_enough, statistics_report
from tracer.workflows.demo import demo
from tracer.workflows.looking import list_cassettes, recover, show, verify
from tracer.workflows.recording import record
from tracer.workflows.revision import Base, diff_revision
from tracer.workflows.session import Session, failure_text, keep, open_session, require, settle_equal

__all__ = [
    "Base",
    "Session",
    "cassette_mode",
    "cassette_path",
    "covered_enough",
    "demo",
    "diff",
    "diff_rerun",
    "diff_revision",
    "failure_text",
    "findings_against",
    "keep",
    "list_cassettes",
    "open_session",
    "record",
    "recover",
    "require",
    "settings",
    "settle_equal",
    "severity",
    "show",
    "statistics_report",
    "unused_cassettes",
    "verify",
    "write_report",
]
