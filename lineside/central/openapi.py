"""Prints the schema of central's API: `python -m lineside.central.openapi`. Needs no database."""

from __future__ import annotations

import json
import sys
from typing import Any

from lineside.central.app import create_app
from lineside.central.config import CentralConfig


def schema() -> dict[str, Any]:
    """The OpenAPI document of central."""
    return create_app(CentralConfig()).openapi()


def main() -> None:
    """Print the document to standard output."""
    sys.stdout.write(json.dumps(schema(), indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
