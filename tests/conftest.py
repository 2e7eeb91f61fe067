"""What holds for every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """A program run inside a test sets the log up for its own, captured streams; undo that."""
    yield
    structlog.reset_defaults()
