"""What the demo prints: a line a second, and the life of a valve."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import httpx

from lineside.sim.operators import Workplace
from lineside.sim.truth import Truth

Json = dict[str, Any]


async def live_line(
    places: Sequence[Workplace], truth: Truth, elapsed_s: float, *, away: bool
) -> str:
    """One line: OEE and first pass yield of each station as its own edge computes them now."""
    parts: list[str] = []
    for place in places:
        try:
            figures: Json = (await place.terminal.state())["figures"]
        except httpx.HTTPError:
            parts.append(f"{place.station.id} does not answer")
            continue
        oee, yields = figures["oee"], figures["first_pass_yield"] or figures["quality_ratio"]
        parts.append(f"{place.station.id} {percent(oee)}/{percent(yields)}")
    sign = "  central away" if away else ""
    return (
        f"{elapsed_s:5.0f} s  valves {len(truth.finished):3}  OEE/yield " + "  ".join(parts) + sign
    )


def percent(share: float | None) -> str:
    """A share as percent; a dash where there is none."""
    return "–" if share is None else f"{share * 100:.0f} %"


def print_trace(answer: Json, say: Callable[[str], None]) -> None:
    """The whole trace of a unit, each line with the event that proves it."""
    history: Json = answer["history"]
    thing = history["thing"]
    say(f"Trace of {thing['item']} {thing['id']} ({history['status']})")
    graph = history["made_from"]
    for node in graph["nodes"]:
        say(f"  {node['kind']} {node['item']} {node['id']}")
        for operation in node["operations"]:
            values = ", ".join(f"{k} {v}" for k, v in operation["parameters"].items())
            people = ", ".join(operation["by"])
            say(
                f"    {operation['order']} operation {operation['operation']} {operation['name']}"
                f" at {operation['station']} by {people} ({operation['shift']}): "
                f"{operation['result']} {values}"
            )
        for line in node["lines"]:
            proof = line["evidence"]
            say(
                f"      {line['occurred_at']}  {line['type']:20} {line['station']:10} "
                f"#{proof['seq']} of {proof['edge']}"
            )
    for link in graph["links"]:
        product, source = graph["nodes"][link["product"]], graph["nodes"][link["source"]]
        say(
            f"  {source['item']} {source['id']} -> {product['item']} {product['id']}: "
            f"{link['relation']} {link['quantity']} {link['unit']}, {link['certainty']}, "
            f"#{link['evidence']['seq']} of {link['evidence']['edge']}"
        )
