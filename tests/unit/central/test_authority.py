"""Certificates say who somebody is; only their owner can read the keys."""

import ssl

import pytest

from lineside.central.authority import Authority, AuthorityError
from lineside.contracts.clock import SystemClock
from lineside.edge_agent.enrolment import (
    EnrolmentError,
    edge_id_from_certificate,
    new_request,
    read_identity,
    save_identity,
)

NOW = SystemClock().now()
DAY = 86_400_000_000


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority.create(tmp_path_factory.mktemp("ca"), site="test", now=NOW)


def test_the_edge_id_comes_from_the_certificate(authority, tmp_path):
    authority.issue_edge("edge-1", now=NOW).save(tmp_path, "edge")

    identity = read_identity(tmp_path / "edge.crt")

    assert identity.edge == edge_id_from_certificate(tmp_path / "edge.crt") == "edge-1"
    assert 89 * DAY < identity.valid_until - NOW < 90 * DAY


def test_keys_are_readable_by_their_owner_alone(authority, tmp_path):
    authority.issue_edge("edge-1", now=NOW).save(tmp_path, "edge")

    assert (tmp_path / "edge.key").stat().st_mode & 0o777 == 0o600


def test_an_edge_keeps_its_key_and_gets_the_invited_id_whatever_it_asks(authority, tmp_path):
    key, request = new_request("somebody-else")

    issued = authority.sign_edge(request, "edge-7", now=NOW)
    save_identity(
        tmp_path, key=key, certificate=issued.certificate, authority=authority.certificate
    )

    assert issued.key == b""
    assert edge_id_from_certificate(tmp_path / "edge.crt") == "edge-7"
    context = ssl.create_default_context(cafile=str(tmp_path / "ca.crt"))
    context.load_cert_chain(tmp_path / "edge.crt", tmp_path / "edge.key")


@pytest.mark.parametrize("edge", ["", "a/b", "+", "#", "lineside-central", "x" * 64, "a b"])
def test_names_that_would_open_other_topics_are_refused(authority, edge):
    with pytest.raises(AuthorityError, match="cannot be the id"):
        authority.issue_edge(edge, now=NOW)


@pytest.mark.parametrize("kind", ["server", "central"])
def test_a_certificate_of_something_else_is_no_identity_of_an_edge(authority, tmp_path, kind):
    issued = (
        authority.issue_server(["edge-1"], now=NOW)
        if kind == "server"
        else authority.issue_central(now=NOW)
    )
    issued.save(tmp_path, "other")

    with pytest.raises(EnrolmentError, match="not the certificate of an edge"):
        edge_id_from_certificate(tmp_path / "other.crt")


def test_a_wrong_certificate_replaces_nothing(authority, tmp_path):
    authority.issue_edge("edge-1", now=NOW).save(tmp_path, "edge")
    other = authority.issue_central(now=NOW)

    with pytest.raises(EnrolmentError):
        save_identity(tmp_path, key=other.key, certificate=other.certificate, authority=b"")

    assert edge_id_from_certificate(tmp_path / "edge.crt") == "edge-1"


def test_a_second_authority_is_not_made_over_the_first(tmp_path):
    first = Authority.create(tmp_path, site="test", now=NOW)

    with pytest.raises(AuthorityError, match="already"):
        Authority.create(tmp_path, site="test", now=NOW)
    assert Authority.open(tmp_path).certificate == first.certificate


def test_a_request_that_is_none_is_refused(authority):
    with pytest.raises(AuthorityError, match="Not a certificate request"):
        authority.sign_edge(b"nonsense", "edge-1", now=NOW)


def test_a_folder_without_authority_says_what_to_do(tmp_path):
    with pytest.raises(AuthorityError, match="lineside-central init"):
        Authority.open(tmp_path)
