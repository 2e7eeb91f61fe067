"""Wire shapes of configurations."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from lineside.central.kit.schema import In, Instant, Out, Text

EdgeId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\-]{0,62}$")]
Toml = Annotated[str, Field(max_length=300_000, pattern=r"^[^\x00]*$")]
TrialSeconds = Annotated[int, Field(ge=1, le=3600)]
StateName = Literal["draft", "sent", "trial", "running", "refused", "reverted", "replaced"]


class ConfigurationTextIn(In):
    """A text that nobody stores.

    Attributes:
        against: Version to compare with; 0: nothing; none: what the edge runs.
    """

    text: Toml
    against: Annotated[int, Field(ge=0)] | None = None


class DraftIn(In):
    """A new version: TOML with `[scan]`, `[[device]]` and `[[station]]`, and why."""

    text: Toml
    note: Text = ""


class ConfigurationSendIn(In):
    """How long the edge tries the version before it keeps it, seconds."""

    trial_s: TrialSeconds = 60


class ConfigurationCopyIn(In):
    """The edges that get a draft of the same text."""

    edges: Annotated[list[EdgeId], Field(min_length=1, max_length=100)]


class ProblemOut(Out):
    """Something wrong or doubtful in a text.

    Attributes:
        code: Stable name; see `checking`.
        line: From 1.
        key: Path such as `station[0].device`; empty for the whole text.
        severity: `error`: not sent; `warning`: the edge decides.
    """

    code: str
    line: int
    key: str
    found: str
    expected: str
    severity: Literal["error", "warning"]


class KeyChangeOut(Out):
    """A key that differs, values as JSON; null: not there."""

    key: str
    old: str | None
    new: str | None


class PartChangeOut(Out):
    """A device, a station or the scan rules that differ; `keys` only where the part stays."""

    part: Literal["device", "station", "scan"]
    id: str
    change: Literal["added", "removed", "changed"]
    keys: list[KeyChangeOut]


class DifferenceOut(Out):
    """What differs; `against` is the version compared with, 0 for an empty text."""

    against: int
    changes: list[PartChangeOut]


class CheckOut(Out):
    """What central can say about a text, and what it would change."""

    content_hash: str
    sound: bool
    problems: list[ProblemOut]
    difference: DifferenceOut


class VersionOut(Out):
    """A version and how it stands.

    Attributes:
        source: `edge version` that it was copied from or sent again from; empty: typed.
        state: `draft`, `sent` (no answer yet), `trial` (the edge tries it), `running`, `refused`
            (nothing was changed), `reverted` (the edge went back by itself), `replaced`.
        stage: Of a refusal or reverting: `check`, `apply`, `trial`.
        reason: The edge's words.
        since: Of the state.
        devices, stations: What the edge touched.
    """

    edge: str
    version: int
    content_hash: str
    note: str
    source: str
    author: str
    created_at: Instant
    sent_by: str | None
    sent_at: Instant | None
    trial_s: int | None
    state: StateName
    stage: str
    reason: str
    since: Instant
    devices: list[str]
    stations: list[str]


class VersionTextOut(VersionOut):
    """A version with its text and what is wrong with it now."""

    text: str
    problems: list[ProblemOut]


class RunningOut(Out):
    """What an edge runs by its own word.

    Attributes:
        origin: `file` when it runs its own file, `central` otherwise.
        version: Central's number, 0 where central has no such version.
    """

    origin: str
    version: int
    content_hash: str
    since: Instant


class EdgeStandingOut(Out):
    """An edge: what it runs, what it shall run.

    Attributes:
        running: Null while the edge has told nothing.
        wanted: The version that was sent last; null when none was.
        newest: Number of the newest version, 0 for none; above the wanted one it is a draft.
    """

    edge: str
    name: str
    revoked: bool
    heard_at: Instant | None
    running: RunningOut | None
    wanted: VersionOut | None
    newest: int
