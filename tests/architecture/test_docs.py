"""Documentation that cannot lie: links, licences, length of the README."""

import re
from email.message import Message
from importlib import metadata
from pathlib import Path
from typing import cast

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    page
    for page in [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "lineside").rglob("*.md"),
    ]
    if "node_modules" not in page.parts
]
README_LINES_MAX = 80
# Licence fields that name (A)GPL among others to choose from.
CHOICE_OF_LICENCES = {
    "pyphen": "MPL 1.1 is one of its three",
    "text-unidecode": "Artistic License",
    "codespell": "a tool that is run beside the code, neither imported nor shipped",
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target and not target.startswith("mailto:"):
            assert (page.parent / target).exists(), f"{target} does not exist"


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= README_LINES_MAX


def test_no_dependency_is_gpl() -> None:
    """GPL and AGPL are refused; LGPL as a dependency is fine."""
    names = re.findall(r"^([a-z0-9._-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    for name in names:
        try:
            fields = cast("Message", metadata.metadata(name))
        except metadata.PackageNotFoundError:
            continue  # for another platform
        texts = [fields.get("License-Expression") or fields.get("License") or ""]
        texts += [c for c in fields.get_all("Classifier") or [] if c.startswith("License")]
        bad = re.search(
            r"(?<!L)(?<!Lesser )(AGPL|GPL|GNU General Public|GNU Affero)", " ".join(texts)[:2000]
        )
        assert bad is None or name.lower() in CHOICE_OF_LICENCES, f"{name}: {texts}"


def test_lock_files_carry_no_addresses() -> None:
    for lock in [
        ROOT / "requirements.lock",
        *ROOT.glob("web/package-lock.json"),
        *ROOT.glob("tests/peers/*/package-lock.json"),
    ]:
        assert not re.search(r'"resolved": "http|index-url|://[^"]*\.tgz', lock.read_text()), (
            lock.name
        )


def test_every_event_word_of_the_house_is_in_the_glossary() -> None:
    glossary = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")
    for word in (
        "work_unit",
        "serial_unit",
        "work_order",
        "goods_receipt",
        "payment_receipt",
        "passport",
        "act",
        "epoch",
    ):
        assert f"**{word}**" in glossary, word
