"""The sheet of command codes is read back by a scanner's eye."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from lineside.contracts.command_codes import CALL_TOPICS, COMMAND_GROUPS
from lineside.edge_agent.terminal.commands import command_list
from lineside.edge_agent.terminal.shift_acts import TOPICS

zxing = pytest.importorskip("zxingcpp")
TERMINAL = Path(__file__).parents[3] / "web" / "apps" / "terminal" / "src"


def codes_in(pdf: bytes, folder: Path) -> set[str]:
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


def always() -> set[str]:
    groups = {one.code for group in COMMAND_GROUPS for one in group.commands}
    return groups | {one.code for one in CALL_TOPICS}


@pytest.fixture
def reasons(client) -> None:
    for body in (
        {"kind": "stop", "code": "MAT", "en": "No material", "zh": "缺料"},
        {"kind": "defect", "code": "DIM", "en": "Out of <b>dimension", "zh": "尺寸超差"},
    ):
        answer = client.post("/api/v1/mes/reasons", json=body)
        assert answer.is_success, answer.text


@pytest.mark.parametrize("code", ["qr", "code128"])
def test_each_code_of_the_sheet_is_read(client, reasons, tmp_path, code) -> None:
    answer = client.get("/api/v1/mes/prints/commands", params={"code": code}, timeout=60)

    assert answer.headers["content-type"] == "application/pdf"
    assert codes_in(answer.content, tmp_path) == always() | {"CMD-REASON-MAT", "CMD-DEFECT-DIM"}


def test_the_sheet_has_every_command_that_the_agent_offers() -> None:
    offered = {command.code for command in command_list()}
    offered |= {f"CMD-CALL-{topic}" for topic in TOPICS}

    assert offered - always() == set()


def test_the_sheet_has_every_command_that_the_screen_shows() -> None:
    shown: set[str] = set()
    for file in TERMINAL.rglob("*.ts*"):
        shown |= set(re.findall(r"\"(CMD-[A-Z][A-Z-]*)\"", file.read_text(encoding="utf-8")))

    assert {code for code in shown if not code.endswith("-")} - always() == set()


def test_who_may_not_print_gets_no_sheet(client, token_of) -> None:
    headers = {"Authorization": f"Bearer {token_of()}"}

    assert client.get("/api/v1/mes/prints/commands", headers=headers).status_code == 403
