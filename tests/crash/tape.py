# pyright: basic
"""Records what SQLite asks of a disk, and makes disks as a power cut may leave them.

The model: what was synced is there. Of what was written since, each 512-byte sector is there, is
not there, is half there, or is garbage, independently of all others, so that every order of writes
occurs; truncations and new lengths may or may not have happened. Bytes that nobody wrote to do not
change (the promise of disks on which SQLite's default, "powersafe overwrite", rests). The cut may
fall inside a write.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import apsw

SECTOR = 512


@dataclass(frozen=True, slots=True)
class Op:
    """One request; `kind` is write, truncate, sync, delete, sync directory, or note (what the
    program knew then)."""

    kind: str
    file: str = ""
    offset: int = 0
    data: bytes = b""
    step: int = 0


class Tape:
    """Everything that was asked, in order."""

    def __init__(self) -> None:
        self.ops: list[Op] = []

    def disks(
        self, cuts: list[tuple[int, random.Random]]
    ) -> Iterator[tuple[int, dict[str, bytes]]]:
        """Disks after the power went before operation `cut` was done, or within it.

        Args:
            cuts: Rising, each with the chance that decides about what was not synced.

        Yields:
            The cut and the files by name.
        """
        safe: dict[str, bytearray | None] = {}
        waiting: dict[str, list[Op]] = {}
        done = 0
        for cut, chance in cuts:
            for op in self.ops[done:cut]:
                if op.kind == "sync":
                    safe[op.file] = _apply(safe.get(op.file), waiting.pop(op.file, []), _all)
                elif op.kind == "sync directory":
                    _settle_deletes(safe, waiting)
                elif op.kind != "note":
                    waiting.setdefault(op.file, []).append(op)
            done = cut
            undecided = {name: list(ops) for name, ops in waiting.items()}
            if cut < len(self.ops) and self.ops[cut].kind in {"write", "truncate", "delete"}:
                undecided.setdefault(self.ops[cut].file, []).append(self.ops[cut])
            fate = _habit(chance)
            found = dict(safe)
            for name, ops in sorted(undecided.items()):
                found[name] = _apply(found.get(name), ops, fate)
            yield cut, {name: bytes(data) for name, data in found.items() if data is not None}


def _settle_deletes(safe: dict[str, bytearray | None], waiting: dict[str, list[Op]]) -> None:
    """A synced directory forgets what was deleted before; what came later still waits."""
    for name, ops in waiting.items():
        last = max((at for at, op in enumerate(ops) if op.kind == "delete"), default=-1)
        if last >= 0:
            safe[name] = None
            waiting[name] = ops[last + 1 :]


Fate = Callable[[Op], str]


def _all(_: Op) -> str:
    return "kept"


def _habit(chance: random.Random) -> Callable[[Op], str]:
    """How this disk fails: loses nothing, everything, or sectors with some probability."""
    mood = chance.choice(("all", "none", "mixed", "mixed", "mixed"))
    if mood != "mixed":
        return lambda _: "kept" if mood == "all" else "lost"
    kept = chance.choice((0.1, 0.5, 0.9, 0.99))
    others = chance.choice((("lost",), ("lost", "torn"), ("lost", "torn", "garbled")))
    seeds = random.Random(chance.random())

    def fate(_: Op) -> str:
        return "kept" if seeds.random() < kept else seeds.choice(others)

    return fate


def _apply(before: bytearray | None, ops: list[Op], fate: Fate) -> bytearray | None:
    data = bytearray(before) if before is not None else None
    for op in ops:
        if op.kind == "delete":
            data = None if fate(op) == "kept" else data
        elif op.kind == "truncate":
            if data is not None and fate(op) == "kept":
                del data[op.offset :]
        else:
            data = _write(bytearray() if data is None else data, op, fate)
    return data


def _write(data: bytearray, op: Op, fate: Fate) -> bytearray:
    at = op.offset
    end = op.offset + len(op.data)
    while at < end:
        stop = min(end, (at // SECTOR + 1) * SECTOR)
        piece = op.data[at - op.offset : stop - op.offset]
        verdict = fate(op)
        if verdict == "torn":
            piece = piece[: len(piece) // 2]
        elif verdict == "garbled":
            piece = bytes(byte ^ 0xA5 for byte in piece)
        if verdict != "lost" and piece:
            if len(data) < at:
                data.extend(bytes(at - len(data)))
            data[at : at + len(piece)] = piece
        at = stop
    return data


class RecordingDisk(apsw.VFS):
    """A real disk that writes on a tape what is asked of it. Its random numbers come from a
    seed."""

    def __init__(self, name: str, tape: Tape, seed: int) -> None:
        self._tape = tape
        self._chance = random.Random(seed)
        super().__init__(name, base="unix", makedefault=True)

    def xOpen(self, name, flags):  # noqa: N802
        return _RecordingFile(name, flags, self._tape)

    def xDelete(self, filename, syncdir):  # noqa: N802
        super().xDelete(filename, syncdir)
        self._tape.ops.append(Op("delete", Path(filename).name))
        if syncdir:
            self._tape.ops.append(Op("sync directory"))

    def xRandomness(self, numbytes):  # noqa: N802
        return self._chance.randbytes(numbytes)


class _RecordingFile(apsw.VFSFile):
    def __init__(self, name, flags, tape: Tape) -> None:
        path = name.filename() if isinstance(name, apsw.URIFilename) else (name or "temporary")
        self._name = Path(path).name
        self._tape = tape
        # As the unix VFS does: the first sync of a journal or WAL that may be new syncs the
        # directory.
        kind = apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_MAIN_JOURNAL
        self._new = bool(flags[0] & apsw.SQLITE_OPEN_CREATE and flags[0] & kind)
        super().__init__("unix", name, flags)

    def xWrite(self, data, offset):  # noqa: N802
        super().xWrite(data, offset)
        self._tape.ops.append(Op("write", self._name, offset, bytes(data)))

    def xTruncate(self, newsize):  # noqa: N802
        super().xTruncate(newsize)
        self._tape.ops.append(Op("truncate", self._name, newsize))

    def xSync(self, flags):  # noqa: N802
        # The real file is thrown away: nobody needs its sync, and the recording goes faster.
        self._tape.ops.append(Op("sync", self._name))
        if self._new:
            self._new = False
            self._tape.ops.append(Op("sync directory"))
