/** Take an entry back, or put another in its place; both versions stay visible. */
import { useState } from "react";
import { clockTime } from "@lineside/format/time.ts";
import { useLanguage } from "@lineside/ui/language.tsx";
import type { Entry, StationView } from "@lineside/client/edge.ts";
import type { Verdict } from "../server/useActs.ts";
import { useSay, useTerminal } from "../app/terminal.ts";
import type { Open } from "../app/terminal.ts";
import { useText } from "../app/words.ts";
import type { Word } from "../app/words.ts";
import { Choice, Confirm, Dialog } from "./Dialog.tsx";

const REASONS = ["wrong_scan", "wrong_amount", "wrong_order", "twice", "other"] as const;
const SHOWN_MAX = 4;
const ANSWER_IS_NEW_MS = 10_000;

/** The dialog that enters this kind of fact, to enter it again; null where it is only taken back. */
function correctionOf(entry: Entry, reason: string): Open | null {
  const frame = { how: "correct", seq: entry.seq, reason } as const;
  switch (entry.change) {
    case "defect":
      return { name: "defect", frame };
    case "declare":
      return { name: "declare", frame };
    case "mount":
      return { name: "mount", frame };
    case "finish_order":
      return { name: "finish", frame };
    case "reason":
      return { name: "reason", frame };
    case "start_order":
    case "finish_unit":
      return { name: "replace", entry, frame };
    case "":
      return null;
  }
}

/** The newest fact that an answer of this moment named; the screen may still be older. 0: none. */
function newestAnswered(verdict: Verdict | null): number {
  // An older answer is on the screen long since, or of a journal that was replaced.
  if (verdict === null || Date.now() - verdict.at > ANSWER_IS_NEW_MS) return 0;
  return Math.max(0, ...verdict.answer.seqs);
}

function entriesOf(view: StationView): Entry[] {
  const open = view.entries.filter((entry) => !entry.voided);
  return [
    ...open.filter((entry) => entry.undoable).slice(0, SHOWN_MAX),
    ...open.filter((entry) => !entry.undoable).slice(0, SHOWN_MAX),
  ];
}

/** The last entries, those that may be taken back first; the others say what to do instead. */
export function UndoDialog() {
  const { view, acts, open } = useTerminal();
  const { language } = useLanguage();
  const text = useText();
  const say = useSay();
  const [awaited] = useState(() => newestAnswered(acts.verdict));
  // Frozen once it knows what was answered last: no entry moves under a finger, and none is missing.
  const [frozen, setFrozen] = useState<Entry[] | null>(null);
  if (frozen === null && view.seq >= awaited) setFrozen(entriesOf(view));
  const entries = frozen ?? [];
  const [chosen, setChosen] = useState(0);
  const [reason, setReason] = useState<(typeof REASONS)[number]>("wrong_scan");
  const entry = entries[chosen];
  const reasonText = text(`undo.${reason}` satisfies Word);
  const correction = entry ? correctionOf(entry, reasonText) : null;

  return (
    <Dialog
      title={text("undo.title")}
      foot={
        entry?.undoable && (
          <>
            {correction && (
              <button type="button" className="button" onClick={() => open(correction)}>
                {text("undo.correct")}
              </button>
            )}
            <Confirm
              label={text("undo.confirm")}
              onConfirm={() => {
                acts.submit({ kind: "void", seq: entry.seq, reason: reasonText });
                open(null);
              }}
            />
          </>
        )
      }
    >
      {entries.length === 0 && (
        <p className="dialog__lead" role="status">
          {text(frozen === null ? "undo.reading" : "undo.none")}
        </p>
      )}
      <div className="choices choices--wide" role="group" aria-label={text("undo.which")}>
        {entries.map((one, index) => (
          <Choice
            key={one.seq}
            code={entries.length > 1 ? `CMD-${index + 1}` : ""}
            chosen={index === chosen}
            onChoose={() => setChosen(index)}
            label={`${clockTime(one.at, language, view.time_zone, true)} ${one.subject}`}
            note={one.undoable ? say(one.text) : `✕ ${say(one.text)}`}
          />
        ))}
      </div>
      {entry && !entry.undoable && (
        <p className="dialog__lead" role="status">
          {text("undo.not")} {say(entry.why_not)}
        </p>
      )}
      {entry?.undoable && (
        <>
          <h3>{text("undo.why")}</h3>
          <div className="choices" role="group" aria-label={text("undo.why")}>
            {REASONS.map((one) => (
              <Choice
                key={one}
                code={`CMD-${one.toUpperCase().replace("_", "-")}`}
                label={text(`undo.${one}`)}
                chosen={reason === one}
                onChoose={() => setReason(one)}
              />
            ))}
          </div>
        </>
      )}
    </Dialog>
  );
}

