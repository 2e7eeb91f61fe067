"""Refusals of identity."""

from __future__ import annotations

from lineside.central.errors import ConflictError, DomainError, InvalidInputError


class SignInRefusedError(DomainError):
    """Wrong name or password; which of them is not said."""

    code = "identity.sign_in_refused"
    status = 401

    def __init__(self) -> None:
        super().__init__("Name or password is wrong.", hint="Check both; names are lower case.")


class AccountRestsError(DomainError):
    """Too many wrong passwords; the name rests for a while."""

    code = "identity.account_rests"
    status = 429

    def __init__(self, seconds: int) -> None:
        super().__init__(
            f"Too many wrong passwords; this name rests for {seconds} s.",
            hint="Wait, then try again; an administrator can set a new password.",
        )
        self.seconds = seconds


class FirstRunRefusedError(DomainError):
    """The first-run code is wrong, used or expired, or there are users already."""

    code = "identity.first_run_refused"
    status = 403

    def __init__(self) -> None:
        super().__init__(
            "The first-run code is not valid.",
            hint="`lineside-central user add NAME --role administrator` creates a user, too.",
        )


class WeakPasswordError(InvalidInputError):
    """The password is too short or equals the name."""

    code = "identity.weak_password"

    def __init__(self, minimum: int) -> None:
        super().__init__(
            f"A password has at least {minimum} characters and is not the name.",
            field="body.password",
        )


class BadgeTakenError(ConflictError):
    """Another person carries this badge."""

    code = "identity.badge_taken"

    def __init__(self, badge: str) -> None:
        super().__init__(
            f"Badge {badge} belongs to another person.", hint="Take it from that person first."
        )
