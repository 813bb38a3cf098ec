"""The sentences a user says: record, diff, look. The only place where the rooms are joined to files and settings."""

from __future__ import annotations

from tracer.workflows.common import cassette_mode, cassette_path, settings, severity, unused_cassettes
from tracer.workflows.comparing import diff, diff_rerun, diff_revision, findings_against, write_report
from tracer.workflows.demo import demo
from tracer.workflows.looking import list_cassettes, recover, show, verify
from tracer.workflows.noise import drop_rules, learn_more, rules_as_toml, rules_of, set_rules
from tracer.workflows.recording import record
from tracer.workflows.session import Session, failure_text, keep, open_session, require, settle_equal

__all__ = [
    "Session",
    "cassette_mode",
    "cassette_path",
    "demo",
    "diff",
    "diff_rerun",
    "diff_revision",
    "drop_rules",
    "failure_text",
    "findings_against",
    "keep",
    "learn_more",
    "list_cassettes",
    "open_session",
    "record",
    "recover",
    "require",
    "rules_as_toml",
    "rules_of",
    "set_rules",
    "settings",
    "settle_equal",
    "severity",
    "show",
    "unused_cassettes",
    "verify",
    "write_report",
]
