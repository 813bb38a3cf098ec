"""What the shop sells."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


class UnknownProduct(LookupError):
    """The shop sells nothing of that name."""


@dataclass(frozen=True)
class Product:
    """One thing on the shelf, with its net price for one piece."""

    sku: str
    title: str
    category: str
    price: Decimal


SHELF = (
    Product("tea", "Green tea, 250 g", "food", Decimal("12.90")),
    Product("rice", "Rice, 1 kg", "food", Decimal("3.45")),
    Product("cup", "Cup, blue", "goods", Decimal("8.20")),
    Product("book", "The Book of Tea", "books", Decimal("14.00")),
    Product("pot", "Teapot, cast iron", "goods", Decimal("49.95")),
)


def find(sku: str) -> Product:
    """Return the product of that name.

    Raises:
        UnknownProduct: there is none.
    """
    for product in SHELF:
        if product.sku == sku:
            return product
    raise UnknownProduct(sku)
