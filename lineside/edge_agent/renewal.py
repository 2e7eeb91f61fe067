"""Renews this edge's certificate in time, and says early when it cannot."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from lineside.contracts.clock import US_PER_SECOND, Clock, Microseconds
from lineside.edge_agent.enrolment import (
    EnrolmentError,
    Identity,
    IdentityFiles,
    finish_replacing,
    read_identity,
)

CHECK_EVERY_S = 3600.0
DAY_US = 24 * 3600 * US_PER_SECOND
WARN_DAYS = (30, 14, 7)
JITTER_PART = 15
"""Edges that were enrolled on one day renew spread over a fifteenth of their certificates' life."""
NOTICE = "identity.expires"
log = structlog.get_logger("edge.renewal")


def renewal_at(identity: Identity) -> Microseconds:
    """When a certificate is renewed: at two thirds of its life, less a spread of its own.

    The spread comes from the fingerprint, so that a restart does not change it. It lies before the
    two thirds: whoever has fewer than 30 of 90 days left could not renew.
    """
    life = identity.valid_until - identity.valid_from
    spread = int(identity.fingerprint[:8], 16) * (life // JITTER_PART) >> 32
    return identity.valid_from + 2 * life // 3 - spread


def warning(identity: Identity, now: Microseconds, why: str) -> str:
    """What people must hear of a certificate that could not be renewed; empty: nothing yet."""
    left = (identity.valid_until - now) // DAY_US
    if left < 0:
        return (
            f"This edge's certificate ended {-left} days ago; central cannot be reached. The line "
            f"goes on. {why}"
        ).strip()
    reached = [days for days in WARN_DAYS if left < days]
    if not reached:
        return ""
    urgency = f"fewer than {min(reached)} days"
    return f"This edge's certificate ends in {urgency} and is not renewed. {why}".strip()


class Renewal:
    """Looks once an hour whether it is time; a failure is tried again at the next look.

    Args:
        files: The identity in use.
        clock: Business time; its `sleep` is the timer.
        notice: Told (code, text); an empty text settles the matter.
    """

    def __init__(
        self, files: IdentityFiles, *, clock: Clock, notice: Callable[[str, str], None]
    ) -> None:
        self._files, self._clock, self._notice = files, clock, notice
        self.identity: Identity | None = None

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self.look()
            await self._clock.sleep(CHECK_EVERY_S)

    async def look(self) -> bool:
        """Renew if it is time.

        Returns:
            Whether there is a new certificate. The next connection to the broker uses it.
        """
        why = ""
        try:
            identity = self.identity = await asyncio.to_thread(self._read)
            if self._clock.now() < renewal_at(identity):
                self._notice(NOTICE, "")
                return False
            renewed = self.identity = await asyncio.to_thread(self._renew)
        except EnrolmentError as problem:
            why = str(problem)
            refused = problem.code == "enrolment.refused"
            log.warning("renewal_refused" if refused else "renewal_waits", why=why)
        else:
            log.info("certificate_renewed", edge=renewed.edge, until=renewed.valid_until)
            self._notice(NOTICE, "")
            return True
        if self.identity is not None:
            self._notice(NOTICE, warning(self.identity, self._clock.now(), why))
        return False

    def _read(self) -> Identity:
        finish_replacing(self._files)
        return read_identity(self._files.certificate)

    def _renew(self) -> Identity:
        # Loaded when it is time: its HTTP client would delay every start of the agent.
        from lineside.edge_agent.certification import renew  # noqa: PLC0415

        return renew(self._files)
