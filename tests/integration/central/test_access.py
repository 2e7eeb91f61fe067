"""Every route, with every role."""

from __future__ import annotations

import re
from typing import Any

import pytest
from fastapi.routing import APIRoute

from lineside.central.app import create_app
from lineside.central.config import CentralConfig
from lineside.central.platform.access.policy import PERMISSIONS, ROLE_PERMISSIONS, Role
from lineside.central.platform.access.principal import public
from lineside.central.routers import ROUTERS

OPEN_TO_ALL = {
    "/api/v1/auth/login", "/api/v1/auth/first-run", "/healthz", "/readyz", "/metrics",
    "/{path:path}",
    # a token or the key of a certificate opens these
    "/api/v1/enrolment", "/api/v1/enrolment/authority", "/api/v1/enrolment/renewals",
}  # fmt: skip
ROUTES = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]


def calls_of(node: Any) -> set[Any]:
    """Every function that must pass before the route runs."""
    found = {node.call}
    for inner in node.dependencies:
        found |= calls_of(inner)
    return found


def permissions_of(route: APIRoute) -> set[str]:
    calls = calls_of(route.dependant)  # codespell:ignore dependant
    return {call.permission for call in calls if hasattr(call, "permission")}


def address(route: APIRoute) -> str:
    return re.sub(r"\{[^}]+\}", "x", route.path)


def method(route: APIRoute) -> str:
    return next(iter(route.methods or ()))


@pytest.mark.parametrize("route", ROUTES, ids=lambda r: f"{method(r)} {r.path}")
def test_every_route_asks_for_one_permission_or_says_that_it_is_open(route: APIRoute) -> None:
    if public in calls_of(route.dependant):  # codespell:ignore dependant
        assert route.path in OPEN_TO_ALL
        assert not permissions_of(route)
    else:
        assert len(permissions_of(route)) == 1


def test_every_documented_path_is_one_of_these_routes_or_open() -> None:
    paths = set(create_app(CentralConfig()).openapi()["paths"])
    known = {route.path for route in ROUTES} | OPEN_TO_ALL
    assert {re.sub(r":path", "", path) for path in known} >= paths


def test_operation_ids_are_unique() -> None:
    document = create_app(CentralConfig()).openapi()
    ids = [op["operationId"] for path in document["paths"].values() for op in path.values()]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("role", [None, *Role])
def test_a_role_passes_exactly_where_it_has_the_permission(client, token_of, role) -> None:
    """Without a token 401, without the permission 403; with it, anything else."""
    headers = (
        {"Authorization": ""} if role is None else {"Authorization": f"Bearer {token_of(role)}"}
    )
    granted = frozenset() if role is None else ROLE_PERMISSIONS[role]
    for route in ROUTES:
        needed = permissions_of(route)
        if not needed or address(route) == "/api/v1/auth/logout":
            continue
        answer = client.request(method(route), address(route), headers=headers)
        where = f"{role} {method(route)} {route.path}: {answer.status_code}"
        if role is None:
            assert answer.status_code == 401, where
        elif needed <= granted:
            assert answer.status_code not in {401, 403}, where
        else:
            assert answer.status_code == 403, where
            assert answer.json()["code"] == "access.permission_missing", where


def test_figures_per_person_are_in_no_role() -> None:
    assert "figures.person" in PERMISSIONS
    assert all("figures.person" not in granted for granted in ROLE_PERMISSIONS.values())


def test_every_permission_is_used_and_every_role_has_only_known_ones() -> None:
    used = set().union(*(permissions_of(route) for route in ROUTES)) | {"figures.person"}
    assert used == set(PERMISSIONS)
    assert set().union(*ROLE_PERMISSIONS.values()) <= set(PERMISSIONS)
