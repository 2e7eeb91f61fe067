"""The package that `make package` built: the real agent, installed, updated and taken back."""

from __future__ import annotations

import io
import os
import platform
import re
import sys
import tarfile
import tomllib
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
INSTALL_S = 170


def _built() -> Path:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    file = ROOT / f"dist/lineside-edge-{version}-{os.uname().machine}.run"
    if not file.is_file():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{file.name} is not built: make package")
        pytest.skip(f"{file.name} is not built: make package")
    return file


def _as_version(build, file: Path, version: str, folder: Path) -> Path:
    """The same wheels under another name of a release."""
    data = file.read_bytes()
    lines = int(re.search(rb"^lines=(\d+)$", data, re.MULTILINE)[1])  # pyright: ignore[reportOptionalSubscript]
    at = 0
    for _ in range(lines):
        at = data.index(b"\n", at) + 1
    folder.mkdir()
    with tarfile.open(fileobj=io.BytesIO(data[at:])) as archive:
        archive.extractall(folder, filter="data")
    made = folder / "next.run"
    made.write_bytes(
        build.assemble(
            folder / "wheels",
            (folder / "requirements.txt").read_text(),
            version=version,
            machine=os.uname().machine,
            pythons=[".".join(platform.python_version_tuple()[:2])],
        )
    )
    return made


@pytest.mark.timeout(600)
@pytest.mark.fault("F-63")
def test_the_real_agent_installs_updates_and_goes_back(computer, build, tmp_path):
    file = _built()
    status, said = computer.install(file, wait_s=INSTALL_S)
    assert status == 0, said
    computer.running()
    with urllib.request.urlopen(f"http://127.0.0.1:{computer.port}/", timeout=10) as page:
        assert b"<script" in page.read()
    head = computer.answers()["head_seq"]

    newer = _as_version(build, file, "999.0.0", tmp_path / "next")
    status, said = computer.install(newer, wait_s=INSTALL_S)
    assert status == 0, said
    away = re.search(r"away for ([0-9.]+) s", said)
    assert away is not None, said
    sys.stdout.write(f"The terminal was {away[0]}.\n")
    assert float(away[1]) <= 10
    computer.running()
    assert computer.answers()["head_seq"] > head  # the same journal goes on
    assert computer.link("current") == "999.0.0"

    status, said = computer.update("--back")
    assert status == 0, said
    computer.running()
    assert computer.link("current") != "999.0.0"
