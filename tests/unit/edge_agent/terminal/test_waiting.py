"""Open pages and open questions: they wait by the injected clock, and a cancellation is heard."""

from __future__ import annotations

import asyncio

import pytest

from lineside.contracts.clock import ManualClock
from lineside.edge_agent.terminal import acts
from lineside.edge_agent.terminal.questions import QUESTION_US, Questions
from lineside.edge_agent.terminal.situation import option
from lineside.edge_agent.terminal.watchers import Page


async def test_a_page_that_is_cancelled_together_with_news_ends():
    """`asyncio.wait_for` of Python 3.11 returned then, and the page's stream never ended."""
    page = Page()
    waiting = asyncio.create_task(page.wait())
    await asyncio.sleep(0)
    page.wake()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_page_with_news_waits_for_nothing():
    page = Page()
    page.stale = False
    page.wake()
    async with asyncio.timeout(1):
        await page.wait()
    assert page.stale


def scan(raw: str, act: str) -> acts.Scan:
    return acts.Scan(kind="scan", id=act, station="TURN", raw=raw)


def asked() -> tuple[ManualClock, Questions]:
    clock = ManualClock(1_000_000)
    questions = Questions(clock)
    yes = option("accept", "是", "Yes", "CMD-YES")
    questions.ask("TURN", scan("SP18-0001", "act-1"), (yes,))
    return clock, questions


def beside(_: acts.AnyAct, scanned: acts.Scan) -> acts.AnyAct:
    return scanned


def test_a_choice_that_is_scanned_in_time_answers_the_question():
    clock, questions = asked()
    clock.advance(QUESTION_US)
    meant = questions.answered("TURN", scan("CMD-YES", "act-2"), beside)
    assert isinstance(meant, acts.Scan)
    assert (meant.raw, meant.confirm, meant.id) == ("SP18-0001", "accept", "act-2")


def test_a_question_grows_old_and_whatever_comes_between_closes_it():
    clock, questions = asked()
    clock.advance(QUESTION_US + 1)
    late = scan("CMD-YES", "act-2")
    assert questions.answered("TURN", late, beside) is late

    _, questions = asked()
    other = scan("WO-1", "act-2")
    assert questions.answered("TURN", other, beside) is other
    assert questions.answered("TURN", late, beside) is late
