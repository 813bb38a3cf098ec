"""Value added tax."""

from __future__ import annotations

from decimal import Decimal

RATES = {"food": Decimal("0.07"), "books": Decimal("0.07"), "goods": Decimal("0.19")}


def vat(net: Decimal, category: str) -> Decimal:
    """Return the tax on a net price."""
    return net * RATES[category]
