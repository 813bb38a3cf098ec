"""Secrets inside texts: by what they look like, and by the names they stand under (`password=...`, `Authorization: ...`, `"api_key": "..."`).

What is found becomes `<redacted>` before the text is kept, compared, digested or told. Most texts are looked at no longer than it takes
to see that they hold no mark of a secret; the C beside (native_secrets.h) looks for the same marks.
"""

from __future__ import annotations

import importlib
import re
from enum import IntEnum
from functools import cache
from math import log2
from typing import TYPE_CHECKING, Any, Final

from tracer.encoding import shapes
from tracer.encoding.redact import Redactor, Secrecy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

HIDDEN: Final = "<redacted>"
SHORTEST: Final = 7
"""Bytes; nothing shorter holds a secret that is known by its text (`pwd=abc`)."""


# As numbers: looking for bytes in bytes costs six times as much.
_EQUALS, _COLON, _PERCENT, _DASH = b"=:%-"


class Look(IntEnum):
    """Which texts are looked at beside those with the mark of a shape. The numbers are those of native_secrets.h."""

    STEMS = 0  # those with a pair whose name holds a stem: names that are secret by default
    PAIRS = 1  # those with any pair: the user has secret names of their own
    ALL = 2


_STEM: Final = (
    "pass|pwd|secret|auth(?!or(?!iz))|bearer|credential|token|session|csrf|jwt|cookie|sig"
    r"|(?:api|access|private|signing|encryption|account)[ _\-]?key"
)
"""In every name that is secret by default, and in the names of signatures in URLs; in lower case."""

_SEPARATOR: Final = r"[\\\"'\]]{0,4}\s{0,4}(?:=>|:=|=|:(?!:)|%3[DdAa])\s{0,4}"
_NAMED: Final = rf"(?:{_STEM})[\w.\-]{{0,40}}"
_ANY_NAME: Final = r"\w[\w.\-]{0,40}"
_LOWER: Final = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_HEAD: Final = re.compile(r"(?:[A-Za-z]\w{0,30} )?[\w.\-]{0,40}\Z", re.ASCII)
_LONGEST_HEAD: Final = 72
_QUOTED: Final = re.compile(r"(\\{0,3}[\"'])([\s\S]*?)(?:\1|\Z)")
_BARE: Final = re.compile(r"[^\s\"'&;,)}\]>]+")
_LINE: Final = re.compile(r"[^\r\n]+")
_FLAG: Final = rf"(?<![^\s\"'])(--([\w-]{{0,40}}(?i:{_STEM})[\w-]{{0,40}})[ \t]+)(?![-\s])(?:\"[^\"]*\"?|'[^']*'?|\S+)"
_HARMLESS: Final = frozenset({"none", "null", "nil", "true", "false", "undefined", "...", HIDDEN, HIDDEN[:-1]})
_CREDENTIAL: Final = re.compile(r"(?=.*\d)[\w.~+/=%-]{8,}\Z|[\w.~+/=%-]{20,}\Z", re.ASCII)
_IN_TEXTS: Final = re.compile(r"(?i)(?:account|shared.?access)[ _-]?(?:key|signature)\Z|(?:^|[^a-z])sig(?:nature)?\Z")
"""Names that are of a secret where they stand in a URL or a connection string; those of parameters are too often of something else."""


_RANDOM: Final = re.compile(r"(?<![\w+/=.-])[\w+/=.-]{20,200}(?![\w+/=.-])", re.ASCII)
_DIGEST: Final = re.compile(r"[0-9a-fA-F]{32,}\Z")
_MOST_ORDER: Final = 4.2  # bits per character: words and paths have fewer, random letters and digits more
_MOST_ORDER_HEX: Final = 3.0


class Secrets:
    """Takes secrets out of texts.

    `redactor` judges the names of pairs. `patterns` are more shapes, as regular expressions; `function` (`module:function`) is called
    with each text and returns it without its secrets; `entropy` takes what looks random for a secret.
    """

    def __init__(
        self,
        redactor: Redactor | None = None,
        patterns: Iterable[str] = (),
        function: str = "",
        *,
        entropy: bool = False,
    ) -> None:
        redactor = redactor or Redactor()
        self._judge = redactor.secret
        self._patterns = tuple(re.compile(pattern) for pattern in patterns)
        self._function = function
        self._entropy = entropy
        self._called: Callable[[str], Any] | None = None
        self.look = Look.STEMS if redactor.default else Look.PAIRS
        self._pair = f"({_NAMED if redactor.default else _ANY_NAME})({_SEPARATOR})"
        if self._patterns or function or entropy:
            self.look = Look.ALL

    def found(self, data: bytes) -> bool:
        """Say whether encoded bytes may hold a secret."""
        if self.look is Look.ALL:
            return True
        if len(data) < SHORTEST:
            return False
        paired = _EQUALS in data or _COLON in data or _PERCENT in data
        if self.look is Look.PAIRS and paired:
            return True
        marked, named = _marks()
        return marked.search(data) is not None or ((paired or _DASH in data) and named.search(data.lower()) is not None)

    def text(self, text: str) -> str:
        """Return the text with `<redacted>` in place of each secret."""
        text = shapes.without(text, HIDDEN)
        text = _compiled(_FLAG).sub(self._flag, text) if "--" in text else text
        return self._by_the_user(self._without_pairs(text, colons=True))

    def name(self, name: str) -> str:
        """Return the name of a test, a lane or a cassette without the secrets in it. A colon in one is no pair's: it ends a module."""
        return self._by_the_user(self._without_pairs(shapes.without(name, HIDDEN), colons=False))

    def data(self, data: bytes) -> bytes:
        """Return bytes without the secrets in them."""
        return self.text(data.decode("latin-1")).encode("latin-1", "replace")

    def words(self, words: Iterable[str]) -> tuple[str, ...]:
        """Return the words of a command without their secrets: what follows a flag of a secret name is one."""
        told: list[str] = []
        secret = False
        for word in words:
            told.append(HIDDEN if secret and not word.startswith("-") else self.text(word))
            secret = word.startswith("--") and "=" not in word and self._judge(word) is not Secrecy.NONE
        return tuple(told)

    def _by_the_user(self, text: str) -> str:
        for pattern in self._patterns:
            text = pattern.sub(HIDDEN, text)
        if self._entropy:
            text = _RANDOM.sub(lambda found: HIDDEN if _is_random(found[0]) else found[0], text)
        return self._asked(text) if self._function else text

    def _asked(self, text: str) -> str:
        """Return what the user's function makes of a text; nothing of it where that fails."""
        try:
            if self._called is None:
                module, _, name = self._function.partition(":")
                self._called = getattr(importlib.import_module(module), name)
            told = self._called(text)
        except Exception:  # noqa: BLE001  (the user's code; what it could not judge is not kept)
            return HIDDEN
        return told if type(told) is str else HIDDEN

    def _flag(self, found: re.Match[str]) -> str:
        return found[1] + HIDDEN if self._judge(found[2]) is Secrecy.ALWAYS else found[0]

    def _without_pairs(self, text: str, *, colons: bool) -> str:
        """Return the text without what stands under the names of secrets."""
        lowered = text.lower() if text.isascii() else text.translate(_LOWER)  # `lower` may make other letters more
        told: list[str] = []
        done = at = 0
        pair = _compiled(self._pair)
        while found := pair.search(lowered, at):
            at = found.end()
            if colons or ":" not in found[2]:
                start, stop = self._secret_after(text, found, done)
                if stop > start:
                    told += (text[done:start], HIDDEN)
                    done = at = stop
        return "".join((*told, text[done:])) if told else text

    def _secret_after(self, text: str, pair: re.Match[str], floor: int) -> tuple[int, int]:
        """Return where the secret of a pair begins and ends; both the same where there is none."""
        head = _HEAD.search(text, max(floor, pair.start() - _LONGEST_HEAD), pair.start())
        phrase = (head[0] if head else "") + text[slice(*pair.span(1))]
        name, start = phrase.rpartition(" ")[2], pair.end()
        secrecy = self._secrecy(name, phrase)
        quoted = _QUOTED.match(text, start)
        if secrecy is Secrecy.NONE or (not quoted and _is_place(name, pair[2])):
            return start, start
        if not quoted and ":" in pair[2] and name.lower().endswith(("authorization", "cookie")):
            line = _LINE.match(text, start)
            return (start, line.end()) if line and line[0] != HIDDEN else (start, start)
        value = quoted or _BARE.match(text, start)
        if value is None:
            return start, start
        inside = value.span(2) if quoted else value.span()
        shown = text[slice(*inside)]
        if shown.lower() in _HARMLESS or (secrecy is Secrecy.DATA and not _CREDENTIAL.match(shown)):
            return start, start
        return inside

    def _secrecy(self, name: str, phrase: str) -> Secrecy:
        """Judge a name, with the word before it where it says nothing alone: `api key`."""
        found = self._judge(name) or (self._judge(phrase) if phrase != name else Secrecy.NONE)
        return found or (Secrecy.DATA if _IN_TEXTS.search(name) else Secrecy.NONE)


@cache
def _marks() -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    """Return what finds the marks of shapes, and of pairs and flags in lower case: what native_secrets.h looks for."""
    shaped = "|".join((*map(re.escape, shapes.MARKS), r":/[^\s]{1,700}@", shapes.CARD))
    return re.compile(shaped.encode()), re.compile(rf"{_NAMED}{_SEPARATOR}|--[\w-]{{0,40}}(?:{_STEM})".encode())


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII)


def _is_place(name: str, separator: str) -> bool:
    """Whether it is a place in code rather than a pair: `shop.secrets:load`, `test_password.py:12`."""
    return ("." in name and separator == ":") or name.endswith(".py")


def _is_random(text: str) -> bool:
    """Whether a run of characters is more mixed than words are: letters and digits, each about as often as any other."""
    if not any(map(str.isdigit, text)) or not any(map(str.isalpha, text)):
        return False
    shares = [text.count(char) / len(text) for char in set(text)]
    order = -sum(share * log2(share) for share in shares)
    return order >= (_MOST_ORDER_HEX if _DIGEST.match(text) else min(_MOST_ORDER, log2(len(text)) - 0.7))
