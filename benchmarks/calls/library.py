"""The component that is called: one callable for each kind of call that benchmarks and the guard measure."""

# ruff: noqa: ARG001, UP028  (what is called takes what it is given, item by item)
import collections.abc
import dataclasses


@dataclasses.dataclass
class Point:
    x: int
    y: int


class Node:
    def __init__(self, number):
        self.number = number
        self.name = f"node {number}"
        self.below = []


class Cart:
    def __init__(self):
        self.items = {"tea": 2, "cup": 1}
        self.owner = "Ana"

    def total(self, rate):
        return 3.5 * rate


class Shelf(collections.abc.Mapping):
    def __getitem__(self, key):
        return 1

    def __len__(self):
        return 1

    def __iter__(self):
        return iter(("tea",))


class Store:
    """Its state is far larger than what one call looks at."""

    def __init__(self, size):
        self.rows = {f"row {number}": [number] for number in range(size)}

    def find(self, number):
        return number


def small(a, b):
    return a


def varied(a, b):
    return b


def text(name, value):
    return name


def flat(row):
    return row


def medium(rows, label):
    return label


def large(body):
    return len(body)


def nested(data):
    return len(data)


def plain(point):
    return point.x


def graph(node):
    return node.number


def array(values):
    return values


def resumed(n):
    for number in range(n):
        yield number


async def awaited(a):
    return a


async def astream(n):
    for number in range(n):
        yield number


def fails(a):
    raise ValueError(a)


def loop_small(number):
    for _ in range(number):
        small(1, 2)


def loop_nothing(number):
    for _ in range(number):
        pass


def loop_resumed(number):
    for _ in resumed(number):
        pass


def listed(number):
    return [number, number + 1, str(number)]
