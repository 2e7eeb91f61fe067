"""Who sends a request, and the one question that every route asks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from lineside.central.errors import PermissionMissingError, SignInRequiredError
from lineside.central.platform.access.policy import PERMISSIONS

# Declares the scheme for the schema; the token itself is read once by the transaction route.
_bearer = HTTPBearer(auto_error=False, description="Token from /api/v1/auth/login")


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A signed-in user.

    Attributes:
        id: Opaque user id.
        name: Name to sign in with.
        person: Opaque person id, empty where the user is nobody in the plant.
        roles: Names of roles.
        permissions: What he may do.
        token_hash: Which token he came with.
    """

    id: str
    name: str
    person: str
    roles: tuple[str, ...]
    permissions: frozenset[str]
    token_hash: str = ""

    def may(self, permission: str) -> bool:
        """Whether the user has the permission."""
        return permission in self.permissions


def require(permission: str) -> Callable[..., Awaitable[Principal]]:
    """A dependency that lets only users with the permission pass.

    Raises:
        SignInRequiredError: No valid token.
        PermissionMissingError: Signed in without the permission.
    """
    assert permission in PERMISSIONS, permission

    async def required(
        request: Request,
        _credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    ) -> Principal:
        principal: Principal | None = request.state.principal
        if principal is None:
            raise SignInRequiredError
        if not principal.may(permission):
            raise PermissionMissingError(permission)
        return principal

    required.permission = permission  # pyright: ignore[reportFunctionMemberAccess]
    return required


async def public() -> None:
    """Marks a route that everybody may call; there are few, and a test lists them."""
