"""What a release's own decoder makes of a corpus; run with that release first on the path."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path

import zstandard

from lineside.contracts.codec import decode_event
from lineside.contracts.envelope import Batch, Hello, Live, unpack
from lineside.contracts.errors import InvalidMessageError

KINDS = {"hello": Hello, "facts": Batch, "live": Live}


def main(folder: Path) -> None:
    """Print what was read: head, events, the types that it cannot read."""
    head = events = 0
    unread: list[str] = []
    for line in (folder / "up.jsonl").read_text(encoding="utf-8").splitlines():
        sent = json.loads(line)
        kind = KINDS[sent["topic"].rpartition("/")[2]]
        message = unpack(base64.b64decode(sent["payload"]), kind)
        if isinstance(message, Hello):
            head = message.head_seq
        if isinstance(message, Batch):
            for group in message.groups:
                events += sum(bool(decode_event(bytes(one))) for one in group.events)
    packed = (folder / "types.jsonl.zst").read_bytes()
    for data in zstandard.ZstdDecompressor().decompress(packed).splitlines():
        try:
            decode_event(data)
        except InvalidMessageError:
            unread.append(json.loads(data)["type"])
    sys.stdout.write(json.dumps({"head": head, "events": events, "unread_types": unread}))


main(Path(sys.argv[1]))
