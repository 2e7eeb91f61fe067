"""Prints are read back by a scanner's eye."""

from __future__ import annotations

import shutil
import subprocess

import pytest

zxing = pytest.importorskip("zxingcpp")


def ok(answer):
    assert answer.is_success, answer.text
    return answer


@pytest.fixture
def order(client):
    ok(client.post("/api/v1/mes/edges", json={"id": "e1"}))
    ok(client.post("/api/v1/mes/stations", json={"id": "S1", "edge": "e1"}))
    item = {"id": "VA-10", "name": "<b>Valve</b>", "name_zh": "阀", "gtin": "4012345678901"}
    ok(client.post("/api/v1/mes/items", json=item))
    operations = [{"operation": "10", "name": "Turning", "name_zh": "车削", "stations": ["S1"]}]
    ok(
        client.post(
            "/api/v1/mes/routings", json={"id": "R", "item": "VA-10", "operations": operations}
        )
    )
    ok(
        client.post(
            "/api/v1/mes/work-orders", json={"id": "WO-7", "item": "VA-10", "quantity": "5"}
        )
    )


def codes_in(pdf: bytes, folder) -> set[str]:
    if shutil.which("pdftoppm") is None:
        pytest.skip("pdftoppm is not installed")
    (folder / "print.pdf").write_bytes(pdf)
    subprocess.run(["pdftoppm", "-r", "200", "-png", "print.pdf", "page"], cwd=folder, check=True)
    from PIL import Image

    found: set[str] = set()
    for page in sorted(folder.glob("page*.png")):
        with Image.open(page) as image:
            found |= {code.text for code in zxing.read_barcodes(image)}
    return found


def test_a_traveller_carries_the_codes_of_order_and_operations(client, order, tmp_path) -> None:
    refused = client.get("/api/v1/mes/prints/travellers/WO-7")
    assert refused.json()["code"] == "mes.order_state"
    ok(client.post("/api/v1/mes/work-orders/WO-7/release"))

    answer = ok(client.get("/api/v1/mes/prints/travellers/WO-7"))
    assert answer.headers["content-type"] == "application/pdf"
    assert codes_in(answer.content, tmp_path) == {"WO-7", "WO-7/10"}


def test_badges_are_read_as_they_are_stored(client, tmp_path) -> None:
    ok(client.post("/api/v1/mes/persons", json={"id": "P-1", "name": "王芳", "badge": "B-1001"}))
    answer = ok(client.get("/api/v1/mes/prints/badges", params={"person": "P-1"}))
    assert codes_in(answer.content, tmp_path) == {"B-1001"}


def test_a_unit_label_is_a_digital_link_where_the_item_has_a_gtin(client, order, tmp_path) -> None:
    params = {"item": "VA-10", "serial": ["VA-1", "VA-2"]}
    answer = ok(client.get("/api/v1/mes/prints/unit-labels", params=params))
    assert codes_in(answer.content, tmp_path) == {
        "https://id.gs1.org/01/04012345678901/21/VA-1",
        "https://id.gs1.org/01/04012345678901/21/VA-2",
    }


def test_zpl_never_takes_a_serial_number_for_a_command(client, order) -> None:
    params = {"item": "VA-10", "serial": "A^XZ~JA\\", "format": "zpl"}
    text = ok(client.get("/api/v1/mes/prints/unit-labels", params=params)).text
    assert text.count("^XZ") == 1
    assert "~JA" not in text
    assert "A\\5EXZ\\7EJA\\5C" in text
