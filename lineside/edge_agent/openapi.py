"""Prints the schema of the terminal's API: `python -m lineside.edge_agent.openapi`."""

from __future__ import annotations

import json
import sys
from typing import Any, cast

from lineside.edge_agent.terminal.api import Desk, build_api


def schema() -> dict[str, Any]:
    """The OpenAPI document of the edge; routes are declared without an agent behind them."""
    return build_api(cast(Desk, None)).openapi()


def main() -> None:
    """Print the document to standard output."""
    sys.stdout.write(json.dumps(schema(), indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
