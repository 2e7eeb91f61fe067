/** A count over a shift or order boundary: how many pieces were made before it? */
import { useState } from "react";
import { decimalText } from "@lineside/format/numbers.ts";
import { clockTime } from "@lineside/format/time.ts";
import { useLanguage } from "@lineside/ui/language.tsx";
import type { SpannedCountView } from "@lineside/client/edge.ts";
import { useTerminal } from "../app/terminal.ts";
import { useText } from "../app/words.ts";
import { Choice, Confirm, Dialog } from "./Dialog.tsx";
import { AmountField, isAmount } from "./fields.tsx";

const SHOWN_MAX = 4;

/** Those that nobody has split first, each group newest first. */
function inOrder(counts: readonly SpannedCountView[]): SpannedCountView[] {
  const newest = [...counts].reverse().filter((one) => one.boundaries.length > 0);
  const open = newest.filter((one) => one.pieces_before === null);
  return [...open, ...newest.filter((one) => one.pieces_before !== null)].slice(0, SHOWN_MAX);
}

/** Preset to the newest count and its first boundary. */
export function SplitDialog() {
  const { view, acts, open } = useTerminal();
  const { language } = useLanguage();
  const text = useText();
  const zone = view.time_zone;
  const [counts] = useState(() => inOrder(view.spanned));
  const [chosen, setChosen] = useState(0);
  const [place, setPlace] = useState(0);
  const [before, setBefore] = useState("");
  const count = counts[chosen];
  const boundary = count?.boundaries[place];
  const fits = count !== undefined && isAmount(before, false) && Number(before) <= Number(count.pieces);
  return (
    <Dialog
      title={text("split.title")}
      foot={
        count &&
        boundary && (
          <Confirm
            label={text("split.confirm")}
            disabled={!fits}
            onConfirm={() => {
              acts.submit({ kind: "split_count", seq: count.seq, boundary: boundary.at, before, reason: "" });
              open(null);
            }}
          />
        )
      }
    >
      <p className="dialog__lead">{text(counts.length === 0 ? "split.none" : "split.hint")}</p>
      <div className="choices choices--wide" role="group" aria-label={text("split.which")}>
        {counts.map((one, index) => (
          <Choice
            key={one.seq}
            code={counts.length > 1 ? `CMD-${index + 1}` : ""}
            chosen={index === chosen}
            onChoose={() => {
              setChosen(index);
              setPlace(0);
            }}
            label={`${clockTime(one.since, language, zone)} – ${clockTime(one.until, language, zone)} · ${text("split.pieces", { pieces: decimalText(one.pieces) })}`}
            note={
              one.pieces_before === null || one.boundary === null
                ? one.counter
                : text("split.done", {
                    pieces: decimalText(one.pieces_before),
                    time: clockTime(one.boundary, language, zone),
                  })
            }
          />
        ))}
      </div>
      {count && (
        <>
          <h3>{text("split.where")}</h3>
          <div className="choices" role="group" aria-label={text("split.where")}>
            {count.boundaries.map((one, index) => (
              <Choice
                key={`${one.at}-${one.kind}`}
                code={count.boundaries.length > 1 ? `CMD-AT-${index + 1}` : ""}
                chosen={index === place}
                onChoose={() => setPlace(index)}
                label={`${clockTime(one.at, language, zone)} · ${text(`split.${one.kind}`)}`}
                note={`${one.before || "–"} → ${one.after || "–"}`}
              />
            ))}
          </div>
          <AmountField label={text("split.before")} value={before} onChange={setBefore} scannable />
          {fits && (
            <p className="muted">
              {text("split.after", { pieces: decimalText(String(Number(count.pieces) - Number(before))) })}
            </p>
          )}
        </>
      )}
    </Dialog>
  );
}
