"""Refusals of central that belong to no single domain."""

from __future__ import annotations

from lineside.contracts.errors import LinesideError


class DomainError(LinesideError):
    """A rule of a domain says no; the caller did something wrong, not the server."""

    code = "domain.refused"
    status = 409


class NotFoundError(DomainError):
    """There is no such thing, or the caller may not know of it."""

    code = "not_found"
    status = 404

    def __init__(self, what: str, key: str) -> None:
        super().__init__(
            f"There is no {what} {key}.", hint="Check the number; it is text, exactly."
        )
        self.what, self.key = what, key


class ConflictError(DomainError):
    """What should be created exists, or what should be changed is used elsewhere."""

    code = "conflict"


class InvalidInputError(DomainError):
    """Input that has the right shape and the wrong content.

    Attributes:
        field: Which field of the request, dotted; empty when it is about several.
    """

    code = "input.invalid"
    status = 422

    def __init__(self, message: str, *, field: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.field = field


class RevisionMissingError(DomainError):
    """An update without `If-Match`."""

    code = "revision.missing"
    status = 428

    def __init__(self) -> None:
        super().__init__(
            "This update needs the header If-Match.",
            hint="Read the object first and send its ETag back.",
        )


class RevisionStaleError(DomainError):
    """Somebody changed the object since the caller read it."""

    code = "revision.stale"
    status = 412

    def __init__(self, *, expected: int, current: int) -> None:
        super().__init__(
            f"The object has revision {current}, the request expects {expected}.",
            hint="Read it again, and repeat the change if it is still wanted.",
        )


class SignInRequiredError(DomainError):
    """No token, or one that is unknown, revoked or expired."""

    code = "access.sign_in_required"
    status = 401

    def __init__(self) -> None:
        super().__init__("This needs a valid bearer token.", hint="Sign in at /api/v1/auth/login.")


class PermissionMissingError(DomainError):
    """Signed in, and not allowed."""

    code = "access.permission_missing"
    status = 403

    def __init__(self, permission: str) -> None:
        super().__init__(
            f"This needs the permission {permission}.",
            hint="Ask an administrator for a role that has it.",
        )


class NotReadyError(LinesideError):
    """Central cannot serve this now; asking again later helps."""

    code = "central.not_ready"
    status = 503
