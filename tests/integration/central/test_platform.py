"""Problems, revisions, idempotency, signing in, and who may do what."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text

from lineside.central.kit.idempotency import idempotency_key
from lineside.central.kit.unit_of_work import unit_of_work
from lineside.central.platform.identity import service

ITEM = {"id": "A/1", "name": "Bolt"}
PASSWORD = "correct horse battery"


def problem(answer) -> dict:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.json()


def test_health_is_open_and_says_when_it_is_ready(client) -> None:
    assert client.get("/healthz", headers={"Authorization": ""}).json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready", "wire": ""}
    assert "lineside_quarantine_events 0" in client.get("/metrics").text


def test_docs_need_nothing_from_the_internet(client) -> None:
    page = client.get("/docs/")
    assert page.status_code == 200
    assert "http" not in page.text.replace("http-equiv", "")
    assert client.get("/openapi.json").json()["openapi"].startswith("3.")
    assert "default-src 'self'" in page.headers["content-security-policy"]


def test_a_wrong_field_is_named(client) -> None:
    answer = client.post("/api/v1/mes/items", json={"id": "A", "names": "x"})

    assert answer.status_code == 422
    found = problem(answer)
    assert {error["field"] for error in found["errors"]} == {"body.name", "body.names"}
    assert found["code"] == "input.invalid"


def test_no_route_and_wrong_method_are_problems_too(client) -> None:
    assert problem(client.get("/api/v1/nothing"))["code"] == "not_found"
    assert problem(client.delete("/api/v1/mes/items"))["code"] == "method_not_allowed"


def test_a_broken_body_is_a_problem(client) -> None:
    answer = client.post(
        "/api/v1/mes/items", content=b"{", headers={"content-type": "application/json"}
    )
    assert answer.status_code == 422
    assert problem(answer)["code"] == "input.invalid"


def test_a_second_one_with_the_same_number_is_refused(client) -> None:
    assert client.post("/api/v1/mes/items", json=ITEM).status_code == 201
    answer = client.post("/api/v1/mes/items", json=ITEM)
    assert (answer.status_code, problem(answer)["code"]) == (409, "conflict")


class TestRevisions:
    def test_an_update_without_if_match_is_refused(self, client) -> None:
        client.post("/api/v1/mes/items", json=ITEM)
        answer = client.put("/api/v1/mes/items/A/1", json={"name": "Nut"})
        assert (answer.status_code, problem(answer)["code"]) == (428, "revision.missing")

    def test_nobody_overwrites_what_he_has_not_read(self, client) -> None:
        etag = client.post("/api/v1/mes/items", json=ITEM).headers["etag"]
        first = client.put(
            "/api/v1/mes/items/A/1", json={"name": "Nut"}, headers={"If-Match": etag}
        )
        second = client.put(
            "/api/v1/mes/items/A/1", json={"name": "Screw"}, headers={"If-Match": etag}
        )

        assert first.headers["etag"] == '"2"'
        assert (second.status_code, problem(second)["code"]) == (412, "revision.stale")
        assert client.get("/api/v1/mes/items/A/1").json()["name"] == "Nut"


class TestIdempotency:
    def test_a_write_that_is_sent_twice_happens_once_and_answers_the_same(self, client) -> None:
        headers = {"Idempotency-Key": "k-1"}
        person = {"name": "Ada", "badge": "B-1"}
        first = client.post("/api/v1/mes/persons", json=person, headers=headers)
        second = client.post("/api/v1/mes/persons", json=person, headers=headers)

        assert first.json() == second.json()
        assert (second.status_code, second.headers["idempotency-replayed"]) == (201, "true")
        assert second.headers["etag"] == first.headers["etag"]
        assert len(client.get("/api/v1/mes/persons").json()["items"]) == 1

    def test_a_key_with_another_request_is_refused(self, client) -> None:
        headers = {"Idempotency-Key": "k-1"}
        client.post("/api/v1/mes/items", json=ITEM, headers=headers)
        answer = client.post("/api/v1/mes/items", json=ITEM | {"id": "B"}, headers=headers)
        assert problem(answer)["code"] == "idempotency.key_reused"

    def test_a_refused_write_leaves_its_key_free(self, client, engine) -> None:
        headers = {"Idempotency-Key": "k-1"}
        assert client.post("/api/v1/mes/items", json={"id": "A"}, headers=headers).is_error
        with engine.connect() as connection:
            assert connection.execute(select(idempotency_key)).all() == []
        assert client.post("/api/v1/mes/items", json=ITEM, headers=headers).status_code == 201


def test_a_commit_that_fails_is_not_answered_as_success(client, engine) -> None:
    """The answer leaves after the commit, so what it says is stored."""
    with engine.begin() as connection:
        connection.execute(
            text(
                "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN RAISE EXCEPTION 'the disk is gone'; END $$"
            )
        )
        connection.execute(
            text(
                "CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON item"
                " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fail()"
            )
        )
    try:
        assert client.post("/api/v1/mes/items", json=ITEM).status_code == 500
    finally:
        with engine.begin() as connection:
            connection.execute(text("DROP FUNCTION fail() CASCADE"))
    assert client.get("/api/v1/mes/items/A/1").status_code == 404


def test_a_database_that_is_away_is_said_as_503(client, engine, monkeypatch) -> None:
    with engine.connect() as connection:
        name = connection.execute(text("SELECT current_database()")).scalar_one()
    engine.dispose()
    monkeypatch.setattr(
        engine.dialect, "connect", lambda *a, **k: (_ for _ in ()).throw(_operational(name))
    )
    answer = client.get("/api/v1/mes/items")
    monkeypatch.undo()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


def _operational(name: str):
    import psycopg

    return psycopg.OperationalError(f"{name} is away")


def test_lists_are_paged_without_skipping_or_repeating(client) -> None:
    for number in range(7):
        client.post("/api/v1/mes/items", json={"id": f"I{number}", "name": "x"})
    seen, cursor = [], ""
    while cursor is not None:
        page = client.get("/api/v1/mes/items", params={"limit": 3, "cursor": cursor}).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert seen == [f"I{number}" for number in range(7)]


@pytest.mark.parametrize("cursor", ["x", "WzFd", "eyJhIjoxfQ", "W251bGxd", "////", "WyJhIiwiYiJd"])
def test_a_cursor_that_is_not_ours_is_refused(client, cursor) -> None:
    answer = client.get("/api/v1/mes/items", params={"cursor": cursor})
    assert (answer.status_code, problem(answer)["code"]) == (422, "input.invalid")


class TestSignIn:
    @pytest.fixture(autouse=True)
    def _ada(self, engine, clock) -> None:
        with unit_of_work(engine, clock) as work:
            service.add_user(work, name="Ada", password=PASSWORD, roles=["planner"])

    def login(self, client, password=PASSWORD, user="ada"):
        body = {"user": user, "password": password}
        return client.post("/api/v1/auth/login", json=body, headers={"Authorization": ""})

    def test_a_token_says_who_one_is_until_it_ends(self, client, clock) -> None:
        token = self.login(client).json()["token"]
        headers = {"Authorization": f"Bearer {token}"}
        me = client.get("/api/v1/auth/me", headers=headers).json()
        assert (me["name"], me["roles"]) == ("ada", ["planner"])

        clock.advance(13 * 3600 * 1_000_000)
        answer = client.get("/api/v1/auth/me", headers=headers)
        assert (answer.status_code, problem(answer)["code"]) == (401, "access.sign_in_required")

    def test_signing_out_ends_the_token(self, client) -> None:
        headers = {"Authorization": f"Bearer {self.login(client).json()['token']}"}
        assert client.post("/api/v1/auth/logout", headers=headers).status_code == 204
        assert client.get("/api/v1/auth/me", headers=headers).status_code == 401

    def test_wrong_name_and_wrong_password_answer_alike(self, client) -> None:
        wrong, nobody = self.login(client, "x"), self.login(client, user="bob")
        assert (wrong.status_code, wrong.json()) == (401, nobody.json())

    def test_a_name_rests_after_too_many_wrong_passwords(self, client, clock) -> None:
        for _ in range(5):
            assert self.login(client, "wrong").status_code == 401
        answer = self.login(client)
        assert (answer.status_code, problem(answer)["code"]) == (429, "identity.account_rests")

        clock.advance(31 * 1_000_000)
        assert self.login(client).status_code == 200

    def test_passwords_and_tokens_are_stored_only_as_hashes(self, client, engine) -> None:
        token = self.login(client).json()["token"]
        with engine.connect() as connection:
            stored = connection.execute(text("SELECT password_hash FROM user_account")).scalars()
            assert any(value.startswith("$argon2id$") for value in stored)
            tokens = connection.execute(text("SELECT token_hash FROM access_token")).scalars()
            assert token not in set(tokens)

    def test_a_new_password_ends_old_tokens(self, client) -> None:
        headers = {"Authorization": f"Bearer {self.login(client).json()['token']}"}
        user = next(
            u for u in client.get("/api/v1/auth/users").json()["items"] if u["name"] == "ada"
        )
        changed = client.patch(
            f"/api/v1/auth/users/{user['id']}",
            json={"password": "another good one"},
            headers={"If-Match": '"1"'},
        )
        assert changed.status_code == 200
        assert client.get("/api/v1/auth/me", headers=headers).status_code == 401

    def test_a_weak_password_is_refused(self, client) -> None:
        body = {"name": "eve", "password": "short", "roles": []}
        answer = client.post("/api/v1/auth/users", json=body)
        assert problem(answer)["code"] == "identity.weak_password"


def test_the_first_run_code_makes_one_administrator_and_no_second(app, engine, clock) -> None:
    import httpx

    from lineside.central.serving import serving

    with serving(app) as address, httpx.Client(base_url=address) as http:
        code = app.state.central.first_run_code
        body = {"code": code, "user": "root", "password": PASSWORD}
        wrong = http.post("/api/v1/auth/first-run", json=body | {"code": "0000"})
        assert problem(wrong)["code"] == "identity.first_run_refused"
        token = http.post("/api/v1/auth/first-run", json=body).json()["token"]
        me = http.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"}).json()
        assert me["roles"] == ["administrator"]
        again = http.post("/api/v1/auth/first-run", json=body | {"user": "two"})
        assert again.status_code == 403


def test_forgetting_a_person_deletes_name_and_badge(client, engine) -> None:
    person = client.post("/api/v1/mes/persons", json={"name": "Ada", "badge": "B-1"}).json()["id"]
    assert client.delete(f"/api/v1/mes/persons/{person}").status_code == 204
    assert client.get(f"/api/v1/mes/persons/{person}").status_code == 404
    again = client.post("/api/v1/mes/persons", json={"name": "Bob", "badge": "B-1"})
    assert again.status_code == 201


def test_a_badge_belongs_to_one_person(client) -> None:
    client.post("/api/v1/mes/persons", json={"name": "Ada", "badge": "B-1"})
    answer = client.post("/api/v1/mes/persons", json={"name": "Bob", "badge": "B-1"})
    assert problem(answer)["code"] == "identity.badge_taken"


def test_a_refusal_is_said_in_the_language_of_the_reader(client) -> None:
    """The code stays the same for programs; English is the language of who names none."""
    chinese = {"Accept-Language": "zh-CN,zh;q=0.9"}
    missing = client.get("/api/v1/mes/items/I-1", headers=chinese)
    assert missing.json()["detail"] == "没有物料 I-1。"
    assert missing.json()["hint"].startswith("请检查编号")
    assert missing.json()["code"] == "not_found"
    assert missing.headers["content-language"] == "zh-CN"
    assert missing.headers["vary"] == "Accept-Language"
    assert client.get("/api/v1/mes/items/I-1").json()["detail"] == "There is no item I-1."

    body = {"id": "x" * 300, "colour": "red"}
    wrong = client.post("/api/v1/mes/items", json=body, headers=chinese).json()
    said = {one["field"]: one["message"] for one in wrong["errors"]}
    assert said["body.colour"] == "没有这个字段。"
    assert said["body.name"] == "必须填写。"
    assert said["body.id"].startswith("最多 ")

    away = client.get("/api/v1/nowhere", headers=chinese).json()
    assert (away["code"], away["detail"]) == ("not_found", "没有这个地址。")
