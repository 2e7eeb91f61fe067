"""Appends one event after the other and says what is saved. Arguments: journal, how many."""

import sys
from pathlib import Path

from lineside.contracts.clock import SystemClock
from lineside.contracts.events import SignedOn
from lineside.edge_agent.journal.errors import JournalFailedError, JournalFullError
from lineside.edge_agent.journal.store import Journal


def say(word: str) -> None:
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


journal = Journal.open(Path(sys.argv[1]), clock=SystemClock())
say("open")
for number in range(int(sys.argv[2])):
    event = SignedOn(occurred_at=1, recorded_at=1, reason=f"{number} " + "x" * 400)
    try:
        journal.append_now([event])
    except JournalFullError:
        say(f"refused {number}")
    except JournalFailedError:
        say("stopped")
        sys.exit(3)
    else:
        say(f"saved {number}")
journal.close()
say("closed")
