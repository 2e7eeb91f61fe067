"""What a terminal says of another configuration: a short notice, or a banner where it came back."""

from __future__ import annotations

from lineside.contracts.clock import US_PER_SECOND, Microseconds
from lineside.edge_agent.config.standing import Running, TakenBack
from lineside.edge_agent.terminal import views
from lineside.edge_agent.terminal.texts import words

APPLIED_FOR_US = 60 * US_PER_SECOND
TAKEN_BACK_FOR_US = 12 * 3_600 * US_PER_SECOND


def configuration_notices(
    known: Running | None, taken: TakenBack | None, now: Microseconds
) -> tuple[views.Notice, ...]:
    """Banners about the configuration.

    Args:
        known: What runs; said for a minute, where it was put in while the agent ran.
        taken: What was taken back; said for twelve hours, or until another one has proved itself.
        now: Business time.
    """
    if taken is not None and now - taken.at < TAKEN_BACK_FOR_US:
        told = {
            "version": str(taken.version) if taken.version else "",
            "reason": taken.reason,
            "devices": ", ".join(taken.devices),
            "seconds": str(taken.trial_s),
        }
        named = taken.stage if taken.stage != "trial" or taken.devices else "apply"
        return (_notice(f"configuration.taken_back_{named}", told),)
    if known is not None and known.exchanged and now - known.at < APPLIED_FOR_US:
        return (_notice("configuration.applied", {"version": str(known.version or "")}),)
    return ()


def _notice(code: str, params: dict[str, str]) -> views.Notice:
    what, why, todo = words(code, params)
    return views.Notice(code=code, what=what, why=why, todo=todo)
