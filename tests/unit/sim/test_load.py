import asyncio
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lineside.contracts.clock import ManualClock
from lineside.sim import cli
from lineside.sim.load import Measured, Pace, drive, percentile_ms


@contextmanager
def edge(*, slow_s=0.0, stations=("S1", "S2")):
    """Something that answers as an edge's terminals do; codes with `bad` are refused, or fail."""
    seen = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self, status, body):
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_GET(self):
            self.answer(200, {"stations": [{"id": name} for name in stations]})

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            seen.append(body)
            threading.Event().wait(slow_s)
            if "broken" in body["raw"]:
                self.answer(500, {})
                return
            self.answer(200, {"answer": "refused" if "bad" in body["raw"] else "accepted"})

        def log_message(self, format, *args):  # noqa: A002 the name of the base
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def load(capsys, *words):
    status = cli.main(["load", *words, "--json"])
    shown = capsys.readouterr()
    return status, json.loads(shown.out) if shown.out else shown.err


def test_verdicts_are_counted_by_kind(capsys):
    with edge() as (address, seen):
        status, found = load(
            capsys,
            *("--edge", address, "--terminals", "3", "--rate", "30", "--seconds", "0.5"),
            *("--first", "B-{terminal}", "--code", "V{terminal}-{n}", "--code", "bad"),
        )
    assert status == 0
    assert found["requests"] == 15
    assert found["accepted"] + found["refused"] == 15
    assert found["refused"] == 6
    assert found["failed"] == 0
    assert 0 < found["p50_ms"] <= found["p99_ms"] <= found["max_ms"]
    raws = [one["raw"] for one in seen]
    assert raws[:3] == ["B-0", "B-1", "B-2"]
    assert {"V0-0", "V1-2", "V2-4"} <= set(raws)
    assert {one["station"] for one in seen} == {"S1", "S2"}


def test_a_failure_fails_the_command_and_is_no_answer(capsys):
    with edge() as (address, _):
        words = ("--edge", address, "--terminals", "1", "--rate", "10", "--seconds", "0.3")
        status, found = load(capsys, *words, "--code", "broken")
    assert status == 1
    assert found["failed"] == found["requests"] == 3
    assert found["p50_ms"] is None
    assert "500" in found["problems"][0]


def test_a_scan_that_waits_for_the_one_before_it_is_measured_from_when_it_was_due(capsys):
    """An open load: ten are due in half a second, each answer takes a tenth."""
    with edge(slow_s=0.1) as (address, _):
        words = ("--edge", address, "--terminals", "1", "--rate", "20", "--seconds", "0.5")
        status, found = load(capsys, *words)
    assert status == 0
    assert found["requests"] == 10
    assert found["max_ms"] > 400


def test_readers_of_central_are_counted_as_answered(capsys):
    with edge() as (address, _):
        words = ("--central", address, "--terminals", "4", "--rate", "40", "--seconds", "0.5")
        status, found = load(capsys, *words, "--path", "/api/v1/trace/known")
    assert status == 0
    assert found["answered"] == found["requests"] == 20


def test_what_is_no_edge_is_said_in_a_sentence(capsys):
    status, text = load(capsys, "--edge", "http://127.0.0.1:1", "--seconds", "1")
    assert status == 1
    assert text.startswith("lineside-sim load: There is no edge at http://127.0.0.1:1")
    assert text.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [(), ("--edge", "http://a", "--tags", "3"), ("--tags", "0"), ("--tags", "1", "--rate", "-1")],
)
def test_wrong_usage_ends_with_two(words):
    with pytest.raises(SystemExit) as ended:
        cli.main(["load", *words])
    assert ended.value.code == 2


def test_tags_change_on_a_real_server(capsys):
    status, found = load(capsys, "--tags", "20", "--rate", "200", "--seconds", "0.5")
    assert status == 0
    assert found["answered"] == 100
    assert found["opcua"].startswith("opc.tcp://")


def test_percentiles_are_by_nearest_rank():
    assert percentile_ms([], 0.5) is None
    assert percentile_ms([3_000, 1_000, 2_000], 0.5) == 2.0
    assert percentile_ms(list(range(1, 101)), 0.99) == 0.099
    assert percentile_ms([7], 1.0) == 0.007
    measured = Measured()
    assert measured.result(0.0)["per_second"] == 0.0


async def test_without_a_rate_a_terminal_scans_again_as_soon_as_it_is_answered():
    clock, asked = ManualClock(), []

    async def request(terminal, number, due):
        asked.append((terminal, number, due))
        clock.advance(250_000)
        await asyncio.sleep(0)

    await drive(Pace(terminals=1, rate=0, seconds=1), request, clock=clock)
    assert asked == [(0, 0, 0), (0, 1, 250_000), (0, 2, 500_000), (0, 3, 750_000)]
