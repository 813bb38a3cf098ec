"""The one redactor: which names hold secrets.

Names are judged by their words (`apiKey`, `api_key`, `API-Key` and `X-Api-Key` are alike), so that `author` is no `auth` and
`tokenizer` no `token`. Two strengths:

    ALWAYS  whatever stands under the name is a secret: password, secret, authorization, api key, cookie ...
    DATA    only plain data (text, bytes, builtin containers) under it is: `token` and `auth` are credentials in one code
            base and objects of a parser or a strategy in the next, whose own attributes are then judged by their names.
            Numbers under them are kept: they are kinds and positions far more often than codes.

Not secret by default: `tokens`, `token_type`, `token_count`, `max_tokens`, and a token of paging or parsing
(`next_token`, `page_token`, `current_token` ...), unless a word says otherwise (`access_tokens`).
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from tracer.encoding.looks import derives

if TYPE_CHECKING:
    from collections.abc import Iterable


class Secrecy(IntEnum):
    """What is redacted under a name."""

    NONE = 0
    ALWAYS = 1
    DATA = 2


DEFAULT: Final = (
    *("password", "passwords", "passwd", "passphrase", "pwd", "secret", "secrets", "authorization", "bearer"),
    *("credential", "credentials", "apikey", "api key", "api keys", "access key", "private key", "secret key"),
    *("signing key", "encryption key", "session id", "sessionid", "session key", "csrf", "jwt"),
    *("access token", "access tokens", "refresh token", "refresh tokens", "auth token", "auth tokens", "id token"),
)
"""Secret wherever these words stand in a name, in this order and together."""

_LAST: Final = frozenset({"cookie", "cookies"})  # cookie and set_cookie, but not cookie_name
_ENDINGS: Final = ("password", "passwd", "passphrase", "apikey")  # dbpassword
_HARMLESS: Final = frozenset(
    (
        "next",
        "prev",
        "previous",
        "last",
        "first",
        "current",
        "start",
        "end",
        "begin",
        "page",
        "paging",
        "continuation",
        "parse",
        "lex",
        "left",
        "right",
        "close",
        "open",
    ),
)
_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_REMEMBERED: Final = 8192
_LONGEST: Final = 32  # longer tuples of names are data rather than a shape, and are judged name by name each time
_JUDGED: Final = 256  # characters of a name that are looked at
_DATA: Final = (str, bytes, bytearray, list, tuple, dict, set, frozenset)


class Redactor:
    """Judges names. `names` are the secret ones, `extra` more of them, `allow` whole names that never are.

    Each name is one or several words; case and separators do not matter. Names given instead of the default ones are
    taken as they are: the rules for cookies, tokens and endings belong to the default. `known` holds judgements, by name; `default` says
    that no other names than the default ones are secret.
    """

    def __init__(self, names: Iterable[str] = DEFAULT, extra: Iterable[str] = (), allow: Iterable[str] = ()) -> None:
        chosen, extra = tuple(names), tuple(extra)
        self._rules = chosen == DEFAULT
        self.default = self._rules and not extra
        self._names = tuple(" ".join(_words(name)) for name in (*chosen, *extra))
        self._allow = frozenset(" ".join(_words(name)) for name in allow)
        self.known: dict[str, Secrecy] = {}

    def secret(self, name: str) -> Secrecy:
        """Return what is redacted under a parameter, key or attribute of this name; falsy for nothing.

        `name` is an exact str. Judgements are remembered, for a bounded number of names.
        """
        known = self.known.get(name)
        if known is None:
            if len(self.known) >= _REMEMBERED:
                self.known.clear()
            known = self.known[name] = self._judge(name)
        return known

    def _judge(self, name: str) -> Secrecy:
        words = _words(name[:_JUDGED])
        if not words or " ".join(words) in self._allow:
            return Secrecy.NONE
        padded = f" {' '.join(words)} "
        if any(f" {secret} " in padded for secret in self._names):
            return Secrecy.ALWAYS
        return _by_rule(words) if self._rules else Secrecy.NONE


class Judge:
    """Judges the names of a dict or an object together, and remembers in `known`: the same few shapes pass again and again.

    `name` judges a single one, and `verdicts` holds what it said.
    """

    def __init__(self, redactor: Redactor) -> None:
        self.name = redactor.secret
        self.verdicts = redactor.known
        self.known: dict[tuple[str, ...], tuple[Secrecy, ...] | None] = {}

    def names(self, names: tuple[str, ...]) -> tuple[Secrecy, ...] | None:
        """Return how secret the value under each name is; None where none is. `names` are exact str."""
        try:
            return self.known[names]
        except KeyError:
            pass
        found = tuple([self.name(name) for name in names])
        verdict = found if any(found) else None
        if len(names) <= _LONGEST:
            if len(self.known) >= _REMEMBERED:
                self.known.clear()
            self.known[names] = verdict
        return verdict

    def key(self, key: object) -> Secrecy:
        """Return how secret the value under a mapping's key is, whatever the key is."""
        if type(key) is str:
            return self.name(key)
        if type(key) is bytes:
            return self.name(key[:_JUDGED].decode("latin-1"))
        if derives(type(key), str):  # a member of an enumeration of texts, say
            return self.name(str.__str__(key))
        return Secrecy.NONE


def is_data(value: object) -> bool:
    """Say whether a value is plain data, which `Secrecy.DATA` redacts."""
    kind = type(value)
    return any(kind is each for each in _DATA)


def _by_rule(words: list[str]) -> Secrecy:
    if words[-1] in _LAST or words[-1].endswith(_ENDINGS):
        return Secrecy.ALWAYS
    if words[-1].endswith("token") and _HARMLESS.isdisjoint(words[:-1]):
        return Secrecy.DATA
    return Secrecy.DATA if words == ["auth"] else Secrecy.NONE


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORDS.findall(name)]
