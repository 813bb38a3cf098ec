"""What a quantity of a product costs."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shop.catalog import Product

# From this many pieces on, this part of the price is taken off.
DISCOUNTS = ((10, Decimal("0.10")), (3, Decimal("0.05")))


def discount(quantity: int) -> Decimal:
    """Return the part of the price that is taken off."""
    for pieces, part in DISCOUNTS:
        if quantity >= pieces:
            return part
    return Decimal(0)


def net_price(product: Product, quantity: int) -> Decimal:
    """Return the net price of that many pieces."""
    return product.price * quantity * (1 - discount(quantity))
