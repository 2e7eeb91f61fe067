"""Refusals of configurations."""

from __future__ import annotations

from lineside.central.errors import ConflictError, InvalidInputError


class ConfigurationUnsoundError(InvalidInputError):
    """A version with errors is not sent."""

    code = "edge_configuration.unsound"

    def __init__(self, *, version: int, line: int, key: str, expected: str, count: int) -> None:
        super().__init__(
            f"Version {version} has {count} errors; the first is on line {line}, {key}: "
            f"expected {expected}.",
            field="path.version",
            hint="Mend the text, save it as a new version and send that one.",
        )


class ConfigurationSecretError(InvalidInputError):
    """A secret stands in the text; it belongs into a file on the edge."""

    code = "edge_configuration.secret"

    def __init__(self, *, line: int, key: str) -> None:
        super().__init__(
            f"Line {line}, {key}: a secret in clear is not stored here.",
            field="body.text",
            hint="Put it into a file on the edge and name that, e.g. password_file.",
        )


class ConfigurationTooLargeError(InvalidInputError):
    """The text is longer than an edge takes."""

    code = "edge_configuration.too_large"

    def __init__(self, *, size: int, most: int) -> None:
        super().__init__(
            f"The text has {size} bytes; an edge takes {most}.",
            field="body.text",
            hint="An edge with so many devices is better two edges.",
        )


class EdgeRevokedError(ConflictError):
    """Nothing is sent to an edge that was revoked."""

    code = "edge_configuration.edge_revoked"

    def __init__(self, edge: str) -> None:
        super().__init__(
            f"Edge {edge} is revoked; nothing is sent to it.",
            hint="Invite it again, or choose another edge.",
        )
