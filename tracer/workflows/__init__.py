"""The sentences a user says: record, diff, look. The only place where the rooms are joined to files and settings."""

from __future__ import annotations

from tracer.workflows.common import cassette_mode, cassette_path, settings, severity, unused_cassettes
from tracer.workflows.comparing import diff, diff_rerun, diff_revision, findings_against, write_report
from tracer.workflows.demo import demo
from tracer.workflows.looking import list_cassettes, recover, show, verify
from tracer.workflows.recording import record
from tracer.workflows.session import Session, check_accepted, failure_text, keep, open_session, require, settle_equal

__all__ = [
    "Session",
    "cassette_mode",
    "cassette_path",
    "check_accepted",
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
    "unused_cassettes",
    "verify",
    "write_report",
]
