"""Base of everything that a terminal shows."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class View(BaseModel):
    """Base of everything that is shown."""

    model_config = ConfigDict(frozen=True)


class Text(View):
    """Words for people, in both languages."""

    zh: str
    en: str
