"""The house's own import contract finds what it shall find."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[2]
_spec = importlib.util.spec_from_file_location(
    "domain_privacy", ROOT / "deploy" / "dev" / "domain_privacy.py"
)
assert _spec is not None
assert _spec.loader is not None
domain_privacy = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(domain_privacy)


def check(*imports: tuple[str, str]):
    graph = grimp.ImportGraph()
    for domain in ("orders", "items"):
        graph.add_module(f"c.{domain}")
        for module in ("service", "notices", "errors", "entities"):
            graph.add_module(f"c.{domain}.{module}")
    graph.add_module("c.wiring")
    for importer, imported in imports:
        graph.add_import(importer=f"c.{importer}", imported=f"c.{imported}")
    contract = domain_privacy.DomainPrivacy(
        name="domain privacy", session_options={}, contract_options={"root": "c"}
    )
    return contract.check(graph, verbose=False)


@pytest.mark.parametrize("face", ["service", "notices", "errors"])
def test_domains_meet_at_their_faces(face: str) -> None:
    assert check(("orders.service", f"items.{face}"), ("items.service", "items.entities")).kept


def test_what_is_behind_the_face_belongs_to_the_domain_alone() -> None:
    found = check(("orders.service", "items.entities"))

    assert not found.kept
    assert found.metadata["past"] == ["c.orders.service -> c.items.entities"]


def test_domains_do_not_call_each_other() -> None:
    """If A calls B, B answers A by a notice."""
    found = check(("orders.service", "items.service"), ("items.service", "orders.errors"))

    assert not found.kept
    assert set(found.metadata["circle"]) == {"c.orders", "c.items"}


def test_where_domains_are_put_together_everything_may_be_seen() -> None:
    assert check(("wiring", "items.entities"), ("wiring", "orders.service")).kept
