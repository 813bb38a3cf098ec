"""Values, names and texts that a stranger would put into a cassette."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from tracer import wire

if TYPE_CHECKING:
    from random import Random

TEXTS = (
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7*7 }}{% for x in y %}",
    "\x1b[2J\x1b]0;owned\x07",
    "\x1b]8;;http://evil\x1b\\click\x1b]8;;\x1b\\",
    "\x9b31m\x90$q\x9c\x85",
    "a\u202eb\u2066c\u200bd\ufeff",
    "\r\n::error title=x::pwned\n::set-output name=a::b",
    "%0A::add-mask::x",
    "=HYPERLINK('http://evil')",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "| a | b |\n|---|---|\n`` ` ``",
    "![x](http://evil/a.png) [b](javascript:alert(1)) @everyone #1 http://evil",
    "```\n%%{init: {}}%%\nend; #35;",
    "]]>&xxe;<!ENTITY x SYSTEM 'file:///etc/passwd'>",
    "\x00\x01\x08\x0b\x1f\x7f\ufffe\uffff",
    "../../../../etc/passwd",
    "/etc/passwd",
    "a/../../b\x00c",
    "\ud800\udfff",
    "".join(map(chr, range(0x2028, 0x2030))),
    "x" * 5000,
    "\U0001f469\u200d\U0001f469" * 40,
    "",
    "\u017fK\u0130\u00df",
    "a:b:c::d..e[*][",
    "module:<locals>.<lambda>",
    "/(a+)+$/",
    "*" * 60,
)
"""Each tries one way out of a report, a terminal, a page or a folder."""

_pack = wire.packer()


def text(random: Random) -> str:
    """Return a text of the list, or a few of them together."""
    return "".join(random.choice(TEXTS) for _ in range(random.choice((1, 1, 1, 2, 3))))


def number(random: Random) -> int:
    """Return a number near a limit."""
    near = random.choice((0, 1, 2, 127, 255, 2**15, 2**16, 2**24, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**63, 2**64 - 1))
    return min(max(0, near + random.choice((-1, 0, 0, 1))), 2**64 - 1)


def packed(value: object) -> bytes:
    """Return a value as msgpack, lone surrogates as the recorder writes them."""
    try:
        return _pack(value)
    except UnicodeEncodeError:
        return wire.extension(wire.STR, str(value).encode("utf-8", "surrogatepass"))


def snapshot(random: Random, depth: int = 0) -> bytes:
    """Return the bytes of a value: well-formed and odd, deep, referring to itself, or no value at all."""
    return random.choice(_BROKEN if random.random() < 0.15 else _WHOLE)(random, depth)


def _array(random: Random, depth: int, count: int | None = None) -> bytes:
    count = random.randint(0, 4) if count is None or depth > 5 else count
    return wire.array_header(count) + b"".join(
        snapshot(random, depth + 1) if depth < 5 else b"\xc0" for _ in range(count)
    )


def _scalar(random: Random, _: int) -> bytes:
    value = random.choice(
        (None, True, 0, -1, 2**63, -(2**63), 1.5, float("nan"), float("inf"), b"\xff\x00", text(random))
    )
    return packed(value)


def _map(random: Random, depth: int) -> bytes:
    count = random.randint(0, 3)
    pairs = (packed(text(random)) + (snapshot(random, depth + 1) if depth < 5 else b"\xc0") for _ in range(count))
    return wire.map_header(count) + b"".join(pairs)


def _object(random: Random, depth: int) -> bytes:
    names = [text(random).encode("ascii", "ignore").decode() for _ in range(random.randint(0, 3))]
    form = random.choice(("plain", "dataclass", "exception", "namedtuple", "attrs", "nonsense"))
    head = wire.array_header(random.choice((4, 5))) + packed(text(random)) + packed(form) + packed(names)
    return wire.extension(wire.OBJECT, head + _array(random, depth, len(names)) + _scalar(random, depth))


def _atom(random: Random, _: int) -> bytes:
    name = random.choice(
        ("decimal:Decimal", "datetime:datetime", "builtins:range", "pathlib:PosixPath", "x:E", "uuid:UUID")
    )
    texts = ("1" * 9000, "NaN", "1e999999", "2020-99-99", "range(0, 10)", text(random))
    return wire.extension(wire.ATOM, wire.array_header(2) + packed(name) + packed(random.choice(texts)))


def _reference(random: Random, _: int) -> bytes:
    return wire.extension(wire.REFERENCE, packed(random.choice((0, 1, 2, 5, number(random)))))


def _cut(random: Random, depth: int) -> bytes:
    size = packed(random.choice((None, number(random), -1)))
    digest = packed(random.choice((b"", b"d" * 8, b"d" * 16, "text")))
    name = random.choice(("list", "dict", "str", "bytes", "shop:Cart"))
    return wire.extension(wire.TRUNCATED, wire.array_header(4) + packed(name) + size + _array(random, depth) + digest)


def _small(random: Random, _: int) -> bytes:
    parts = wire.array_header(2) + packed(text(random)) + packed(random.choice((text(random), number(random))))
    return wire.extension(random.choice((wire.NAMED, wire.OPAQUE, wire.ATOM)), parts)


def _container(random: Random, depth: int) -> bytes:
    code = random.choice((wire.TUPLE, wire.SET, wire.FROZENSET, wire.MAPPING))
    return wire.extension(code, _array(random, depth))


def _loop(random: Random, _: int) -> bytes:
    """Return lists that hold references to themselves and to each other."""
    loop = wire.extension(wire.REFERENCE, packed(random.choice((0, 1))))
    return wire.array_header(2) + loop + wire.array_header(2) + loop + loop


def _big(random: Random, _: int) -> bytes:
    return wire.extension(
        wire.BIG_INT, bytes((random.choice((0, 1, 0x7F, 0xFF)),)) * random.choice((1, 9, 600, 20_000))
    )


def _deep(random: Random, _: int) -> bytes:
    """Return nesting: of arrays, or of extensions, which msgpack does not count together."""
    depth = random.choice((10, 400, 511, 513, 1023, 1025, 20_000, 1_000_000))
    if random.random() < 0.5 or depth > 1025:
        return b"\x91" * depth + b"\xc0"
    data = b"\xc0"
    for _ in range(depth):
        data = wire.extension(wire.TUPLE, wire.array_header(1) + data)
    return data


def _huge(random: Random, _: int) -> bytes:
    """Return a header that tells of far more than follows."""
    marker = random.choice((b"\xdd", b"\xdf", b"\xdb", b"\xc6", b"\xc9"))
    return marker + struct.pack(">I", number(random) & 0xFFFFFFFF) + b"\x01" * random.randint(0, 9)


def _noise(random: Random, _: int) -> bytes:
    return random.randbytes(random.randint(0, 40))


def _wrong(random: Random, _: int) -> bytes:
    """Return an extension with the payload of another."""
    return wire.extension(random.randint(0, 40), _scalar(random, 0) + random.randbytes(random.randint(0, 3)))


_WHOLE = (_scalar, _scalar, _array, _map, _object, _object, _atom, _reference, _cut, _small, _container, _loop, _big)
_BROKEN = (_deep, _huge, _noise, _wrong)
