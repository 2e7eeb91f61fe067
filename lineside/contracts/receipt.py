"""The sentence of a delivery receipt, the same at edge and central."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sentence:
    """In Chinese and English."""

    zh: str
    en: str


def receipt_sentence(*, through: int, pending: int, dropped: int, edge: str = "") -> Sentence:
    """How far central has what an edge recorded, in words for anyone.

    Args:
        through: Central has every fact up to it, but for the dropped ones.
        pending: Facts after it.
        dropped: Facts that nobody has any more, ever.
        edge: Whose; empty where there is only one.
    """
    return Sentence(
        zh=f"中央已收到{f' {edge} 的' if edge else ''}全部记录，直到 #{through:,}；"
        f"待传 {pending:,} 条；累计丢失 {dropped:,} 条。",
        en=f"Central has everything{f' of {edge}' if edge else ''} up to #{through:,};"
        f" {pending:,} pending; {dropped:,} ever dropped.",
    )
