"""What secrets look like when no name gives them away.

Each shape has a mark: texts are searched for marks, and for shapes only where there is one. No expression can match a text in so many
ways that a long one takes long.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

MARKS: Final = (
    *("-----BEGIN", "eyJ"),
    *("AKIA", "ASIA", "ABIA", "ACCA", "AGPA", "AIDA", "AIPA", "ANPA", "ANVA", "AROA"),
    *("AIza", "ya29.", "GOCSPX-"),
    *("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-"),
    *("xox", "xapp-", "hooks.slack.com/"),
    *("k_live_", "k_test_", "whsec_", "SG.", "npm_", "pypi-", "sk-", "hf_", "dop_v1_", "shpat_", "shpss_"),
    *("Q~", "earer ", "EARER ", "asic ", "ASIC "),
)
"""One of these stands in every text that holds one of `TOKENS` or `SCHEMES` (as in native_secrets.h)."""

_EDGE: Final = r"(?<![A-Za-z0-9])"
_AFTER: Final = r"(?![A-Za-z0-9])"

_BEFORE_MARKS: Final = (0, 1, 4, 5)
"""How many characters of a shape may stand before its mark: `sk_live_`, `abc1Q~`, `Bearer`."""

_TOKENS: Final = "|".join(
    (
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z0-9 ]{0,40}KEY(?: BLOCK)?-----|\Z)",
        _EDGE + r"eyJ[\w-]{6,}(?:\.[\w-]{4,}(?:\.[\w-]*){0,3}|(?<=[\w-]{40}))",  # JWT, JWE, or the head of one
        _EDGE + r"(?:AKIA|ASIA|ABIA|ACCA|AGPA|AIDA|AIPA|ANPA|ANVA|AROA)[A-Z0-9]{16}" + _AFTER,  # AWS
        _EDGE + r"AIza[\w-]{35}",  # Google
        _EDGE + r"ya29\.[\w-]{20,}",
        _EDGE + r"GOCSPX-[\w-]{20,}",
        _EDGE + r"gh[pousr]_[A-Za-z0-9]{30,}",
        _EDGE + r"github_pat_\w{22,}",
        _EDGE + r"glpat-[\w-]{20,}",
        _EDGE + r"xox[abceoprs]-[\w-]{10,}",  # Slack
        _EDGE + r"xapp-[\w-]{10,}",
        r"hooks\.slack\.com/(?:services|workflows|triggers)/[\w/+-]{8,}",
        _EDGE + r"[sr]k_(?:live|test)_[A-Za-z0-9]{10,}",  # Stripe
        _EDGE + r"whsec_[A-Za-z0-9+/=]{20,}",
        _EDGE + r"SG\.[\w-]{16,}\.[\w-]{16,}",  # SendGrid
        _EDGE + r"npm_[A-Za-z0-9]{30,}",
        _EDGE + r"pypi-[\w-]{50,}",
        _EDGE + r"sk-[\w-]{20,}",
        _EDGE + r"hf_[A-Za-z0-9]{30,}",
        _EDGE + r"dop_v1_[a-f0-9]{64}",
        _EDGE + r"shp(?:at|ss)_[a-fA-F0-9]{32}",
        r"(?<![\w~.-])[\w~.-]{3}\dQ~[\w~.-]{31,}",  # Azure
    )
)

_SCHEMES: Final = r"(\b(?i:bearer|basic) {1,4})(?=[^\s\d=]{0,60}(?:[\d=]|(?<=[a-z])[A-Z]))[\w.~+/=-]{8,}"
"""`Bearer ...` and `Basic ...`, where what follows is no word."""

_URLS: Final = re.compile(r"(:/{1,2})(?:[^\s/:@?#\"'<>]{0,200}:[^\s/\"'<>]{1,400}|[^\s/:@?#\"'<>]{20,400})(?=@)")
"""User and password in a URL, or a long user alone, which is a token. Paths make two slashes one."""

CARD: Final = r"[2-6](?:[ -]?\d){12}"
"""What every number of a card begins with."""
_CARDS: Final = re.compile(r"[2-6](?:[ -]?\d){12,18}(?![\w-]|\.\d)", re.ASCII)
_FEWEST_DIGITS: Final = 13
_ISSUED: Final = re.compile(r"4|5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)|3[47]|6(?:011|4[4-9]|5)|3(?:0[0-5]|[68])|35")


def without(text: str, hidden: str) -> str:
    """Return a text with `hidden` in place of everything that has the shape of a secret."""
    text = _without_cards(text, hidden)
    text = _URLS.sub(rf"\1{hidden}", text) if ":/" in text else text
    told: list[str] = []
    at = 0
    marks, tokens = _compiled()
    for mark in marks.finditer(text):
        for start in (mark.start() - before for before in _BEFORE_MARKS if mark.start() - before >= at):
            found = tokens.match(text, start)
            if found:
                told += (text[at:start], found[1] if found.lastindex else "", hidden)
                at = found.end()
                break
    return "".join((*told, text[at:])) if told else text


@cache
def _compiled() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return what finds marks, and what matches a shape. Compiled late: it takes longer than all else that starting to record imports."""
    return re.compile("|".join(map(re.escape, MARKS))), re.compile(f"{_TOKENS}|{_SCHEMES}", re.ASCII)


def _without_cards(text: str, hidden: str) -> str:
    told: list[str] = []
    done = at = 0
    while found := _CARDS.search(text, at):
        at = found.start() + 1
        if _stands_alone(text, found.start()) and (size := _card_size(found[0])):
            told += (text[done : found.start()], hidden)
            done = at = found.start() + size
    return "".join((*told, text[done:])) if told else text


def _stands_alone(text: str, at: int) -> bool:
    before = text[at - 1 : at]
    return not (before.isalnum() or before in {"_", ".", "+"})


def _card_size(text: str) -> int:
    """Return how many characters of digits with single spaces or dashes between them are the number of a payment card; 0 for none."""
    ends = [len(text), *(place for place in range(len(text) - 1, 0, -1) if text[place] in " -")]
    return next((end for end in ends if _is_card([int(char) for char in text[:end] if char.isdigit()])), 0)


def _is_card(digits: list[int]) -> bool:
    if len(digits) < _FEWEST_DIGITS or _ISSUED.match("".join(map(str, digits))) is None:
        return False
    doubled = (digit if place % 2 == 0 else digit * 2 - 9 * (digit > 4) for place, digit in enumerate(reversed(digits)))  # noqa: PLR2004
    return sum(doubled) % 10 == 0
