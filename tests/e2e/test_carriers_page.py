"""Carriers at the terminal: put in, taken out, and a part of a lot moved on."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from .browsing import opened_page, scan, too_small


def verdict(page: Page, words: str) -> None:
    """The largest words on the screen say this."""
    expect(page.locator(".verdict__word")).to_contain_text(words)


def why(page: Page, words: str) -> None:
    """The sentences below the verdict say this."""
    expect(page.locator(".verdict")).to_contain_text(words)


def move_lot(page: Page, code: str, carrier: str, quantity: str) -> None:
    """A part of a lot by the dialog of carriers, opened and confirmed by scanner."""
    scan(page, "CMD-CARRIER")
    dialog = page.locator("dialog[open]")
    expect(dialog).to_be_visible()
    dialog.get_by_label("Number of the carrier").fill(carrier)
    scan(page, "CMD-LOT")
    dialog.get_by_role("textbox", name="Piece or lot").fill("LOT-BAR-1")
    dialog.get_by_role("textbox", name="Quantity").fill(quantity)
    assert too_small(page) == []
    scan(page, code)
    expect(dialog).to_have_count(0)


def test_pieces_and_parts_of_a_lot_go_into_a_carrier_and_out_again(browser, edge):
    """A piece by two scans; a part of a lot into one carrier, some of it on into another."""
    with opened_page(browser, edge.address) as page:
        page.goto(f"{edge.address}/?station=TURN&lang=en&gap=1000")
        expect(page.locator(".commands button").first).to_be_visible()
        for raw, words in (
            ("B-1042", "Signed on"),
            ("WO-417", "Order started"),
            ("LOT-BAR-1", "Mounted"),
            ("SP18-0001", "You may process it"),
            ("CMD-FINISH", "Finished, good"),
            ("CAR-1", "is empty"),
            ("SP18-0001", "Put in"),
        ):
            scan(page, raw)
            verdict(page, words)
        why(page, "SP18-0001 → CAR-1 (1 in it)")
        expect(page.locator(".entry").first).to_contain_text("CAR-1")
        page.wait_for_timeout(300)  # the same scan within 0.2 s is a slip of the hand
        scan(page, "CAR-1")
        verdict(page, "Carrier CAR-1")
        scan(page, "SP18-0001")
        verdict(page, "Taken out")

        move_lot(page, "CMD-PUT", "CAR-2", "3")
        verdict(page, "Put in")
        move_lot(page, "CMD-TAKE", "CAR-2", "2")
        why(page, "LOT-BAR-1 out of CAR-2 (2")
        move_lot(page, "CMD-PUT", "CAR-3", "2")
        why(page, "LOT-BAR-1 → CAR-3")
        page.wait_for_timeout(300)
        for carrier, left in (("CAR-2", "1"), ("CAR-3", "2")):
            scan(page, carrier)
            verdict(page, f"Carrier {carrier}: {left}")
            why(page, "LOT-BAR-1")
            scan(page, "CMD-NO")
