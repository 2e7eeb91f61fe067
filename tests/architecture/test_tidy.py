"""What no linter knows, as plain tests."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "lineside").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
FILE_LINES_MAX = 400
TEST_LINES_MAX = 600
FUNCTION_LINES_MAX = 60
COMMITS_IN = {"central/kit/unit_of_work.py", "edge_agent/journal/store.py"}
FORBIDDEN_NAMES = {"utils", "helpers", "common", "manager", "misc"}


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_a_file_can_be_read_in_one_sitting(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= FILE_LINES_MAX, f"{lines} lines; split it by what it is about"
    assert path.stem not in FORBIDDEN_NAMES


@pytest.mark.parametrize("path", TESTS, ids=name)
def test_a_test_file_can_be_read_in_one_sitting(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= TEST_LINES_MAX


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_a_function_fits_a_screen(path: Path) -> None:
    if "versions" in path.parts:
        return  # a migration lists tables as they were made
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= FUNCTION_LINES_MAX, f"{node.name} has {length} lines"


def test_only_two_places_commit() -> None:
    found = {
        path.relative_to(ROOT / "lineside").as_posix()
        for path in SOURCES
        if re.search(r"(?<!work)\.commit\(", path.read_text(encoding="utf-8"))
    }
    assert found <= COMMITS_IN, found - COMMITS_IN


@pytest.mark.parametrize("driver", ["opcua", "modbus", "serial_line"])
def test_every_driver_has_the_same_files(driver: str) -> None:
    folder = ROOT / "lineside" / "drivers" / driver
    for required in ("README.md", "sample.toml", "config.py", "driver.py"):
        assert (folder / required).exists(), f"{driver} has no {required}"


def test_generated_files_are_current() -> None:
    """Events page, golden events and schemas are what the declarations say."""
    done = subprocess.run(
        [ROOT / ".venv/bin/python", ROOT / "docs/generate.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_project_speaks_of_itself_alone() -> None:
    """No machine paths in anything that is committed."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    forbidden = re.compile("/" + r"work/|/root/\.|pypi\.org|registry\.npmjs")
    for line in listed:
        path = ROOT / line
        if path.suffix in {".png", ".jpg", ".gz", ".ico", ".woff2"} or not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        found = forbidden.search(text)
        assert found is None, f"{line}: {found and found.group()}"


CENTRAL = ROOT / "lineside" / "central"
DOMAINS = sorted(path.parent for path in CENTRAL.rglob("service.py"))
SYSTEMS = ("crm", "erp", "mes", "pms", "srm", "qms", "fns", "trace")
ROOMS = (*SYSTEMS, "integrations", "reports", "workflow")


@pytest.mark.parametrize("folder", DOMAINS, ids=name)
def test_a_domain_folder_looks_like_every_other(folder: Path) -> None:
    """Nouns in README.md, refusals in errors.py, notices, tables and routes in their own files."""
    assert "Noun" in (folder / "README.md").read_text(encoding="utf-8")
    for path in sorted(folder.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported = {
            f"{node.module}.{alias.name}"
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        web = {found for found in imported if found.startswith(("fastapi", "starlette"))}
        if path.stem in {"service", "queries", "entities", "errors", "notices", "handlers"}:
            assert not web, f"{path.name} knows of HTTP: {web}"
        if path.stem == "service":
            assert "sqlalchemy.text" not in imported, "hand-written SQL stands in queries.py"
        for node in ast.walk(tree):
            bases = (
                {ast.unparse(base).split("[")[0] for base in node.bases}
                if isinstance(node, ast.ClassDef)
                else set[str]()
            )
            if any(base.endswith("Error") for base in bases):
                assert path.stem == "errors", f"{path.name}: refusals stand in errors.py"
            if "Base" in bases:
                assert path.stem == "entities", f"{path.name}: entities stand in entities.py"


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_of_the_house_exists(room: str) -> None:
    """Also the empty ones, with what they will hold, so that the import contracts know them."""
    folder = CENTRAL / room
    assert (folder / "__init__.py").is_file()
    assert "Noun" in (folder / "README.md").read_text(encoding="utf-8") or room == "mes"
