"""Words of the terminal in both languages, from `texts.toml`."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from lineside.edge_agent.terminal.views import Text

_ALIASES = {"order.finished": "order.finished_already"}


@cache
def _table() -> dict[str, dict[str, dict[str, list[str]]]]:
    text = files("lineside.edge_agent.terminal").joinpath("texts.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def codes() -> list[str]:
    """Every code that has words."""
    return sorted(_table()["verdict"])


def words(
    code: str, params: Mapping[str, str], *, refused: bool = False
) -> tuple[Text, Text, Text]:
    """What is the case, why we think so, what to do now.

    Args:
        code: Of the verdict.
        params: Values that the texts name; a missing one shows as a dash.
        refused: An accepted and a refused verdict may share a code (`order.finished`).
    """
    table = _table()["verdict"]
    name = _ALIASES.get(code, code) if refused else code
    entry = table.get(name) or {"zh": [name, "", ""], "en": [name, "", ""]}
    values: defaultdict[str, str] = defaultdict(lambda: "-", {k: v for k, v in params.items() if v})
    what, why, todo = (
        Text(zh=zh.format_map(values), en=en.format_map(values))
        for zh, en in zip(entry["zh"], entry["en"], strict=True)
    )
    return what, why, todo


def entry_text(kind: str, params: Mapping[str, str], topic: tuple[str, str] | None = None) -> Text:
    """The line of an entry in the list.

    Args:
        kind: Event type.
        params: Values that the line names.
        topic: What a call is about, in both languages.
    """
    found = _table()["entry"].get(kind)
    if found is None:
        return Text(zh=kind, en=kind)
    values: defaultdict[str, str] = defaultdict(str, params)
    lines: list[str] = []
    for place, language in enumerate(("zh", "en")):
        if topic is not None:
            values["topic"] = topic[place]
        lines.append(str(found[language]).format_map(values).strip(" ·"))
    return Text(zh=lines[0], en=lines[1])
