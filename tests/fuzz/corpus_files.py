"""The saved inputs: one JSON file a target, readable in a review."""

from __future__ import annotations

import json
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"


def load(folder: Path, target: str) -> list[bytes]:
    """Saved inputs of a target; each text stands for the bytes of its Latin-1 characters."""
    path = folder / f"{target}.json"
    if not path.exists():
        return []
    return [text.encode("latin-1") for text in json.loads(path.read_text(encoding="utf-8"))]


def save(folder: Path, target: str, inputs: list[bytes]) -> None:
    """Write the inputs of a target, each once, sorted."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = sorted({data.decode("latin-1") for data in inputs})
    text = json.dumps(texts, ensure_ascii=True, indent=0)
    (folder / f"{target}.json").write_text(text + "\n", encoding="utf-8")
