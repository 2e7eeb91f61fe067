"""Whatever the moment of a restart: nothing is booked twice, nothing is lost."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

PIECES = 4


@pytest.mark.fault("F-32")
async def test_a_restart_reads_the_sequence_again_and_books_it_once(line_at, tmp_path):
    """Killed between commit and acknowledgement: the acknowledgement is written again, no piece."""
    async with line_at(tmp_path) as line:
        await line.signals(state=6, total=10, scrap=0, sequence=7, ack=7, good=True)
        await line.must("WO-1")
        await line.must("LOT-BAR-1")
        await line.must("SP18-0001")
        await line.signals(total=11, sequence=8, good=True)

    async with line_at(tmp_path, begin=line.clock.now() + 60_000_000) as again:
        assert [job["order"] for job in (await again.screen())["jobs"]] == ["WO-1"]
        await again.signals(state=6, total=13, scrap=0, sequence=8, ack=7, good=True)
        assert again.acknowledged == [8]
        assert len(again.events("unit_finished")) == 1
        assert len(again.events("piece_completed")) == 1
        reading = again.events("counter_read")[-1]
        assert (reading.counter, reading.increment, reading.flags) == ("total", 2, ("over_gap",))
        assert [e.state for e in again.events("state_changed") if e.station == "TURN"] == [
            "UNKNOWN",
            "RUN",
            "UNKNOWN",
            "RUN",
        ]


@pytest.mark.fault("F-51")
async def test_projections_computed_again_from_the_journal_show_the_same(line_at, tmp_path):
    """`figures.db` may be deleted."""
    async with line_at(tmp_path) as line:
        await line.signals(state=6, total=0, scrap=0, sequence=0, good=True)
        await line.must("B-1")
        await line.must("WO-1")
        await line.must("LOT-BAR-1")
        for number in (1, 2):
            await line.must(f"SP18-000{number}")
            await line.signals(total=number, sequence=number, good=number == 1)
        await line.must("LOT-BAR-2")
        await line.must("CMD-UNDO")
        before = await line.screen()
    _forget_figures(tmp_path)

    async with line_at(tmp_path, begin=line.clock.now()) as again:
        after = await again.screen()

    for part in ("jobs", "people", "mounted", "figures"):
        left, right = before[part], after[part]
        if part == "figures":
            left, right = {**left, "through_seq": 0}, {**right, "through_seq": 0}
        assert left == right, part


def _forget_figures(folder: Path) -> None:
    for path in (folder / "data").glob("figures.db*"):
        path.unlink()


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(cuts=st.sets(st.integers(0, PIECES * 3), max_size=4), lost=st.booleans())
@pytest.mark.fault("F-02")
@pytest.mark.fault("F-32")
async def test_restarts_anywhere_book_every_piece_once(line_at, cuts, lost):
    """The agent dies between any two steps of a shift; acts that were cut off are sent again."""
    folder = Path(tempfile.mkdtemp())
    try:
        await _shift(line_at, folder, cuts, lost=lost)
    finally:
        shutil.rmtree(folder)


async def _shift(line_at, folder: Path, cuts: set[int], *, lost: bool) -> None:
    number = 0
    clock = None
    shown = {"state": 6, "total": 0, "scrap": 0, "sequence": 0, "good": True}
    step = 0
    while step <= PIECES * 3:
        async with line_at(folder, begin=clock) as line:
            if step == 0:
                await line.signals(**shown)
                await line.must("WO-1")
                await line.must("LOT-BAR-1")
                step = 1
            else:
                await line.signals(**shown)  # the PLC shows what it showed
            while step <= PIECES * 3:
                piece, phase = divmod(step - 1, 3)
                if phase == 0:
                    body = {
                        "id": f"scan-{piece}", "station": "TURN", "kind": "scan",
                        "raw": f"SP18-{piece:04d}",
                    }  # fmt: skip
                    line.advance(5)
                    for _ in range(2 if lost else 1):
                        answer = (await line.http.post("/api/acts", json=body)).json()
                        assert answer["answer"] == "accepted", answer
                elif phase == 1:
                    number += 1
                    shown |= {"total": number, "sequence": number}
                    await line.signals(**shown)
                else:
                    await line.signals(**shown)
                step += 1
                line.advance(7)
                if step - 1 in cuts:
                    cuts = cuts - {step - 1}
                    break
            clock = line.clock.now()
            if step > PIECES * 3:
                finished = [event.unit.id for event in line.events("unit_finished")]
                assert finished == [f"SP18-{piece:04d}" for piece in range(PIECES)]
                assert len(line.events("piece_completed")) == PIECES
                counted = sum(e.increment for e in line.events("counter_read"))
                assert counted == PIECES
                assert line.acknowledged[-1] == PIECES
                (job,) = (await line.screen())["jobs"]
                assert job["good"] == str(PIECES)
