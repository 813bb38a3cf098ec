"""The only home of msgpack: packers, extension types, and what each extension holds.

A snapshot's bytes are one msgpack value. Exact None, bool, int (64 bits), float, str, bytes, list and dict with
exact str keys are msgpack's own types; everything else is one of the extension types below, whose payload
is itself msgpack. `strict_types` keeps subclasses from losing their type.

The payload of each extension type (`tracer.encoding.encode` writes them, `tracer.decode` reads them):

    BIG_INT     signed big-endian two's complement bytes
    TUPLE       array of items
    SET         array of items, sorted by their encoded bytes
    FROZENSET   array of items, sorted by their encoded bytes
    MAPPING     array [key, value, key, value, ...], for a dict with any other key than exact str
    BYTEARRAY   the bytes
    STR         UTF-8 with surrogatepass, for a str that holds lone surrogates
    ATOM        array [type, text]
    OBJECT      array [type, form, [field name, ...], [field value, ...]] or with a fifth element, the payload
    NAMED       array [kind, name]; the kind is class, function, module or method (a function bound to something)
    OPAQUE      array [type, ordinal]
    REFERENCE   the ordinal
    TRUNCATED   array [type, size or nil, [head, ...], digest]
    REDACTED    nothing
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import msgpack

if TYPE_CHECKING:
    from collections.abc import Callable

BIG_INT: Final = 1
TUPLE: Final = 2
SET: Final = 3
FROZENSET: Final = 4
MAPPING: Final = 5
BYTEARRAY: Final = 6
STR: Final = 7
ATOM: Final = 8
OBJECT: Final = 9
NAMED: Final = 10
OPAQUE: Final = 11
REFERENCE: Final = 12
TRUNCATED: Final = 13
REDACTED: Final = 14

# msgpack's C unpacker stops at 1,024 levels of its own; extension payloads start a new count each, so the reader counts too.
MAX_DEPTH: Final = 512

Extension = msgpack.ExtType
OutOfData = msgpack.OutOfData
Unpacker = msgpack.Unpacker


def packer(default: Callable[[Any], Any] | None = None) -> Callable[[Any], bytes]:
    """Return a reusable pack function. One per thread: a packer that is entered twice corrupts its buffer."""
    pack: Callable[[Any], bytes] = msgpack.Packer(default=default, strict_types=True, use_bin_type=True).pack
    return pack


def pack_whatever(value: Any) -> bytes:
    """Return plain containers as msgpack, what it cannot hold in them as text: lone surrogates (a command line, a name), large integers."""
    pack = packer(str)
    try:
        return pack(value)
    except (UnicodeEncodeError, OverflowError, ValueError):
        return packer(str)(_printable(value))


def _printable(value: Any) -> Any:
    """Return the value with every text in it as UTF-8 can hold it, and large integers as text."""
    match value:
        case str():
            return value.encode("utf-8", "backslashreplace").decode()
        case dict():
            return {_printable(key): _printable(item) for key, item in value.items()}
        case list() | tuple():
            return [_printable(item) for item in value]
        case int() if value.bit_length() > 63:  # noqa: PLR2004  (what msgpack can hold)
            return str(value)
        case _:
            return value


def unpack(data: bytes | memoryview, extension: Callable[[int, bytes], Any] = Extension) -> Any:
    """Read exactly one msgpack value.

    Raises:
        ValueError: the bytes are not one whole value (msgpack's own errors are subclasses or siblings, all turned into it).
    """
    try:
        return msgpack.unpackb(
            data,
            ext_hook=extension,
            use_list=True,
            raw=False,
            strict_map_key=False,
            # The size of the input bounds each of these, so a huge declared size cannot allocate more than the file.
            max_str_len=len(data),
            max_bin_len=len(data),
            max_array_len=len(data),
            max_map_len=len(data),
            max_ext_len=len(data),
        )
    except ValueError:
        raise
    except (msgpack.UnpackException, TypeError, RecursionError, OverflowError) as error:
        message = f"not one msgpack value ({type(error).__name__})"
        raise ValueError(message) from error


def unpack_own(data: bytes, extension: Callable[[int, bytes], Any]) -> Any:
    """As `unpack`, for one value whose bytes were checked before; twice as fast."""
    try:
        return msgpack.unpackb(data, ext_hook=extension, strict_map_key=False)
    except (msgpack.UnpackException, TypeError, RecursionError, OverflowError) as error:
        message = f"not one msgpack value ({type(error).__name__})"
        raise ValueError(message) from error


def array_header(count: int) -> bytes:
    """Return the msgpack header of an array of `count` items, to be followed by their bytes."""
    if count < 16:  # noqa: PLR2004  (the fixarray limit of the msgpack specification)
        return bytes((0x90 | count,))
    if count < 0x10000:  # noqa: PLR2004
        return b"\xdc" + count.to_bytes(2, "big")
    return b"\xdd" + count.to_bytes(4, "big")


def map_header(count: int) -> bytes:
    """Return the msgpack header of a map of `count` pairs, to be followed by their bytes."""
    if count < 16:  # noqa: PLR2004  (the fixmap limit of the msgpack specification)
        return bytes((0x80 | count,))
    if count < 0x10000:  # noqa: PLR2004
        return b"\xde" + count.to_bytes(2, "big")
    return b"\xdf" + count.to_bytes(4, "big")


_FIXED_EXTENSIONS: Final = {1: 0xD4, 2: 0xD5, 4: 0xD6, 8: 0xD7, 16: 0xD8}


def extension(code: int, payload: bytes) -> bytes:
    """Return an extension value, in the form the packer itself gives an `Extension`, so that equal payloads have equal bytes."""
    size = len(payload)
    if 16 < size < 0x100:  # noqa: PLR2004  (the ext8 limit of the msgpack specification, and the largest fixed one: most are between)
        return bytes((0xC7, size, code)) + payload
    if size in _FIXED_EXTENSIONS:
        return bytes((_FIXED_EXTENSIONS[size], code)) + payload
    if size < 16:  # noqa: PLR2004
        return bytes((0xC7, size, code)) + payload
    if size < 0x10000:  # noqa: PLR2004
        return b"\xc8" + size.to_bytes(2, "big") + b"%c" % code + payload
    return b"\xc9" + size.to_bytes(4, "big") + b"%c" % code + payload


def split_array(data: bytes) -> list[bytes]:
    """Return the bytes of each element of one msgpack array, without reading them.

    Raises:
        ValueError: the bytes are not one whole array.
    """
    # The size of the input bounds every length in it.
    unpacker = Unpacker(max_buffer_size=len(data) + 1, strict_map_key=False)
    unpacker.feed(data)
    try:
        count = unpacker.read_array_header()
        ends = [unpacker.tell()]
        for _ in range(count):
            unpacker.skip()
            ends.append(unpacker.tell())
    except OutOfData as error:
        raise ValueError("an array is cut short") from error
    if ends[-1] != len(data):
        raise ValueError("something follows an array")
    return [data[start:end] for start, end in pairwise(ends)]
