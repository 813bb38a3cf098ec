"""From a cart to a receipt."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from shop.money import rounded
from shop.pricing import net_price
from shop.tax import vat

if TYPE_CHECKING:
    from shop.cart import Cart


@dataclass(frozen=True)
class Line:
    """One row of a receipt."""

    title: str
    quantity: int
    net: Decimal
    tax: Decimal


@dataclass(frozen=True)
class Receipt:
    """What the customer pays, and for what."""

    customer: str
    lines: tuple[Line, ...]
    net: Decimal
    tax: Decimal

    @property
    def total(self) -> Decimal:
        """The price with tax."""
        return self.net + self.tax


def checkout(cart: Cart) -> Receipt:
    """Return the receipt for a cart."""
    lines = []
    for product, quantity in cart.items():
        net = net_price(product, quantity)
        lines.append(Line(product.title, quantity, net, vat(net, product.category)))
    net = rounded(sum((line.net for line in lines), Decimal(0)))
    tax = rounded(sum((line.tax for line in lines), Decimal(0)))
    return Receipt(cart.customer, tuple(lines), net, tax)
