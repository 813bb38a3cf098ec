"""The demo shop prints the same receipts before and after its refactoring, and yet behaves otherwise inside."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tracer.demo.project import SHOP, apply_change, prepare
from tracer.errors import TracerError

if TYPE_CHECKING:
    from pathlib import Path

TAXES = """
from shop.tax import vat
from shop.catalog import SHELF
print([str(vat(product.price, product.category)) for product in SHELF])
"""
UNLUCKY = """
from shop.cart import Cart
from shop.checkout import checkout
cart = Cart("Lee")
for sku in ("pot", "tea", "rice"):
    cart.put(sku)
print(checkout(cart).total)
"""


def run(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-B", "-W", "error", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def before_and_after(folder: Path, *arguments: str) -> tuple[str, str]:
    prepare(folder)
    before = run(folder, *arguments)
    apply_change(folder)
    return before, run(folder, *arguments)


def test_the_receipts_stay_the_same(tmp_path: Path) -> None:
    before, after = before_and_after(tmp_path, "-m", "shop")

    assert before == after
    assert "Receipt for Ana\n1 x Green tea, 250 g           12.90\n" in before


def test_every_receipt_is_printed_and_the_unknown_product_is_told(tmp_path: Path) -> None:
    prepare(tmp_path)
    printed = run(tmp_path, "-m", "shop")

    assert [line.split()[-1] for line in printed.splitlines() if line.startswith("Receipt")] == ["Ana", "Bo", "Kim"]
    assert "(sorry, no sugar)" in printed


def test_the_tax_handed_to_callers_changes(tmp_path: Path) -> None:
    before, after = before_and_after(tmp_path, "-c", TAXES)

    assert before != after


def test_another_cart_would_have_cost_something_else(tmp_path: Path) -> None:
    before, after = before_and_after(tmp_path, "-c", UNLUCKY)

    assert before != after


def test_the_copy_holds_sources_only_and_the_package_stays_as_it_was(tmp_path: Path) -> None:
    packaged = {path.name: path.read_bytes() for path in SHOP.glob("*.py")}

    before_and_after(tmp_path, "-m", "shop")

    assert {path.name for path in (tmp_path / "shop").iterdir()} == set(packaged)
    assert {path.name: path.read_bytes() for path in SHOP.glob("*.py")} == packaged


def test_a_shop_that_is_there_already_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()

    with pytest.raises(TracerError, match="a shop stands there already"):
        prepare(tmp_path)
    assert not list((tmp_path / "shop").iterdir())


def test_a_shop_edited_by_hand_is_not_half_changed(tmp_path: Path) -> None:
    prepare(tmp_path)
    pricing, tax = tmp_path / "shop" / "pricing.py", tmp_path / "shop" / "tax.py"
    pricing.write_text("")
    text = tax.read_text()

    with pytest.raises(TracerError, match=r"pricing\.py was edited"):
        apply_change(tmp_path)
    assert tax.read_text() == text
