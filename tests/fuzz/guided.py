# pyright: basic
"""One target under atheris: `python -m tests.fuzz.guided TARGET CORPUS -max_total_time=60`."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["lineside"]):  # pyright: ignore[reportAttributeAccessIssue]
    from .judge import judge
    from .targets import TARGETS


def main() -> None:
    """Run until libFuzzer ends the process."""
    target = sys.argv.pop(1)
    assert target in TARGETS

    def once(data: bytes) -> None:
        judge(target, data)

    atheris.Setup(sys.argv, once)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
