"""A program of known calls: `python program.py N` makes about N calls of nine kinds whose values differ from call to call.

With a second argument it also pickles the arguments and the result of each call into that file, as somebody would who keeps them by hand.
"""

import os
import pickle
import sys
from pathlib import Path

import library


def made(number):
    """Return the calls of one turn: callable and arguments."""
    row = {"id": number, "name": f"tea {number % 7}", "price": number / 4, "stock": 40, "tags": None}
    lines = [{"id": number + at, "values": [1, 2, number]} for at in range(5)]
    return (
        (library.small, (number, 2)),
        (library.text, (f"name {number}", "a longer value of some thirty characters")),
        (library.flat, (row,)),
        (library.medium, ([1.5] * 100, f"label {number % 3}")),
        (library.nested, ({"rows": lines},)),
        (library.plain, (library.Point(number, 2),)),
        (library.Cart.total, (CART, number)),
        (library.graph, (library.Node(number),)),
        (library.listed, (number,)),
    )


CART = library.Cart()


def main(calls, kept=os.devnull):
    keep = kept != os.devnull
    with Path(kept).open("wb") as out:
        for number in range(calls // 9):
            for function, arguments in made(number):
                before = pickle.dumps(arguments, 5) if keep else b""
                result = function(*arguments)
                if keep:
                    out.write(before + pickle.dumps(result, 5))


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
