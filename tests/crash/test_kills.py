"""A short kill campaign; the long ones run by `python -m tests.crash.kills`."""

import pytest

from tests.crash.kills import campaign


@pytest.mark.fault("F-02")
@pytest.mark.fault("F-13")
@pytest.mark.fault("F-32")
async def test_an_agent_that_is_killed_loses_nothing_and_counts_nothing_twice(tmp_path):
    """A second agent is sent away; killed ones leave every acknowledged piece, once, and the
    sum."""
    findings = await campaign(tmp_path, 5, "unit")

    assert findings.wrong == []
    assert findings.kills.total() == 5
    assert findings.made > 0
