"""The root of every error that Lineside raises on purpose.

An error names what is wrong, carries a stable ``code`` for programs, and a ``hint`` that says what
a person should do now. The class decides what a caller does: retry, stop, or ask a person.
"""

from __future__ import annotations


class LinesideError(Exception):
    """Anything that Lineside refuses or fails at knowingly.

    Attributes:
        code: Stable dotted name for programs and documentation.
        status: HTTP status with which a route answers it.
        hint: One sentence: what to do now. Empty where nothing can be done.
    """

    code = "lineside.error"
    status = 500

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    def __str__(self) -> str:
        """The message and the hint as one text for standard error."""
        message = super().__str__()
        return f"{message} {self.hint}".strip()


class ConfigurationError(LinesideError):
    """A configuration key or value is wrong; nothing starts until a person mends it.

    The message names file, key and what was expected.
    """

    code = "configuration.invalid"
    status = 422

    def __init__(self, *, file: str, key: str, found: object, expected: str) -> None:
        super().__init__(
            f"{file}: {key} is {found!r}, expected {expected}.", hint=f"Correct {key} in {file}."
        )
        self.file, self.key, self.found, self.expected = file, key, found, expected


class InvalidMessageError(LinesideError):
    """Bytes from a wire or a file that are not what they claim to be."""

    code = "message.invalid"
    status = 400


class UnsupportedVersionError(InvalidMessageError):
    """A message of a schema version that this program does not know."""

    code = "message.unsupported_version"


class DriverError(LinesideError):
    """Something between a device and its samples."""

    code = "driver.error"


class DriverUnavailableError(DriverError):
    """The device does not answer; the supervisor tries again with growing pauses."""

    code = "driver.unavailable"


class DriverConfigurationError(DriverError):
    """The device answers, and says that what we ask for does not exist; retrying cannot help."""

    code = "driver.configuration"


class DriverTrustError(DriverError):
    """Certificate or sign-in refused; a person must act, quick retries lock accounts."""

    code = "driver.trust"
