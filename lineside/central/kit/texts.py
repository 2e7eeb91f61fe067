"""What central says to people in Chinese, from `texts.toml`; English stands in the errors."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from lineside.contracts.language import CHINESE, language_of

__all__ = ["CHINESE", "chinese", "language_of", "table"]
Table = dict[str, dict[str, str]]


@cache
def table() -> Table:
    """The Chinese texts by section and key."""
    text = files("lineside.central.kit").joinpath("texts.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def chinese(section: str, key: str, values: Mapping[str, object]) -> str | None:
    """A text with its values filled in; None where there is none.

    Args:
        section: `detail`, `hint` or `field`.
        key: Code of the error, or the validator's name for a field's problem.
        values: By the names in the text; a missing one shows as a dash.
    """
    found = table()[section].get(key)
    if found is None:
        return None
    return found.format_map(defaultdict(lambda: "-", _named(values)))


def _named(values: Mapping[str, object]) -> dict[str, str]:
    names = table()["what"]
    return {
        name: names.get(str(value).lower(), str(value)) if name == "what" else _shown(value)
        for name, value in values.items()
        if value not in ("", None)
    }


def _shown(value: object) -> str:
    if isinstance(value, list | tuple):
        return "、".join(str(one) for one in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return str(value)
