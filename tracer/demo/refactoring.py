"""A refactoring of the demo shop that looks harmless: every printed receipt stays the same.

Amounts are now rounded where they arise, so that nobody has to remember to do it later, and a loop became a
comprehension. One of these edits changes what a function hands to its callers, and for some carts what a customer pays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Edit:
    """One replacement in a file of the shop. `before` stands in it exactly once."""

    file: str
    before: str
    after: str


EDITS: Final = (
    Edit(
        "tax.py",
        "from decimal import Decimal\n",
        "from decimal import Decimal\n\nfrom shop.money import rounded\n",
    ),
    Edit(
        "tax.py",
        '    """Return the tax on a net price."""\n    return net * RATES[category]\n',
        '    """Return the tax on a net price, in whole cents."""\n    return rounded(net * RATES[category])\n',
    ),
    Edit(
        "checkout.py",
        "    tax = rounded(sum((line.tax for line in lines), Decimal(0)))\n",
        "    tax = sum((line.tax for line in lines), Decimal(0))\n",
    ),
    Edit(
        "pricing.py",
        "    for pieces, part in DISCOUNTS:\n"
        "        if quantity >= pieces:\n"
        "            return part\n"
        "    return Decimal(0)\n",
        "    return next((part for pieces, part in DISCOUNTS if quantity >= pieces), Decimal(0))\n",
    ),
)
