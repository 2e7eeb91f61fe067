"""One drill of each kind; the campaigns run by `python -m tests.crash.drills`."""

import pytest

from tests.crash.drills import KINDS, campaign


@pytest.mark.fault("F-10")
@pytest.mark.fault("F-57")
@pytest.mark.fault("F-58")
@pytest.mark.fault("F-59")
@pytest.mark.fault("F-60")
def test_restores_rollbacks_and_clones_lose_nothing_and_double_nothing():
    played = campaign(len(KINDS), seed=7)

    assert played == {kind.__name__: 1 for kind in KINDS}
