"""The component that calls: `run_KIND(n)` makes n calls, or resumptions, of that kind and nothing else."""

# ruff: noqa: SIM105  (a context manager would be measured too)
import library

LINE = "a longer value of some thirty characters"
ROW = {"id": 7, "name": "tea", "price": 12.5, "stock": 40, "tags": None}
ROWS = [1.5] * 100
BODY = "a line of a text that is long, as bodies of messages are\n" * 2000
BLOB = b"@\x8f\x40\x00\x00\x00\x00\x00" * 100
DATA = {"rows": [{"id": number, "values": [1, 2, 3]} for number in range(20)]}
POINT = library.Point(1, 2)
CART = library.Cart()
SHELF = library.Shelf()
STORE = library.Store(10_000)
NODES = [library.Node(number) for number in range(64)]
for number in range(1, 64):
    NODES[number // 4].below.append(NODES[number])


def run_small(n):
    f = library.small
    for _ in range(n):
        f(1, 2)


def run_varied(n):
    f = library.varied
    for number in range(n):
        f(number, "b")


def run_text(n):
    f = library.text
    for _ in range(n):
        f("a name", value=LINE)


def run_flat(n):
    f = library.flat
    for _ in range(n):
        f(ROW)


def run_medium(n):
    f = library.medium
    for _ in range(n):
        f(ROWS, LINE)


def run_large(n):
    f = library.large
    for _ in range(n):
        f(BODY)


def run_blob(n):
    f = library.large
    for _ in range(n):
        f(BLOB)


def run_nested(n):
    f = library.nested
    for _ in range(n):
        f(DATA)


def run_plain(n):
    f = library.plain
    for _ in range(n):
        f(POINT)


def run_method(n):
    f = CART.total
    for _ in range(n):
        f(2)


def run_through(n):
    f = SHELF.get  # of the standard library, which calls back
    for _ in range(n):
        f("tea")


def run_graph(n):
    f, node = library.graph, NODES[0]
    for _ in range(n):
        f(node)


def run_state(n):
    f = STORE.find
    for _ in range(n):
        f(2)


def run_array(n):
    import numpy as np  # noqa: PLC0415  (only this kind needs it)

    f, values = library.array, np.arange(100.0).reshape(10, 10)
    for _ in range(n):
        f(values)


def run_stream(n):
    for _ in range(n // 10):
        for _ in library.resumed(10):
            pass


def run_awaited(n):
    f = library.awaited
    for _ in range(n):
        try:
            f(1).send(None)
        except StopIteration:
            pass


def run_astream(n):
    for _ in range(n // 10):
        items = library.astream(10)
        for _ in range(11):
            try:
                items.__anext__().send(None)
            except (StopIteration, StopAsyncIteration):
                pass


def run_fails(n):
    f = library.fails
    for _ in range(n):
        try:
            f(1)
        except ValueError:
            pass


def run_nothing(n):
    for _ in range(n):
        pass
