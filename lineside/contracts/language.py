"""Which of our languages a reader prefers; all that people see exists in both."""

from __future__ import annotations

from typing import Literal

Language = Literal["en", "zh-CN"]
ENGLISH: Language = "en"
CHINESE: Language = "zh-CN"
PARTS_MAX = 20


def language_of(accept_language: str) -> Language:
    """The language that an `Accept-Language` header prefers among ours; English when in doubt."""
    best: tuple[float, Language] = (0.0, ENGLISH)
    for part in accept_language.split(",")[:PARTS_MAX]:
        tag, _, rest = part.strip().partition(";")
        language = tag.strip().lower().split("-")[0]
        if language not in {"zh", "en"}:
            continue
        weight = _weight(rest)
        if weight > best[0]:
            best = (weight, CHINESE if language == "zh" else ENGLISH)
    return best[1]


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if not parameters.strip():
        return 1.0
    try:
        return min(1.0, float(value)) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0
