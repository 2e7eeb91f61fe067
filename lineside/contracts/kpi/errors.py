"""What the KPI model refuses."""

from __future__ import annotations

from lineside.contracts.errors import LinesideError


class KpiInputError(LinesideError):
    """A fact, setting or query that no figure can be computed from; the text names it."""

    code = "kpi.input"
    status = 422


class KpiHistoryError(LinesideError):
    """The window reaches further back than this computer keeps facts in memory."""

    code = "kpi.history"
    status = 404
