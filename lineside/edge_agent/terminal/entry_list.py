"""The last entries as the page shows them."""

from __future__ import annotations

from lineside.contracts.clock import to_datetime
from lineside.edge_agent.projections.floor import Entry
from lineside.edge_agent.terminal import views
from lineside.edge_agent.terminal.corrections import changed_by, why_not
from lineside.edge_agent.terminal.shift_acts import NOTICE_TOPICS, TOPICS
from lineside.edge_agent.terminal.situation import Decision, Situation
from lineside.edge_agent.terminal.texts import entry_text, words


def entry_shown(s: Situation, entry: Entry) -> views.Entry:
    """An entry with its line, and whether it can be taken back or changed from here now."""
    topic = (TOPICS | NOTICE_TOPICS).get(entry.params.get("topic", ""))
    text = entry_text(entry.kind, entry.params, topic)
    if entry.verdict == "refused":
        what = words(entry.code, entry.params, refused=True)[0]
        text = what if what.en != entry.code else text
    wrong = why_not(s, entry)
    return views.Entry.model_validate(
        {
            "seq": entry.seq,
            "at": to_datetime(entry.at),
            "kind": entry.kind,
            "subject": "" if topic is not None else entry.subject,
            "verdict": entry.verdict,
            "code": entry.code,
            "text": text,
            "by": list(entry.by),
            "flags": list(entry.flags),
            "undoable": wrong is None,
            "change": changed_by(s, entry),
            "why_not": None if wrong is None else _joined(wrong),
            "voided": entry.voided,
        }
    )


def _joined(wrong: Decision) -> views.Text:
    """Why not, and what to do instead, as one text."""
    _, why, todo = words(wrong.code, wrong.params, refused=True)
    return views.Text(zh=f"{why.zh}{todo.zh}", en=f"{why.en} {todo.en}")
