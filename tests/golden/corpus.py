"""A corpus: the folder of one release.

- `about.json`: edge, epoch, head, schema, protocol, hash of the desired state, begin and end.
- `up.jsonl`: messages to central as they were on the wire, in order: topic, QoS, payload (Base64).
- `down.jsonl`: the desired state as the release's central sends it.
- `types.jsonl.zst`: one full example of every type of event, as the release stores it.
- `journal.db.zst`, `desired.db.zst`: what the agent left on its disk.
- `agent.tar.xz`: the agent itself, where it runs against the present central.
- `expected.json`: what the present central makes of it, and the hash of that.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zstandard

CORPORA = Path(__file__).parent / "releases"
FILES = ("journal.db", "desired.db")


@dataclass(frozen=True, slots=True)
class WireMessage:
    """One message as it was on the wire."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Corpus:
    """What is kept of one release."""

    folder: Path

    @property
    def name(self) -> str:
        """The release."""
        return self.folder.name

    @property
    def about(self) -> dict[str, Any]:
        """What the recording says about itself."""
        return json.loads((self.folder / "about.json").read_text(encoding="utf-8"))

    @property
    def expected(self) -> dict[str, Any]:
        """The state of central after this corpus, with its hash."""
        return json.loads((self.folder / "expected.json").read_text(encoding="utf-8"))

    def messages(self, direction: str) -> list[WireMessage]:
        """The messages that rose (`up`) or descended (`down`), in order."""
        lines = (self.folder / f"{direction}.jsonl").read_text(encoding="utf-8").splitlines()
        found = [json.loads(line) for line in lines]
        return [WireMessage(one["topic"], base64.b64decode(one["payload"])) for one in found]

    def types(self) -> list[bytes]:
        """Stored bytes of one full example of every event type."""
        return self._unpacked("types.jsonl").splitlines()

    def leave_in(self, folder: Path) -> None:
        """Put the agent's files where an agent finds them."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            (folder / name).write_bytes(self._unpacked(name))

    @property
    def has_agent(self) -> bool:
        """Whether the agent itself is kept."""
        return (self.folder / "agent.tar.xz").exists()

    def unpack_agent(self, folder: Path) -> Path:
        """Put the agent's code into a folder, which goes first on the path."""
        data = (self.folder / "agent.tar.xz").read_bytes()
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:xz") as archive:
            archive.extractall(folder, filter="data")
        return folder

    def _unpacked(self, name: str) -> bytes:
        return zstandard.ZstdDecompressor().decompress((self.folder / f"{name}.zst").read_bytes())


def corpora() -> list[Corpus]:
    """All that are kept, the oldest first."""
    return [Corpus(path.parent) for path in sorted(CORPORA.glob("*/about.json"))]


def state_hash(state: dict[str, Any]) -> str:
    """SHA-256 of a state in one form of writing, hexadecimal."""
    text = json.dumps(state, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
