"""Enrolment over HTTP."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from lineside.central.authority import Authority
from lineside.central.config import EnrolmentConfig
from lineside.central.errors import NotFoundError
from lineside.central.kit.http import refusals
from lineside.central.kit.schema import In, Instant, Out, Text
from lineside.central.kit.transaction_route import TransactionRoute, Work
from lineside.central.platform.access.principal import Principal, public, require
from lineside.central.platform.enrolment import service
from lineside.central.platform.enrolment.deny_list import write_deny_list
from lineside.central.platform.enrolment.errors import (
    InvitationRefusedError,
    NoAuthorityError,
    RenewalRefusedError,
    RequestRefusedError,
)
from lineside.contracts import enrolment as contract
from lineside.contracts.errors import InvalidMessageError

router = APIRouter(prefix=contract.PATH, tags=["enrolment"], route_class=TransactionRoute)
Admin = Annotated[Principal, Depends(require("edges.admin"))]
EdgeId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\-]{0,62}$")]
Pem = Annotated[str, Field(max_length=8192)]
PEM = "application/x-pem-file"
NO_STORE = {"Cache-Control": "no-store"}


class InvitationIn(In):
    """The edge that shall come."""

    edge: EdgeId
    name: Text = ""


class InvitationOut(Out):
    """An invitation; the token is shown this once."""

    edge: str
    token: str
    expires_at: Instant


class EnrolmentIn(In):
    """A token with the certificate request of the edge, PEM."""

    token: Annotated[str, Field(max_length=200)]
    request: Pem


class RenewalIn(In):
    """The present certificate and a request for a new key, PEM.

    Attributes:
        proof: Signature (ECDSA, SHA-256) of the present key over the purpose and the request,
            Base64.
    """

    certificate: Pem
    request: Pem
    proof: Annotated[str, Field(max_length=400)]


class CertificateOut(Out):
    """A certificate, and everybody whom the edge shall trust, PEM."""

    edge: str
    certificate: str
    authority: str
    valid_until: Instant


def _config(request: Request) -> EnrolmentConfig:
    return request.app.state.central.config.enrolment


Config = Annotated[EnrolmentConfig, Depends(_config)]


def _authority(config: Config) -> Authority:
    if not (config.authority / "ca.key").is_file():
        raise NoAuthorityError
    return Authority.open(config.authority)


Signer = Annotated[Authority, Depends(_authority)]


def _shown(found: service.Certified) -> CertificateOut:
    return CertificateOut(
        edge=found.edge,
        certificate=found.certificate.decode(),
        authority=found.authority.decode(),
        valid_until=found.valid_until,
    )


@router.get(
    "/authority",
    dependencies=[Depends(public)],
    response_class=Response,
    responses={200: {"content": {PEM: {"schema": {"type": "string"}}}}}
    | refusals(NoAuthorityError),
)
def read_authority(signer: Signer) -> Response:
    """The certificates of the site's authority; an edge compares them with its token."""
    return Response(signer.certificate, media_type=PEM, headers=NO_STORE)


@router.post(
    "",
    dependencies=[Depends(public)],
    responses=refusals(NoAuthorityError, InvitationRefusedError, RequestRefusedError),
)
def enrol_edge(
    body: EnrolmentIn, work: Work, config: Config, signer: Signer, response: Response
) -> CertificateOut:
    """Sign the request of an edge that has a token."""
    try:
        secret = contract.parse_invitation(body.token).secret
    except InvalidMessageError as problem:
        raise InvitationRefusedError from problem
    response.headers.update(NO_STORE)
    found = service.redeem(
        work,
        signer,
        secret=secret,
        request=body.request.encode(),
        days=config.certificate_days,
    )
    write_deny_list(work, signer, config.authority)  # it may have been revoked before
    return _shown(found)


@router.post(
    "/renewals",
    dependencies=[Depends(public)],
    responses=refusals(NoAuthorityError, RenewalRefusedError, RequestRefusedError),
)
def renew_certificate(
    body: RenewalIn, work: Work, config: Config, signer: Signer, response: Response
) -> CertificateOut:
    """Sign a new certificate for the key of the present one, also when it has just expired."""
    try:
        proof = base64.b64decode(body.proof, validate=True)
    except binascii.Error as problem:
        raise RenewalRefusedError("the proof is no Base64") from problem
    response.headers.update(NO_STORE)
    found = service.renew(
        work,
        signer,
        certificate=body.certificate.encode(),
        request=body.request.encode(),
        proof=proof,
        days=config.certificate_days,
    )
    return _shown(found)


@router.post("/invitations", status_code=201, responses=refusals(NoAuthorityError))
def invite_edge(
    _: Admin, body: InvitationIn, work: Work, signer: Signer, response: Response
) -> InvitationOut:
    """Open a slot for an edge; it is given to the edge as `lineside-edge enrol --token`."""
    response.headers.update(NO_STORE)
    found = service.invite(work, signer, body.edge, name=body.name)
    return InvitationOut(edge=found.edge, token=found.token, expires_at=found.expires_at)


@router.post("/edges/{edge}/revoke", status_code=204, responses=refusals(NotFoundError))
def revoke_edge(_: Admin, edge: str, work: Work, config: Config) -> None:
    """Take nothing more from an edge and end its certificates; what it sent stays."""
    service.revoke_edge(work, edge)
    if (config.authority / "ca.key").is_file():
        write_deny_list(work, Authority.open(config.authority), config.authority)
