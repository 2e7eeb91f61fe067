"""A damaged journal is set aside, and what can be proven goes on."""

import random

import pytest

from lineside.contracts.clock import ManualClock
from lineside.contracts.codec import GENESIS_HASH
from lineside.contracts.events import GapFound, SignedOn
from lineside.edge_agent.journal import salvage
from lineside.edge_agent.journal.background import Verification
from lineside.edge_agent.journal.medium import Medium
from lineside.edge_agent.journal.receipt import receipt
from lineside.edge_agent.journal.schema import sqlite
from lineside.edge_agent.journal.store import Journal

pytestmark = pytest.mark.fault("F-09")


def event(text: str) -> SignedOn:
    return SignedOn(occurred_at=1, recorded_at=2, reason=text)


def opened(path, verify_after_s: float = 3_600) -> Journal:
    return Journal.open(
        path,
        clock=ManualClock(5_000),
        ballast_bytes=0,
        examine=lambda _: Medium(),
        verify_after_s=verify_after_s,
    )


def filled(path, groups: int = 5, durable: int = 0) -> tuple[str, dict[int, bytes]]:
    """A closed journal of groups of three; its epoch, and its bytes by number."""
    with opened(path) as journal:
        for number in range(groups):
            journal.append_now(
                [event(f"{number}/{piece} " + "x" * 200) for piece in range(3)],
                baselines={"count": b"%d" % number},
            )
        if durable:
            journal.set_watermarks(durable_through=durable).result()
        return journal.epoch, {stored.seq: stored.data for stored in journal.read(0, 10_000)}


def verification(journal: Journal) -> Verification:
    assert journal._verification is not None
    return journal._verification


def rot(path, seq: int) -> None:
    """Flip a bit of one event, and forget that it was verified."""
    connection = sqlite.connect(path)
    connection.execute("DROP TRIGGER event_is_never_edited")
    (data,) = connection.execute("SELECT data FROM event WHERE seq = ?", (seq,)).fetchone()
    connection.execute(
        "UPDATE event SET data = ? WHERE seq = ?", (data[:-9] + b"y" + data[-8:], seq)
    )
    connection.execute("DELETE FROM cursor WHERE name = 'verified'")
    connection.commit()
    connection.close()


def test_facts_around_the_damage_are_kept_and_certificates_stand_in_its_place(tmp_path):
    path = tmp_path / "j.db"
    _, before = filled(path, durable=3)
    rot(path, 8)

    with opened(path) as journal:
        saved = journal.salvaged
        after = {stored.seq: stored for stored in journal.read(0, 100)}

        assert saved is not None
        assert (saved.lost, saved.unconfirmed, saved.base) == (((7, 9),), 3, 3)
        assert saved.set_aside.exists()
        assert sorted(after) == sorted(before)
        for seq, stored in after.items():
            if 7 <= seq <= 9:
                assert isinstance(stored.event, GapFound)
                assert (stored.event.device, stored.event.signal) == ("journal", str(seq))
                assert saved.set_aside.name in stored.event.detail
            else:
                assert stored.data == before[seq]
        assert journal.baselines() == {"count": b"4"}
        assert list(journal.reader.verify()) == []
        assert receipt(journal.reader).dropped == 3
        assert journal.append_now([event("goes on")]).first_seq == 16


def test_central_gets_everything_it_lacks_under_a_new_epoch(tmp_path):
    """The chain of the new epoch begins behind what central has confirmed."""
    path = tmp_path / "j.db"
    epoch, _ = filled(path, durable=6)
    rot(path, 11)

    with opened(path) as journal:
        groups = journal.groups(6, 500, 1_000_000)

        assert journal.epoch != epoch
        assert journal.epoch_base == journal.watermarks().durable_through == 6
        assert groups[0].previous == GENESIS_HASH == journal.hash_at(6)
        assert [group.first_seq for group in groups] == [7, 10, 13]


def test_damage_that_central_has_confirmed_is_no_loss_of_anything_unconfirmed(tmp_path):
    path = tmp_path / "j.db"
    filled(path, durable=12)
    rot(path, 5)

    with opened(path) as journal:
        assert journal.salvaged is not None
        assert (journal.salvaged.lost, journal.salvaged.unconfirmed) == (((4, 6),), 0)
        assert journal.epoch_base == 12
        assert list(journal.reader.verify()) == []
    with opened(path) as journal:
        assert journal.salvaged is None
        assert receipt(journal.reader).sentence.en == (
            "Central has everything up to #12; 3 pending; 0 ever dropped."
        )


def test_damage_that_was_verified_before_is_found_in_the_background(tmp_path):
    """The agent stops; its next start salvages."""
    path = tmp_path / "j.db"
    filled(path)
    rot(path, 2)
    connection = sqlite.connect(path)
    connection.execute("INSERT INTO cursor VALUES ('verified', 15)")
    connection.commit()
    connection.close()

    journal = opened(path, verify_after_s=0)
    verification(journal)._thread.join(20)
    assert journal.failure is not None
    assert "at event 1" in str(journal.failure)
    journal.close()

    with opened(path) as journal:
        assert journal.salvaged is not None
        assert journal.salvaged.lost == ((1, 3),)


def test_a_whole_journal_is_verified_in_the_background_and_nothing_happens(tmp_path):
    path = tmp_path / "j.db"
    filled(path)

    with opened(path, verify_after_s=0) as journal:
        assert verification(journal).done.wait(20)
        assert journal.failure is None


@pytest.mark.parametrize("seed", range(25))
def test_whatever_byte_rots_the_journal_opens_and_shows_no_wrong_fact(tmp_path, seed):
    """Bytes of the file are changed anywhere: pages, headers, the schema itself."""
    chance = random.Random(seed)
    path = tmp_path / "j.db"
    _, before = filled(path, groups=40)
    data = bytearray(path.read_bytes())
    for _ in range(chance.choice((1, 3, 20))):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)

    for _ in range(3):  # found at the start or in the background; mended by the next start
        journal = opened(path, verify_after_s=0)
        verification(journal)._thread.join(20)
        stopped = journal.failure is not None
        journal.close()
        if not stopped:
            break
    with opened(path) as journal:
        assert list(journal.reader.verify()) == []
        events = journal.read(0, 10_000)
        assert [stored.seq for stored in events] == list(
            range(journal.oldest(), journal.head() + 1)
        )
        for stored in events:
            certified = isinstance(stored.event, GapFound) and stored.event.device == "journal"
            assert certified or stored.data == before[stored.seq]
        assert journal.append_now([event("goes on")]).first_seq == journal.head()


@pytest.mark.parametrize("moved", [(), ("",), ("", "-wal")])
def test_a_power_cut_while_the_files_are_exchanged_is_finished_at_the_next_start(tmp_path, moved):
    path = tmp_path / "j.db"
    with opened(tmp_path / "fresh.db") as fresh:
        fresh.append_now([event("salvaged")])
    (tmp_path / "fresh.db").rename(tmp_path / "j.db.salvaged")
    path.write_bytes(b"damaged")
    (tmp_path / "j.db-wal").write_bytes(b"damaged, too")
    for suffix in moved:
        (tmp_path / f"j.db{suffix}").rename(tmp_path / f"j.db.damaged-1{suffix}")

    with opened(path) as journal:
        assert journal.read(0, 10)[0].event.reason == "salvaged"
    assert (tmp_path / "j.db.damaged-1").read_bytes() == b"damaged"
    assert (tmp_path / "j.db.damaged-1-wal").read_bytes() == b"damaged, too"


def test_a_journal_for_whose_salvage_there_is_no_room_is_refused_and_untouched(
    tmp_path, monkeypatch
):
    path = tmp_path / "j.db"
    filled(path)
    rot(path, 5)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(salvage, "_fill", full)
    with pytest.raises(Exception, match="damaged at event 4"):
        opened(path)
    assert path.exists()
    assert not list(tmp_path.glob("*.damaged-*"))
