"""The vectors of the contract "lineside-gs1/1"."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from lineside.contracts.scancode import parse, to_json

_DOCUMENT = json.loads(
    (Path(__file__).parents[3] / "cases" / "gs1-vectors.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("case", _DOCUMENT["cases"], ids=lambda case: case["id"])
def test_vector(case):
    options = {**_DOCUMENT["default_options"], **case.get("options", {})}

    result = parse(
        case["scan"],
        separators=frozenset(options["separators"]),
        reference_date=date.fromisoformat(options["reference_date"]),
        allow_hri=options["allow_hri"],
    )

    assert to_json(result) == case["expected"]
