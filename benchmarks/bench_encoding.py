"""What encoding costs beside the bare packer: `pytest benchmarks/bench_encoding.py` (needs pytest-benchmark).

The packer's rows take what it can take of the same values: it sees no identity, no names, no classes. Those of the walk stand for the walk
in C, where that was built, and for the one in Python.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgpack
import pytest

from tracer.decode import decode
from tracer.encoding import walks
from tracer.encoding.encode import Encoder
from tracer.encoding.paths import PathNormaliser
from tracer.encoding.redact import Redactor

ENCODER = Encoder(redactor=Redactor(), paths=PathNormaliser("/home/ann/project"))
WALKS = {
    "native" if walks.in_use() else "as built": ENCODER,
    "pure": Encoder(redactor=Redactor(), paths=PathNormaliser("/home/ann/project"), pure=True),
}
PACK = msgpack.Packer(strict_types=True).pack


@dataclass
class Line:
    sku: str
    count: int
    price: float


class Cart:
    def __init__(self) -> None:
        self.lines = [Line("a", 1, 2.5), Line("b", 2, 3.5)]
        self.coupon = None


class Node:
    def __init__(self, number, below):
        self.number = number
        self.name = f"node {number}"
        self.below = below


def graph():
    """64 plain objects: a tree with references across."""
    nodes = [Node(0, [])]
    for number in range(1, 64):
        nodes.append(Node(number, []))
        nodes[number // 4].below.append(nodes[number])
    return nodes[0]


def numbers():
    numpy = pytest.importorskip("numpy")
    return numpy.arange(100.0).reshape(10, 10)


NATIVE = {
    "scalars": (1, "abc", 2.5),
    "flat list": ([1, 2, 3, 4],),
    "flat dict": ({"sku": "a", "count": 1},),
    "nested": ({"rows": [{"sku": "a", "tags": ["x", "y"]}, {"sku": "b", "tags": []}]},),
    "large text": ("x" * 100_000,),
}
OTHERS = {
    "object": lambda: (Line("a", 1, 2.5),),
    "object graph": lambda: (Cart(),),
    "tuple and empty keywords": lambda: ((1, 2), {}),
    "plain object graph": lambda: (graph(),),
    "dicts and lists": lambda: (
        [{"id": at, "tags": ["a", "b"], "price": {"net": 1.5, "tax": None}} for at in range(15)],
    ),
    "wide dict, cut": lambda: ({f"key {at}": [at] for at in range(500)},),
    "past the budget": lambda: (list(range(100_000)),),
    "array": lambda: (numbers(),),
}


@pytest.mark.parametrize("name", NATIVE)
def test_packer(benchmark, name):
    benchmark(PACK, list(NATIVE[name]))


@pytest.mark.parametrize("name", NATIVE)
def test_encoder(benchmark, name):
    benchmark(ENCODER.arguments, NATIVE[name], None, False)


@pytest.mark.parametrize("walk", WALKS)
@pytest.mark.parametrize("name", OTHERS)
def test_walk(benchmark, name, walk):
    benchmark(WALKS[walk].arguments, OTHERS[name](), None, True)


@pytest.mark.parametrize("walk", WALKS)
def test_outcome(benchmark, walk):
    benchmark(WALKS[walk].value, graph())


@pytest.mark.parametrize("name", ["nested", "flat dict"])
def test_decode(benchmark, name):
    benchmark(decode, ENCODER.arguments(NATIVE[name], None, True))
