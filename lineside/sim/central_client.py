"""Central as a planner's program sees it: its open API, with a token."""

from __future__ import annotations

import uuid
from typing import Any

import httpx

from lineside.contracts.errors import LinesideError

Json = dict[str, Any]
TIMEOUT_S = 30.0


class CentralRefusedError(LinesideError):
    """Central answered with a problem document."""

    code = "sim.central_refused"


class Central:
    """Signed-in access to central's API."""

    def __init__(self, base_url: str) -> None:
        self.http = httpx.Client(base_url=base_url, timeout=TIMEOUT_S)

    def sign_in(self, user: str, password: str) -> None:
        """Get a token and use it from now on."""
        answer = self.post("/api/v1/auth/login", {"user": user, "password": password})
        self.http.headers["Authorization"] = f"Bearer {answer['token']}"

    def get(self, path: str, **parameters: Any) -> Json:  # noqa: ANN401
        """Read something."""
        return self._read(self.http.get(path, params=parameters))

    def post(self, path: str, body: Json | list[Json] | None = None, **headers: str) -> Json:
        """Create or do something; sent with an idempotency key of its own."""
        headers = {"Idempotency-Key": uuid.uuid4().hex, **headers}
        return self._read(self.http.post(path, json=body, headers=headers))

    def put(self, path: str, body: Json, **headers: str) -> Json:
        """Replace something."""
        return self._read(self.http.put(path, json=body, headers=headers))

    def patch(self, path: str, body: Json, **headers: str) -> Json:
        """Change some fields; needs `If-Match`."""
        return self._read(self.http.patch(path, json=body, headers=headers))

    def has_everything(self, *, edges: int = 1) -> bool:
        """Whether at least so many edges are known, and none has events that are still to come."""
        known: list[Json] = self._read(self.http.get("/api/v1/trace/known"))  # pyright: ignore[reportAssignmentType]
        return len(known) >= edges and not any(edge["still_to_come"] for edge in known)

    def orders_are_at_edges(self) -> bool:
        """Whether every edge has said that it has the newest document of each of its orders."""
        cursor = ""
        while True:
            page = self.get("/api/v1/mes/work-orders", limit=200, cursor=cursor)
            orders: list[Json] = page["items"]
            for order in orders:
                edges: list[Json] = order["edges"]
                if any(edge["applied"] < edge["wanted"] for edge in edges):
                    return False
            cursor = page["next_cursor"]
            if not cursor:
                return True

    def _read(self, answer: httpx.Response) -> Json:
        if answer.is_error:
            raise CentralRefusedError(
                f"{answer.request.method} {answer.request.url.path}: "
                f"{answer.status_code} {answer.text[:1000]}"
            )
        return answer.json() if answer.content else {}
