"""Receipts on paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shop.money import rounded

if TYPE_CHECKING:
    from shop.checkout import Receipt

WIDTH = 36


def printed(receipt: Receipt) -> str:
    """Return a receipt as text."""
    rows = [f"Receipt for {receipt.customer}"]
    rows += [_row(f"{line.quantity} x {line.title}", str(rounded(line.net))) for line in receipt.lines]
    rows += [_row("net", str(receipt.net)), _row("VAT", str(receipt.tax)), _row("total", str(receipt.total))]
    return "\n".join(rows)


def _row(left: str, right: str) -> str:
    return left + right.rjust(WIDTH - len(left))
