"""Refusals of central that belong to no single domain."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from inspect import signature
from types import MappingProxyType

from lineside.contracts.errors import LinesideError


def _keeping_values(init: Callable[..., None]) -> Callable[..., None]:
    """A constructor that also keeps what it is given, by the names of its arguments."""
    names = signature(init)

    @wraps(init)
    def kept(self: DomainError, *args: object, **named: object) -> None:
        if not self.values:  # the outermost constructor knows most
            given = dict(names.bind(self, *args, **named).arguments)
            given.pop("self")
            extra = given.pop("values", None)
            self.values = given | (dict(extra) if isinstance(extra, Mapping) else {})  # pyright: ignore[reportUnknownArgumentType]
        init(self, *args, **named)

    return kept


class DomainError(LinesideError):
    """A rule of a domain says no; the caller did something wrong, not the server.

    Attributes:
        said: Key of its text in other languages, where the code says too little.
        values: What the constructor was given, by name.
    """

    code = "domain.refused"
    status = 409
    said = ""
    values: Mapping[str, object] = MappingProxyType({})

    def __init_subclass__(cls) -> None:
        """Keep what constructors are given: texts in other languages name the same things."""
        super().__init_subclass__()
        if "__init__" in cls.__dict__:
            setattr(cls, "__init__", _keeping_values(cls.__init__))  # noqa: B010 - for the checker

    @property
    def text_key(self) -> str:
        """Under which other languages have its text; finer than the code where one says all."""
        return self.said or self.code


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


class AlreadyExistsError(ConflictError):
    """What should be created exists."""

    said = "already_exists"

    def __init__(self, what: str, key: str, *, hint: str = "Change it instead.") -> None:
        super().__init__(f"{what} {key} exists.", hint=hint)


class InvalidInputError(DomainError):
    """Input that has the right shape and the wrong content.

    Attributes:
        field: Which field of the request, dotted; empty when it is about several.
        said: Key of the text in other languages; empty: the code.
    """

    code = "input.invalid"
    status = 422

    def __init__(
        self,
        message: str,
        *,
        field: str = "",
        hint: str = "",
        said: str = "",
        values: Mapping[str, object] | None = None,
    ) -> None:
        """Refuse a field.

        Args:
            message: One sentence in English.
            field: Which one.
            hint: What to do now.
            said: Key of the sentence in other languages, where the code says too little.
            values: What that sentence names.
        """
        super().__init__(message, hint=hint)
        self.field = field
        self.said = said or type(self).said
        del values  # kept by DomainError


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
