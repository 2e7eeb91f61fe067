"""What an edge and central must agree on before the edge has an identity."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lineside.contracts.errors import InvalidMessageError

PATH = "/api/v1/enrolment"
AUTHORITY_PATH = f"{PATH}/authority"
RENEWAL_PATH = f"{PATH}/renewals"
RENEWAL_PURPOSE = b"lineside renewal 1\n"
"""Stands before the request that the old key signs: no other signature serves as a proof."""
_TEXT = re.compile(r"lineside1\.([A-Za-z0-9_-]{22})\.([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Invitation:
    """What an administrator carries from central to an edge, once.

    Attributes:
        secret: 128 random bits, URL-safe Base64.
        authority: SHA-256 of the certificate of the site's authority, hexadecimal: the edge talks
            to nobody else.
    """

    secret: str
    authority: str

    @property
    def text(self) -> str:
        """The token as it is typed or pasted."""
        return f"lineside1.{self.secret}.{self.authority}"


def parse_invitation(text: str) -> Invitation:
    """The parts of a token; white space around it does not matter.

    Raises:
        InvalidMessageError: It is none.
    """
    found = _TEXT.fullmatch(text.strip())
    if found is None:
        raise InvalidMessageError(
            "This is no invitation.",
            hint="Paste the whole token that `lineside-central edge invite` printed.",
        )
    return Invitation(found[1], found[2])
