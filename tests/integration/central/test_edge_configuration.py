"""Configurations of edges: saved, sent, judged by what the edges tell."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import httpx
import msgspec
import pytest

from lineside.central import cli
from lineside.central.downlink import desired
from lineside.central.kit.unit_of_work import transaction
from lineside.contracts.commands import EdgeConfiguration, decode_document
from lineside.contracts.events import (
    ConfigurationApplied,
    ConfigurationReverted,
    Event,
    IntentionApplied,
)

GOOD = """\
[[device]]
id = "plc"
driver = "modbus"
host = "192.0.2.30"

[[station]]
id = "TURN"
device = "plc"
[station.state]
signal = "state"
profile = "packml"
"""
OTHER = GOOD.replace("192.0.2.30", "192.0.2.31")
BROKEN = GOOD.replace('device = "plc"', 'device = "plc2"')
BASE = "/api/v1/mes/edges/line-1/configurations"


def hash_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class Site:
    """Central with two edges; `edge` tells facts as line-1 would."""

    def __init__(self, client, report, engine, clock) -> None:
        self.client, self.report, self.engine, self.clock = client, report, engine, clock

    def edge(self, *facts: Event, edge: str = "line-1") -> None:
        now = self.clock.now()
        self.report(
            edge, *(msgspec.structs.replace(one, occurred_at=now, recorded_at=now) for one in facts)
        )

    def taken(self, refused: str = "") -> None:
        with transaction(self.engine) as connection:
            wanted = desired.revisions(connection, "configuration", ["edge"])
        self.edge(
            IntentionApplied(
                occurred_at=0, recorded_at=0, kind="configuration", id="edge",
                revision=wanted["edge", "line-1"], refused=refused,
            )
        )  # fmt: skip

    def applied(self, text: str, version: int, origin: str = "central") -> None:
        self.edge(
            ConfigurationApplied(
                occurred_at=0, recorded_at=0, content_hash=hash_of(text), version=version,
                origin=origin, devices=("plc",), stations=("TURN",),
            )
        )  # fmt: skip

    def reverted(self, text: str, version: int, back_to: str, stage: str, reason: str) -> None:
        self.edge(
            ConfigurationReverted(
                occurred_at=0, recorded_at=0, content_hash=hash_of(text), version=version,
                back_to=hash_of(back_to), stage=stage, reason=reason, devices=("plc",),
            )
        )  # fmt: skip

    def save(self, text: str, note: str = "", status: int = 201) -> dict[str, Any]:
        answer = self.client.post(BASE, json={"text": text, "note": note})
        assert answer.status_code == status, answer.text
        return answer.json()

    def send(self, version: int, status: int = 200, **headers: str) -> dict[str, Any]:
        answer = self.client.post(f"{BASE}/{version}/send", json={}, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    def version(self, version: int) -> dict[str, Any]:
        return self.client.get(f"{BASE}/{version}").json()

    def standing(self) -> dict[str, Any]:
        found = self.client.get("/api/v1/mes/edge-configurations").json()
        return next(one for one in found if one["edge"] == "line-1")

    def document(self) -> EdgeConfiguration:
        with transaction(self.engine) as connection:
            objects = desired.differences(connection, "line-1", 0, 1000)
        (found,) = [one for one in objects if one.kind == "configuration"]
        document = decode_document(bytes(found.body))
        assert isinstance(document, EdgeConfiguration)
        return document


@pytest.fixture
def site(client: httpx.Client, report, engine, clock) -> Site:
    for edge in ("line-1", "line-2"):
        client.post("/api/v1/mes/edges", json={"id": edge, "name": ""}).raise_for_status()
    for station, edge in (("TURN", "line-1"), ("OVEN", "line-2")):
        body = {"id": station, "edge": edge}
        client.post("/api/v1/mes/stations", json=body).raise_for_status()
    return Site(client, report, engine, clock)


def test_a_version_is_sent_tried_and_runs_by_the_word_of_the_edge(site) -> None:
    site.applied("its own", 0, origin="file")
    assert site.standing()["running"]["origin"] == "file"
    draft = site.save(GOOD, "first")
    assert (draft["version"], draft["state"], draft["problems"]) == (1, "draft", [])

    assert site.send(1)["state"] == "sent"
    document = site.document()
    assert (document.version, document.text) == (1, GOOD)
    assert document.content_hash == hash_of(GOOD) == draft["content_hash"]
    assert site.standing()["running"]["origin"] == "file"
    site.taken()
    assert site.version(1)["state"] == "trial"
    site.applied(GOOD, 1)

    standing = site.standing()
    assert standing["wanted"]["state"] == "running"
    assert standing["wanted"]["stations"] == ["TURN"]
    assert standing["running"]["version"] == 1
    assert standing["running"]["content_hash"] == hash_of(GOOD)


def test_an_edge_that_starts_again_runs_since_the_first_time(site) -> None:
    site.save(GOOD)
    site.send(1)
    site.applied(GOOD, 1)
    since = site.standing()["running"]["since"]
    site.clock.advance(3_600_000_000)
    site.applied(GOOD, 1)
    assert site.standing()["running"]["since"] == since


@pytest.mark.parametrize(
    ("stage", "state"), [("check", "refused"), ("apply", "reverted"), ("trial", "reverted")]
)
def test_a_version_that_was_taken_back_shows_why_and_the_one_before_runs(
    site, stage, state
) -> None:
    site.save(GOOD)
    site.send(1)
    site.applied(GOOD, 1)
    site.save(OTHER)
    site.send(2)
    site.taken()
    site.reverted(OTHER, 2, GOOD, stage, "plc did not come back within 60 s")

    standing = site.standing()
    assert standing["wanted"]["version"] == 2
    assert (standing["wanted"]["state"], standing["wanted"]["stage"]) == (state, stage)
    assert standing["wanted"]["reason"] == "plc did not come back within 60 s"
    assert (standing["running"]["version"], standing["running"]["origin"]) == (1, "central")
    assert site.version(1)["state"] == "running"


def test_a_document_that_the_edge_cannot_take_is_refused_with_its_words(site) -> None:
    site.save(GOOD)
    site.send(1)
    site.taken(refused="no driver modbus here")
    assert (site.version(1)["state"], site.version(1)["reason"]) == (
        "refused", "no driver modbus here",
    )  # fmt: skip
    assert site.standing()["running"] is None


def test_an_older_version_is_sent_again_as_a_new_one_with_the_same_content(site) -> None:
    for number, text in ((1, GOOD), (2, OTHER)):
        site.save(text, f"note {number}")
        site.send(number)
        site.applied(text, number)
    assert site.version(1)["state"] == "replaced"

    again = site.send(1)
    assert (again["version"], again["content_hash"]) == (3, hash_of(GOOD))
    assert (again["note"], again["source"]) == ("note 1", "line-1 1")
    assert site.document().version == 3
    assert site.send(3)["version"] == 3, "the one that is on its way is not sent twice"


def test_a_version_with_errors_is_kept_as_a_draft_and_not_sent(site) -> None:
    found = site.save(BROKEN)
    (problem,) = found["problems"]
    assert (problem["line"], problem["key"], problem["found"]) == (8, "station[0].device", "plc2")
    refused = site.send(1, status=422)
    assert refused["code"] == "edge_configuration.unsound"
    assert "line 8" in refused["detail"]
    assert site.standing()["wanted"] is None


def test_no_secret_and_no_huge_text_is_stored(site) -> None:
    secret = GOOD.replace("host =", 'password = "hunter2"\nhost =')
    refused = site.save(secret, status=422)
    assert refused["code"] == "edge_configuration.secret"
    assert "hunter2" not in json.dumps(refused)
    assert site.save("#" * 270_000, status=422)["code"] == "edge_configuration.too_large"
    assert site.standing()["newest"] == 0


def test_a_check_stores_nothing_and_says_what_would_change(site) -> None:
    site.save(GOOD)
    site.send(1)
    site.applied(GOOD, 1)
    answer = site.client.post(f"{BASE}/check", json={"text": OTHER}).json()
    assert answer["sound"]
    assert answer["difference"] == {
        "against": 1,
        "changes": [
            {
                "part": "device", "id": "plc", "change": "changed",
                "keys": [{"key": "host", "old": '"192.0.2.30"', "new": '"192.0.2.31"'}],
            }
        ],
    }  # fmt: skip
    assert site.standing()["newest"] == 1
    new = site.client.post(f"{BASE}/check", json={"text": OTHER, "against": 0}).json()
    assert [one["change"] for one in new["difference"]["changes"]] == ["added", "added"]
    site.save(OTHER)
    path = f"{BASE}/2/difference"
    assert site.client.get(path, params={"against": 1}).json() == answer["difference"]


def test_a_copy_is_a_draft_with_the_problems_that_it_has_there(site) -> None:
    site.save(GOOD, "for all")
    answer = site.client.post(f"{BASE}/1/copy", json={"edges": ["line-2", "line-1"]})
    assert answer.status_code == 201
    (copied,) = answer.json()
    assert (copied["edge"], copied["version"], copied["state"]) == ("line-2", 1, "draft")
    assert copied["source"] == "line-1 1"
    assert [one["code"] for one in copied["problems"]] == ["station_elsewhere"]
    missing = site.client.post(f"{BASE}/1/copy", json={"edges": ["line-9"]})
    assert missing.status_code == 404


def test_nobody_overrides_a_sending_that_he_has_not_seen(site) -> None:
    for text in (GOOD, OTHER):
        site.save(text)
    site.send(1, **{"If-Match": '"0"'})
    stale = site.send(2, status=412, **{"If-Match": '"0"'})
    assert stale["code"] == "revision.stale"
    assert site.send(2, **{"If-Match": '"1"'})["state"] == "sent"
    assert site.version(1)["state"] == "replaced"


def test_saving_the_same_draft_again_makes_no_new_version(site) -> None:
    assert [site.save(GOOD)["version"], site.save(GOOD)["version"]] == [1, 1]
    site.save(OTHER)
    page = site.client.get(BASE, params={"limit": 1}).json()
    assert [one["version"] for one in page["items"]] == [2]
    rest = site.client.get(BASE, params={"cursor": page["next_cursor"]}).json()
    assert [one["version"] for one in rest["items"]] == [1]
    assert rest["next_cursor"] is None


def test_a_revoked_edge_is_sent_nothing(site) -> None:
    site.save(GOOD)
    site.client.post("/api/v1/enrolment/edges/line-1/revoke").raise_for_status()
    assert site.send(1, status=409)["code"] == "edge_configuration.edge_revoked"


def test_facts_read_again_give_the_same_answer(site, engine, clock) -> None:
    """The projection can be thrown away."""
    site.save(GOOD)
    site.send(1)
    site.taken()
    site.applied(GOOD, 1)
    before = site.standing()
    with transaction(engine) as connection:
        connection.exec_driver_sql(
            "UPDATE reader_cursor SET version = 0 WHERE reader = 'edge_configurations'"
        )
    site.report.runner.run_until_idle()
    assert site.standing() == before


def test_the_command_line_checks_sends_and_shows(
    site, engine, tmp_path, monkeypatch, capsys
) -> None:
    config = tmp_path / "central.toml"
    dsn = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    config.write_text(f'[database]\ndsn = "{dsn}"\n')
    file = tmp_path / "line-1.toml"
    place = ["--config", str(config)]

    file.write_text(BROKEN)
    assert cli.main(["edge", "configure", "line-1", str(file), *place]) == 1
    assert f"{file}:8: error: station[0].device: found plc2, expected" in capsys.readouterr().err
    file.write_text(GOOD)
    assert cli.main(["edge", "configure", "line-1", str(file), "--dry-run", *place]) == 0
    assert "added station TURN" in capsys.readouterr().out
    assert site.standing()["newest"] == 0
    assert cli.main(["edge", "configure", "line-1", str(file), "--note", "new", *place]) == 0
    assert "Version 1 is sent to line-1" in capsys.readouterr().out
    site.applied(GOOD, 1)
    file.write_text(OTHER)
    assert cli.main(["edge", "configure", "line-1", str(file), "--json", *place]) == 0
    sent = json.loads(capsys.readouterr().out)
    assert (sent["sent_version"], sent["against"]) == (2, 1)
    assert cli.main(["edge", "configuration", "line-1", *place]) == 0
    shown = capsys.readouterr().out
    assert "line-1 runs version 1" in shown
    assert "new" in shown
    assert cli.main(["edge", "configuration", "line-1", "--json", *place]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["state"] for one in found["versions"]] == ["sent", "running"]
    assert cli.main(["edge", "configure", "line-9", str(file), *place]) == 1
    assert cli.main(["edge", "configure", "line-1", str(tmp_path / "no.toml"), *place]) == 1
