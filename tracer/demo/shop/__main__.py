"""Serves three customers and prints their receipts."""

from __future__ import annotations

import sys

from shop.cart import Cart
from shop.catalog import UnknownProduct
from shop.checkout import checkout
from shop.printing import printed

ORDERS = {
    "Ana": ("tea", "cup", "cup"),
    "Bo": ("rice", "rice", "rice", "book"),
    "Kim": ("pot", "sugar", "tea", "tea"),
}


def put(cart: Cart, sku: str) -> str:
    """Put one piece into the cart; return what to tell the customer where that cannot be done."""
    try:
        cart.put(sku)
    except UnknownProduct as unknown:
        return f"(sorry, no {unknown})\n"
    return ""


def main() -> None:
    """Print a receipt for each order."""
    for customer, order in ORDERS.items():
        cart = Cart(customer)
        excuses = [put(cart, sku) for sku in order]
        sys.stdout.write(f"{''.join(excuses)}{printed(checkout(cart))}\n\n")


if __name__ == "__main__":
    main()
