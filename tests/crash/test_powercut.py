"""Short power-cut campaigns; the long ones run by `python -m tests.crash.powercut`."""

import pytest

pytest.importorskip("apsw", reason="apsw is not installed")

from tests.crash.powercut import campaign, run_tape


@pytest.mark.fault("F-01")
@pytest.mark.fault("F-03")
@pytest.mark.fault("F-04")
def test_whatever_a_power_cut_leaves_the_journal_opens_with_everything_confirmed():
    """Cuts in appends, creation, retention, checkpoints and restarts of the WAL, of 16 kB to 4
    MB."""
    seen, failures = campaign(1_000, "unit")

    assert (seen, failures) == (1_000, [])


@pytest.mark.fault("F-01")
def test_the_campaign_finds_a_journal_that_does_not_wait_for_the_disk():
    """A search that finds nothing proves nothing, unless it finds what was planted."""
    _, failures = campaign(250, "unit", synchronous="NORMAL")

    assert sum(failure.kind == "lost" for failure in failures) > 10

    found = failures[0]
    _, again = run_tape("unit", found.tape, 250, "NORMAL", found.state, "")
    assert again == [found]
