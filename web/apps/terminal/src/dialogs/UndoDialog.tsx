/** Take an entry back, or put another in its place; both versions stay visible. */
import { useState } from "react";
import { clockTime } from "@lineside/format/time.ts";
import { useLanguage } from "@lineside/ui/language.tsx";
import type { Entry } from "@lineside/client/edge.ts";
import { useSay, useTerminal } from "../app/terminal.ts";
import type { Open } from "../app/terminal.ts";
import { useText } from "../app/words.ts";
import type { Word } from "../app/words.ts";
import { Choice, Confirm, Dialog } from "./Dialog.tsx";

const REASONS = ["wrong_scan", "wrong_amount", "wrong_order", "twice", "other"] as const;
const SHOWN_MAX = 4;

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

/** The last entries, those that may be taken back first; the others say what to do instead. */
export function UndoDialog() {
  const { view, acts, open } = useTerminal();
  const { language } = useLanguage();
  const text = useText();
  const say = useSay();
  const [entries] = useState(() =>
    [
      ...view.entries.filter((entry) => entry.undoable && !entry.voided).slice(0, SHOWN_MAX),
      ...view.entries.filter((entry) => !entry.undoable && !entry.voided).slice(0, SHOWN_MAX),
    ],
  );
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
      {entries.length === 0 && <p className="dialog__lead">{text("undo.none")}</p>}
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

