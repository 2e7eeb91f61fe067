"""Old facts become segments: the same facts, the same chain, for every reader."""

import time

import pytest

from lineside.contracts.clock import ManualClock, sleep_blocking
from lineside.contracts.codec import GENESIS_HASH, chain_hash
from lineside.contracts.events import GapFound, SignedOn
from lineside.contracts.units import Act
from lineside.edge_agent.journal import segments
from lineside.edge_agent.journal.errors import JournalDamagedError
from lineside.edge_agent.journal.medium import Medium
from lineside.edge_agent.journal.packing import pack_oldest
from lineside.edge_agent.journal.reading import JournalReader
from lineside.edge_agent.journal.records import StoredGroup
from lineside.edge_agent.journal.retention import DAY, prune
from lineside.edge_agent.journal.schema import FORMAT, FORMAT_PLAIN, sqlite
from lineside.edge_agent.journal.store import Journal

GROUPS = 20
HEAD = 3 * GROUPS


def opened(path, clock=None) -> Journal:
    return Journal.open(
        path,
        clock=clock or ManualClock(5_000),
        ballast_bytes=0,
        examine=lambda _: Medium(),
        verify_after_s=3_600,
    )


def filled(path, clock=None) -> Journal:
    """Twenty groups of three, each an act with an answer."""
    journal = opened(path, clock)
    for number in range(GROUPS):
        act = Act(id=f"act-{number}", size=3)
        facts = [
            SignedOn(occurred_at=1, recorded_at=2, reason=f"{number}/{piece}", act=act)
            for piece in range(3)
        ]
        journal.append_now(facts, answer=f"answer {number}".encode())
        if clock is not None:
            clock.advance(DAY)
    return journal


def pack(journal: Journal, *, plain: int = 9, size: int = 12) -> int:
    packed = 0
    while more := pack_oldest(journal, plain_events=plain, segment_events=size):
        packed += more
    return packed


@pytest.fixture
def journal(tmp_path):
    with filled(tmp_path / "j.db") as journal:
        yield journal


def seen(reader) -> tuple[object, ...]:
    """All that a reader says of the facts."""
    events = [(one.seq, one.schema, one.data) for one in reader.read(0, 10_000)]
    groups = reader.groups(0, 10_000, 1 << 30)
    return events, groups, reader.oldest(), [reader.hash_at(seq) for seq in range(HEAD + 2)]


def test_a_reader_sees_the_same_facts_groups_and_hashes_as_before(journal):
    before = seen(journal)

    assert pack(journal) == 48

    assert seen(journal) == before
    assert list(journal.reader.verify()) == []
    assert journal.reader.plain_from() == 49


def test_portions_cross_the_border_between_segments_and_rows(journal):
    def portions() -> list[object]:
        found: list[object] = []
        for after in (0, 1, 11, 12, 13, 47, 48, 49, 59, 60, 61):
            found.append(journal.groups(after, 10_000, 300))
            for limit in (1, 5, 12, 13, 100):
                found.append([(one.seq, one.data) for one in journal.read(after, limit)])
                found.append(journal.groups(after, limit, 1 << 30))
        return found

    before = portions()

    pack(journal)

    assert portions() == before


def test_an_act_that_is_asked_again_gets_the_answer_that_went_into_a_segment(journal):
    pack(journal)
    facts = [SignedOn(occurred_at=1, recorded_at=2, act=Act(id="act-0", size=3)) for _ in range(3)]

    again = journal.append_now(facts, answer=b"another")

    assert (again.duplicate, again.first_seq, again.answer) == (True, 1, b"answer 0")
    assert journal.act_answer("act-0") == b"answer 0"
    assert journal.act_answer("act-19") == b"answer 19"
    assert journal.head() == HEAD


def test_facts_go_on_after_a_restart(tmp_path):
    with filled(tmp_path / "j.db") as journal:
        before = seen(journal)
        pack(journal)
    with opened(tmp_path / "j.db") as journal:
        assert seen(journal) == before
        appended = journal.append_now([SignedOn(occurred_at=1, recorded_at=2)])
        assert appended.first_seq == HEAD + 1
        assert list(journal.reader.verify()) == []


def test_the_newest_facts_and_what_is_less_than_a_segment_stay_rows(journal):
    assert pack_oldest(journal, plain_events=HEAD - 5, segment_events=6) == 0
    assert pack_oldest(journal, plain_events=HEAD - 6, segment_events=6) == 6
    assert pack(journal, plain=0, size=3) == HEAD - 9
    assert journal.reader.head() == journal.head() == HEAD


def test_only_a_journal_with_a_segment_is_closed_to_older_programs(tmp_path):
    with filled(tmp_path / "j.db") as journal:
        assert _format(journal) == FORMAT_PLAIN
        pack(journal)
        assert _format(journal) == FORMAT


def _format(journal: Journal) -> int:
    return journal.reader._rows("PRAGMA user_version")[0][0]


def test_a_journal_from_before_segments_gets_them_and_can_be_read_without(tmp_path):
    path = tmp_path / "j.db"
    with filled(path) as journal:
        before = seen(journal)
    connection = sqlite.connect(path)
    connection.execute("DROP TABLE segment")
    connection.close()
    reader = JournalReader(path)
    assert seen(reader) == before
    assert reader.act_answer("act-3") == b"answer 3"
    reader.close()

    with opened(path) as journal:
        assert pack(journal) == 48
        assert seen(journal) == before


def test_a_segment_is_not_edited_and_not_deleted(tmp_path):
    with filled(tmp_path / "j.db") as journal:
        pack(journal)
    connection = sqlite.connect(tmp_path / "j.db")
    for statement in ("DELETE FROM segment", "UPDATE segment SET hash = x'00'"):
        with pytest.raises(sqlite.IntegrityError):
            connection.execute(statement)
    connection.close()


@pytest.mark.parametrize("base", [0, 6, 12, 15, 48, 51, 60])
def test_a_new_epoch_begins_before_within_and_after_segments(journal, base):
    """Also in the midst of one: facts keep numbers and bytes, the chain begins anew."""
    before = [(one.seq, one.data) for one in journal.read(0, 1_000)]
    kept = [group for group in journal.groups(0, 1_000, 1 << 30) if group.last_seq <= base]
    pack(journal)

    journal.begin_epoch(base).result(5)

    groups = journal.groups(0, 1_000, 1 << 30)
    assert [(one.seq, one.data) for one in journal.read(0, 1_000)] == before
    assert [group for group in groups if group.last_seq <= base] == kept
    assert [group.previous for group in groups if group.first_seq == base + 1] == (
        [GENESIS_HASH] if base < HEAD else []
    )
    assert list(journal.reader.verify()) == []
    assert journal.act_answer("act-4") == b"answer 4"
    assert pack(journal, plain=3, size=6) > 0
    assert list(journal.reader.verify()) == []


def test_retention_takes_whole_segments_that_are_old_and_in_a_backup(tmp_path):
    clock = ManualClock(5_000)
    with filled(tmp_path / "j.db", clock) as journal:
        pack(journal)
        journal.set_watermarks(durable_through=HEAD, backed_up_through=40).result(5)

        pruned = prune(journal, used_share=0.1, retention=8 * DAY)

        assert (pruned.first_seq, pruned.last_seq, pruned.rule) == (1, 36, "age")
        assert journal.oldest() == journal.read(0, 1)[0].seq == 37
        assert prune(journal, used_share=0.1, retention=8 * DAY).events == 0
        assert prune(journal, used_share=0.9).last_seq == HEAD - 3
        assert journal.read(0, 9)[0].seq == journal.oldest() == HEAD - 2
        assert list(journal.reader.verify()) == []


def test_a_damaged_row_is_not_packed(journal):
    def spoil(connection: sqlite.Connection) -> None:
        connection.execute("DROP TRIGGER event_is_never_edited")
        connection.execute("UPDATE event SET data = 'x' WHERE seq = 5")

    journal.run(spoil).result(5)

    with pytest.raises(JournalDamagedError):
        pack(journal)
    assert journal.reader.plain_from() == 1


def rot(path, first: int) -> None:
    """Flip a bit in a segment, and forget that it was verified."""
    connection = sqlite.connect(path)
    (data,) = connection.execute(
        "SELECT data FROM segment WHERE first_seq = ?", (first,)
    ).fetchone()
    connection.execute("DROP TRIGGER segment_is_never_edited")
    changed = data[:40] + bytes([data[40] ^ 4]) + data[41:]
    connection.execute("UPDATE segment SET data = ? WHERE first_seq = ?", (changed, first))
    connection.execute("DELETE FROM cursor WHERE name = 'verified'")
    connection.commit()
    connection.close()


def test_a_flipped_bit_in_a_segment_is_found_and_is_no_hole_for_readers(tmp_path):
    with filled(tmp_path / "j.db") as journal:
        pack(journal)
    rot(tmp_path / "j.db", 13)
    reader = JournalReader(tmp_path / "j.db")
    bad = list(reader.verify())
    read = reader.read(0, 100)
    reader.close()

    assert [seq for seq, _ in bad] == [13]
    assert [one.seq for one in read] == list(range(1, HEAD + 1))
    assert {one.seq for one in read if not one.data} == set(range(13, 25))


@pytest.mark.fault("F-09")
@pytest.mark.parametrize("durable", [0, 15, 40, HEAD])
def test_what_is_around_a_damaged_segment_is_salvaged(tmp_path, durable):
    with filled(tmp_path / "j.db") as journal:
        before = {one.seq: one.data for one in journal.read(0, 100)}
        pack(journal)
        journal.set_watermarks(durable_through=durable).result(5)
    rot(tmp_path / "j.db", 13)

    with opened(tmp_path / "j.db") as journal:
        saved = journal.salvaged
        assert saved is not None
        assert saved.lost == ((13, 24),)
        assert saved.unconfirmed == len(range(max(13, durable + 1), 25))
        after = journal.read(0, 100)
        assert [one.seq for one in after] == list(range(1, HEAD + 1))
        certificates = [one.seq for one in after if isinstance(one.event, GapFound)]
        assert certificates == list(range(13, 25))
        assert all(one.data == before[one.seq] for one in after if one.seq not in certificates)
        assert journal.act_answer("act-0") == b"answer 0"
        assert journal.head() == HEAD
        assert list(journal.reader.verify()) == []


def test_a_segment_of_another_content_does_not_open():
    """Its checksum may be right, its chain is not."""
    data = segments.pack([_group(1, b"a"), _group(2, b"b")], {})

    assert not segments.unpack(1, 2, b"x" * 32, data).whole
    assert not segments.unpack(1, 3, _group(2, b"b").hash, data).whole
    assert not segments.unpack(1, 2, b"x" * 32, b"").whole


def _group(seq: int, data: bytes):
    return StoredGroup(seq, seq, 1, GENESIS_HASH, chain_hash(GENESIS_HASH, [data]), 1, (data,))


def test_an_open_journal_packs_by_itself_after_a_while(tmp_path):
    fact = SignedOn(occurred_at=1, recorded_at=2)
    with Journal.open(
        tmp_path / "j.db",
        clock=ManualClock(5_000),
        ballast_bytes=0,
        examine=lambda _: Medium(),
        pack_after_s=0,
    ) as journal:
        for _ in range(46):
            journal.append_now([fact] * 500)
        assert wait_until(lambda: journal.reader.plain_from() == 2_001)
        assert len(journal.read(0, 10_000)) == 10_000
        assert list(journal.reader.verify()) == []
        assert journal.failure is None


def wait_until(condition, patience_s: float = 30.0) -> bool:
    deadline = time.monotonic() + patience_s
    while not condition() and time.monotonic() < deadline:
        sleep_blocking(0.02)
    return condition()
