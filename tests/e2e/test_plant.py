"""The whole chain as a user starts it: the demo, and the replays of real recordings."""

import csv
import json
import os
import subprocess
import sys
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

SIM = Path(sys.executable).with_name("lineside-sim")
ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("LINESIDE_SHARED", ROOT.parent / "shared"))
LOG = SHARED / "data" / "production-log" / "Production_Data.open.csv"
TESTBED = SHARED / "data" / "nist-sms-testbed"
ROWS = 160


def run(*arguments, timeout_s):
    done = subprocess.run(
        [SIM, *map(str, arguments)], capture_output=True, text=True, timeout=timeout_s, check=False
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done


@pytest.mark.timeout(420)
def test_a_minute_of_the_demo_is_booked_exactly_as_it_happened(tmp_path):
    """Machines, people, a moved order, central away: nothing lost, nothing twice."""
    announce = tmp_path / "demo.json"
    done = run("demo", "--seconds", 60, "--announce", announce, timeout_s=400)
    assert "READY" in done.stdout
    assert "CLEAN" in done.stdout.splitlines()[-1]
    found = json.loads(announce.read_text())
    assert found["ready"]
    assert len(found["terminals"]) == 7


def needed(path):
    return pytest.mark.skipif(
        not path.exists() and os.environ.get("CI") != "true",
        reason=f"{path.name} is not beside the project",
    )


@needed(LOG)
@pytest.mark.timeout(300)
def test_reports_of_a_real_shop_give_its_figures(tmp_path):
    """The first rows of the log, driven through terminals, read back from central."""
    with LOG.open(encoding="utf-8-sig", newline="") as file:
        header, *rows = list(csv.reader(file))
    part = tmp_path / "log.csv"
    with part.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows[:ROWS]])
    found = json.loads(run("replay", part, "--json", timeout_s=280).stdout)
    expected = defaultdict(lambda: defaultdict(float))
    for row in rows[:ROWS]:
        start, end = (
            datetime.strptime(row[at] + "Z", "%Y/%m/%d %H:%M:%S.%fZ").replace(tzinfo=UTC)
            for at in (3, 4)
        )
        for group, key in (
            ("work_orders", 0),
            ("activities", 1),
            ("machines", 2),
            ("parts", 7),
            ("workers", 8),
        ):
            figures = expected[group, row[key]]
            figures["rows"] += 1
            figures["minutes_sum"] += (end - start).total_seconds() / 60
            figures["qty_completed"] += int(row[10])
            figures["qty_rejected"] += int(row[11])
            figures["qty_mrb"] += int(row[12] or 0)
            figures["rework_rows"] += row[13] == "Y"
    for (group, key), figures in expected.items():
        shown = {name: found[group][key][name] for name in figures}
        assert shown == dict(figures), (group, key)
    assert sum(
        len(found[group]) for group in ("work_orders", "activities", "machines", "parts", "workers")
    ) == len(expected)


@needed(TESTBED)
@pytest.mark.timeout(300)
def test_recorded_controllers_give_their_published_histories():
    """Two machine days and three pieces: seconds by status, tools, programs, alarms."""
    done = run("replay-mtconnect", TESTBED, "--pieces", 3, timeout_s=280)
    assert "0 figures differ" in done.stderr
