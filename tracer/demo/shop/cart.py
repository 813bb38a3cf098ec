"""What a customer is about to buy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shop.catalog import find

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shop.catalog import Product


class Cart:
    """Products and how many of each, in the order they were first put in."""

    def __init__(self, customer: str) -> None:
        self.customer = customer
        self.quantities: dict[str, int] = {}

    def put(self, sku: str, quantity: int = 1) -> None:
        """Put that many pieces in.

        Raises:
            UnknownProduct: the shop does not sell it.
        """
        product = find(sku)
        self.quantities[product.sku] = self.quantities.get(product.sku, 0) + quantity

    def items(self) -> Iterator[tuple[Product, int]]:
        """Yield each product with its quantity."""
        for sku, quantity in self.quantities.items():
            yield find(sku), quantity
