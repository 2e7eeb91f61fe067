"""A short run of every parser, and what fuzzing has found before."""

import pytest

from . import corpus_files
from .judge import FuzzFinding, judge
from .mutation import fuzz, mutated
from .seeds import inputs
from .targets import TARGETS

SECONDS_EACH = 0.25
# Inputs that once broke a parser: the target, and what it did then.
FINDINGS = {
    "event_not_utf8": ("event", b'\x01{"type":"agent_stopped","occurred_at":1,"station":"\xa8"}'),
    "event_key_not_utf8": ("event", b'\x01{\n "\xa8type": "call_raised"}'),
    "document_not_utf8": ("document", b'{"type":"item","item":"\xff\xff","name":"B"}'),
    "opcua_array_without_dimensions": (
        "opcua_read",
        b"\x01\x00z\x02" + bytes(8) + b"\x01\x00\x04" + bytes(6) + b"\xff\xff\xff\xff"
        b"\x00\x00\x00\x03\x00\x02\x00\x01\x1b\x00\x00\x00\x00a\xff\xff:\xff\xff\xff\xff\xff\xff"
        b"\xffbc\x00\x00\x00\x03c\x00b\x00\x00a\x00\x00\x00\x00\x00",
    ),
}


@pytest.mark.fault("F-33", "F-39", "F-45", "F-52", "F-84")
@pytest.mark.parametrize("target", sorted(TARGETS))
def test_a_parser_raises_what_it_documents_and_ends_in_time(target):
    corpus = corpus_files.load(corpus_files.CORPUS, target)
    assert corpus, "no saved inputs; run `python -m tests.fuzz.seeds`"

    score = fuzz(target, corpus, seconds=SECONDS_EACH, seed=1)

    assert score.executions > len(corpus)
    assert score.taken > 0, "nothing was taken: the fuzzer does not reach the parser"


@pytest.mark.fault("F-52", "F-84")
@pytest.mark.parametrize("name", sorted(FINDINGS))
def test_what_was_found_once_is_refused_in_order(name):
    judge(*FINDINGS[name])


def test_a_parser_that_breaks_its_word_is_found(monkeypatch):
    """The property itself: a parser with a planted fault does not pass."""

    def careless(data: bytes) -> object:
        return {}[data[:1]] if data[:1] == b"\xff" else data

    monkeypatch.setitem(TARGETS, "topic", careless)

    with pytest.raises(FuzzFinding, match="raised KeyError"):
        fuzz("topic", [b"abc"], seconds=5, seed=1)


def test_a_parser_that_hangs_is_found(monkeypatch):
    def slow(data: bytes) -> object:
        return sum(number * number for number in range(40_000_000))

    monkeypatch.setitem(TARGETS, "topic", slow)

    with pytest.raises(FuzzFinding, match=r"took \d"):
        judge("topic", b"")


def test_the_corpus_has_the_projects_own_vectors():
    for target, found in inputs().items():
        saved = corpus_files.load(corpus_files.CORPUS, target)
        assert set(found) <= set(saved), f"{target}: run `python -m tests.fuzz.seeds`"


def test_mutation_changes_and_stays_bounded():
    import random

    chance = random.Random(1)
    data = b"abc" * 10
    seen = {mutated(data, [data], chance) for _ in range(200)}

    assert len(seen) > 150
    assert max(map(len, seen)) <= 20_000
