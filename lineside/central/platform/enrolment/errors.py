"""Refusals of enrolment. They do not say which part of a secret was wrong."""

from __future__ import annotations

from lineside.central.errors import DomainError


class NoAuthorityError(DomainError):
    """This central cannot sign certificates."""

    code = "enrolment.no_authority"
    status = 409

    def __init__(self) -> None:
        super().__init__(
            "This central has no authority, so it cannot sign certificates.",
            hint="Run `lineside-central authority create` and name its folder in [enrolment].",
        )


class InvitationRefusedError(DomainError):
    """The token is unknown, used by somebody else, or too old."""

    code = "enrolment.invitation_refused"
    status = 403

    def __init__(self) -> None:
        super().__init__(
            "This invitation is not valid: unknown, used, replaced, or older than a day.",
            hint="Run `lineside-central edge invite` again and use the new token.",
        )


class RenewalRefusedError(DomainError):
    """The certificate is not one that may be renewed, or its key did not sign."""

    code = "enrolment.renewal_refused"
    status = 403

    def __init__(self, why: str) -> None:
        super().__init__(
            f"This certificate is not renewed: {why}.",
            hint="Run `lineside-central edge invite` and enrol the edge with the new token.",
        )
        self.why = why


class RequestRefusedError(DomainError):
    """The certificate request is none, or its key cannot be used."""

    code = "enrolment.request_refused"
    status = 422

    def __init__(self, why: str) -> None:
        super().__init__(why, hint="Let `lineside-edge enrol` make the request.")
        self.why = why
