"""The rules of a cassette: looking at them, editing and dropping them, learning more."""

from __future__ import annotations

import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tracer.compare.noise import learn
from tracer.config import parse_toml, read_toml
from tracer.errors import ConfigError, RecordingError
from tracer.report.sentences import counted
from tracer.rule_tables import rules_from_tables, rules_text
from tracer.rules import matches
from tracer.storage.reader import open_cassette
from tracer.storage.rewrite import write_rules
from tracer.workflows import common
from tracer.workflows.recording import Take
from tracer.workflows.repeating import repeat
from tracer.workflows.rerunning import known_command

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tracer.rules import Rule

_STDIN = "-"


def rules_of(cassette: Path) -> tuple[Rule, ...]:
    """Return the rules of a cassette, in the order in which they are numbered.

    Raises:
        CassetteError: it cannot be read.
    """
    with open_cassette(cassette) as opened:
        return opened.recording.noise


def rules_as_toml(cassette: Path) -> str:
    """Return the rules of a cassette as a file that `set_rules` takes.

    Raises:
        CassetteError: it cannot be read.
    """
    return rules_text(rules_of(cassette), f"Rules of {cassette.name}; `tracer noise set` takes them back.")


def set_rules(cassette: Path, source: Path) -> str:
    """Make the rules in a TOML file (`-`: standard input) those of a cassette; return what was done, in one sentence.

    Raises:
        ConfigError: the file cannot be read, or something in it is no rule that a cassette may hold.
        CassetteError: the cassette cannot be read or written.
    """
    content = parse_toml(sys.stdin.read(), "standard input") if str(source) == _STDIN else read_toml(source)
    try:
        rules = rules_from_tables(content)
    except ConfigError as error:
        cause = f"couldn't {error.action}: {error.cause}"
        raise ConfigError(f"take the rules in {str(source)!r}", cause, error.remedy) from None
    before = rules_of(cassette)
    write_rules(cassette, rules)
    return f"{cassette} holds {counted(len(rules), 'rule')} now, {len(before):,} before."


def drop_rules(cassette: Path, wanted: Sequence[str], *, every: bool = False) -> str:
    """Take rules out of a cassette, by number or by a pattern of their callable; return what was done, in one sentence.

    Raises:
        ConfigError: nothing was named, or what was names no rule.
        CassetteError: the cassette cannot be read or written.
    """
    if every == bool(wanted):
        raise ConfigError("drop rules", "name the rules, or --all" if not every else "both rules and --all were given")
    rules = rules_of(cassette)
    dropped = set(rules) if every else {rule for word in wanted for rule in _named(word, rules, cassette)}
    write_rules(cassette, [rule for rule in rules if rule not in dropped])
    return f"{counted(len(dropped), 'rule')} dropped, {len(rules) - len(dropped):,} left in {cassette}."


def _named(word: str, rules: tuple[Rule, ...], cassette: Path) -> tuple[Rule, ...]:
    if word.isdecimal():
        found = rules[int(word) - 1 : int(word)] if int(word) else ()
    else:
        found = tuple(rule for rule in rules if matches(word, rule.callable))
    if not found:
        remedy = f"`tracer noise list {cassette}` numbers them; a pattern of a callable names all of its rules."
        raise ConfigError(
            f"drop rule {word!r}", f"{cassette} holds {counted(len(rules), 'rule')} and none like it", remedy
        )
    return found


def learn_more(
    cassette: Path,
    command: Sequence[str] | None,
    *,
    runs: int = 2,
    rerun_recorded: bool = False,
    tick: Callable[[str], None] = lambda text: None,
) -> tuple[str, ...]:
    """Run a command several times, add what differs between these runs to the rules of a cassette; return what was done.

    The runs are compared with one another and not with the cassette, so that a change of the code never becomes a rule. Without a
    command, the one that `tracer diff` would run again.

    Raises:
        ConfigError: no command is known.
        RecordingError: the command cannot be started, captured no call, or no second run could be compared with the first.
        CassetteError: the cassette cannot be read or written.
    """
    with open_cassette(cassette) as opened:
        recording = opened.recording
    config = common.settings_of(recording)
    folder = None
    if not command:
        command, folder = known_command(cassette, config, rerun_recorded)

    with tempfile.TemporaryDirectory(prefix="tracer-learn-") as scratch:
        base = Path(scratch) / "run-1.cassette"
        with Take(command, base, config, folder=folder, hash_seed="0", output_to_stderr=True) as first:
            first.run(tick)
            if not first.close().stored:
                raise RecordingError(f"learn from runs of {command[0]!r}", "the first captured no call")
        played = base if config.ambient else None
        later = (partial(first.again, hash_seed=str(number), ambient_from=played) for number in range(1, runs))
        repeated = repeat(base, first.exit_code, later, rules=recording.noise, tick=tick)
    if not repeated.runs:
        raise RecordingError(
            f"learn from runs of {command[0]!r}", repeated.notes[0] if repeated.notes else "there was one"
        )
    rules = [rule for rule in learn(repeated.seen) if rule not in recording.noise]
    if rules:
        write_rules(cassette, (*recording.noise, *rules))
    told = f"{counted(len(rules), 'rule')} learned from {repeated.runs + 1} runs; {cassette} holds {len(recording.noise) + len(rules):,}."
    return (*repeated.warnings, told)
