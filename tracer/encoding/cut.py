"""Values past their budget: a head, the size, and where reading is cheap a digest of the rest.

A digest of 16 bytes covers the whole; one of 8 bytes covers samples only; none means that nothing beyond the head was looked at.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from tracer import wire
from tracer.encoding import budget
from tracer.encoding.looks import heavy
from tracer.encoding.redact import Secrecy
from tracer.values import SAMPLED_DIGEST, WHOLE_DIGEST

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracer.encoding.walk import Walk

_SMALL_INT_BYTES: Final = 512
_REMEMBERED_SIZES: Final = 4096


def truncated(walk: Walk, name: str, size: int, heads: list[bytes], digest: bytes = b"") -> bytes:
    """Return a cut value and count it. `heads` are the bytes of the items that are kept."""
    walk.shared.lost("truncated", name)
    return truncation(walk.pack, name, size, heads, digest)


def truncation(
    pack: Callable[[Any], bytes], name: str, size: int | None, heads: list[bytes], digest: bytes = b""
) -> bytes:
    """Return a cut value; a size of None is not known."""
    head = wire.array_header(len(heads)) + b"".join(heads)
    return wire.extension(wire.TRUNCATED, b"".join((wire.array_header(4), pack(name), pack(size), head, pack(digest))))


def bare(walk: Walk, name: str, size: int) -> bytes:
    """Return a cut value of which nothing is kept but its size. Remembered: where a budget ends, there are many."""
    known = walk.shared.bare.get((name, size))
    if known is None:
        if len(walk.shared.bare) >= _REMEMBERED_SIZES:
            walk.shared.bare.clear()
        known = walk.shared.bare[name, size] = truncated(walk, name, size, [])
    else:
        walk.shared.lost("truncated", name)
    return known


def container(walk: Walk, name: str, size: int, items: list[Any]) -> bytes:
    """Return a container cut to its first items, which share what is left of the budget."""
    if walk.nodes <= 0 or walk.level >= budget.MAX_LEVELS:
        return bare(walk, name, size)
    return truncated(walk, name, size, _heads(walk, items[: min(budget.HEAD_ITEMS, walk.nodes)]))


def pairs(walk: Walk, name: str, size: int, keys: list[Any], values: list[Any]) -> bytes:
    """Return a mapping or an object of that size cut to its first pairs, each a tuple of key and value."""
    if walk.nodes <= 0 or walk.level >= budget.MAX_LEVELS:
        return bare(walk, name, size)
    items, judged = [], []
    for key, value in zip(keys[: min(budget.HEAD_ITEMS, walk.nodes)], values, strict=False):
        items += [key, value]
        judged += [Secrecy.NONE, walk.shared.judge.key(key)]
    heads = _heads(walk, items, judged)
    header = wire.array_header(2)
    found = [wire.extension(wire.TUPLE, header + heads[at] + heads[at + 1]) for at in range(0, len(heads), 2)]
    return truncated(walk, name, size, found)


def _heads(walk: Walk, items: list[Any], judged: list[Secrecy] | None = None) -> list[bytes]:
    walk.nodes = max(0, walk.nodes - len(items))
    walk.level += 1
    heads = walk.shares(items, heavy(items), judged)
    walk.level -= 1
    return heads


def long_text(walk: Walk, text: str, name: str = "str") -> bytes:
    """Return a long str cut: its size in characters, its head, and a digest of its UTF-8 form."""
    normalise = walk.shared.texts.text
    if len(text) > budget.WHOLE_BYTES:
        samples = [normalise(part) for part in _sample_parts(text)]
        digest = _digest([part.encode("utf-8", "surrogatepass") for part in samples], SAMPLED_DIGEST)
    else:
        whole = text.encode("utf-8", "surrogatepass")
        if walk.shared.texts.found(whole):
            text = normalise(text)
            whole = text.encode("utf-8", "surrogatepass")
        digest = _digest([whole], WHOLE_DIGEST)
    head = normalise(text[: 4 * budget.HEAD_BYTES])[: budget.HEAD_BYTES]
    return truncated(walk, name, len(text), [_text_head(walk, head)], digest)


def _text_head(walk: Walk, head: str) -> bytes:
    try:
        return walk.pack(head)
    except UnicodeEncodeError:
        return wire.extension(wire.STR, head.encode("utf-8", "surrogatepass"))


def long_bytes(walk: Walk, name: str, data: bytes | bytearray | memoryview) -> bytes:
    """Return bytes cut. `data` is exact, or a flat view of unsigned bytes."""
    head = walk.pack(_hidden(walk, data[: 4 * budget.HEAD_BYTES])[: budget.HEAD_BYTES])
    if len(data) > budget.WHOLE_BYTES:
        digest = _digest([_hidden(walk, part) for part in _sample_parts(data)], SAMPLED_DIGEST)
    else:
        data = _hidden(walk, data)
        digest = _digest([data], WHOLE_DIGEST)
    return truncated(walk, name, len(data), [head], digest)


def _hidden(walk: Walk, data: bytes | bytearray | memoryview) -> bytes:
    """Return bytes without the secrets in them."""
    whole = bytes(data)
    return walk.shared.texts.data(whole) if walk.shared.texts.hides(whole) else whole


def bytes_digest(data: bytes | bytearray | memoryview) -> bytes:
    """Return the digest of bytes: of the whole, or of samples where there are too many."""
    if len(data) > budget.WHOLE_BYTES:
        return _digest(_sample_parts(data), SAMPLED_DIGEST)
    return _digest([data], WHOLE_DIGEST)


def _sample_parts(data: Any) -> list[Any]:
    """Return pieces of bytes or text at even strides, the first and the last among them."""
    stride = (len(data) - budget.SAMPLE_BYTES) // (budget.SAMPLES - 1)
    starts = [*range(0, stride * (budget.SAMPLES - 1), stride), len(data) - budget.SAMPLE_BYTES]
    return [data[start : start + budget.SAMPLE_BYTES] for start in starts]


def _digest(parts: list[Any], size: int) -> bytes:
    state = blake2b(digest_size=size)
    for part in parts:
        state.update(part)
    return state.digest()


def big_int(walk: Walk, number: int) -> bytes:
    """Return an int beyond 64 bits, cut where its bytes are more than the budget has left."""
    size = number.bit_length() // 8 + 1
    if size > max(walk.bytes, _SMALL_INT_BYTES):
        if size > budget.WHOLE_BYTES:
            return truncated(walk, "int", size, [])
        return truncated(walk, "int", size, [], bytes_digest(number.to_bytes(size, "big", signed=True)))
    walk.bytes -= size
    return wire.extension(wire.BIG_INT, number.to_bytes(size, "big", signed=True))
