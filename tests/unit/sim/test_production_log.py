import os
from pathlib import Path

import pytest

from lineside.sim.production_log import LogError, acts_in_time, busy_minutes, compare, read_log

Figures = dict[str, dict[str, dict[str, object]]]
SHARED = Path(
    os.environ.get("LINESIDE_SHARED", Path(__file__).resolve().parents[3].parent / "shared")
)
LOG = SHARED / "data" / "production-log" / "Production_Data.open.csv"
HEADER = (
    "Case ID,Activity,Resource,Start Timestamp,Complete Timestamp,Span,Work Order  Qt"
    "y,Part Desc.,Worker ID,Report Type,Qty Completed,Qty Rejected,Qty for MRB,Rework\n"
)


def log(tmp_path, *lines):
    path = tmp_path / "log.csv"
    path.write_text(HEADER + "".join(line + "\n" for line in lines))
    return path


def test_rows_keep_their_spelling(tmp_path):
    path = log(
        tmp_path,
        "Case 1,SETUP     Turning,M 4,2012/01/29 23:24:00.000,2012/01/30 05:43:00.000,"
        "006:19,10,Cable Head,ID4932,S,1,0,0,Y",
    )
    (row,) = read_log(path)
    assert (row.activity, row.kind, row.rework, row.completed) == (
        "SETUP     Turning",
        "setup",
        True,
        1,
    )
    assert row.end - row.start == (6 * 60 + 19) * 60_000_000


def test_a_line_that_cannot_be_read_is_named(tmp_path):
    path = log(tmp_path, "Case 1,A,M,yesterday,today,0,1,P,W,S,1,0,0,")
    with pytest.raises(LogError, match="line 2"):
        read_log(path)


def test_overlapping_reports_keep_a_machine_busy_once():
    minute = 60_000_000
    assert (
        busy_minutes([(0, 10 * minute), (5 * minute, 12 * minute), (20 * minute, 21 * minute)])
        == 13
    )


def test_a_report_without_duration_begins_before_it_ends(tmp_path):
    same = "2012/01/30 05:43:00.000"
    path = log(
        tmp_path,
        f"Case 1,A,M,2012/01/30 05:00:00.000,{same},0,1,P,W,D,1,0,0,",
        f"Case 1,A,M,{same},{same},0,1,P,W,D,1,0,0,",
    )
    assert [(what, row.number) for _, what, row in acts_in_time(read_log(path))] == [
        ("start", 2),
        ("finish", 2),
        ("start", 3),
        ("finish", 3),
    ]


def test_a_figure_that_is_missing_is_a_difference():
    expected: Figures = {"machines": {"M": {"rows": 2, "yield": 0.5}}}
    found: Figures = {"machines": {"M": {"rows": 2}}}
    assert [one.where for one in compare(expected, found)] == ["machines/M/yield"]


@pytest.mark.skipif(not LOG.exists(), reason="no production log beside the project")
def test_the_real_log_is_read_whole():
    rows = read_log(LOG)
    assert len(rows) == 3250
    assert sum(row.completed for row in rows) == 62_676
