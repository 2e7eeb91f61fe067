/** Why did it stand? The stop, then the reason; touching the reason books it. */
import { useState } from "react";
import { clockTime, durationText } from "@lineside/format/time.ts";
import { useLanguage } from "@lineside/ui/language.tsx";
import type { StationView } from "@lineside/client/edge.ts";
import { useSay, useTerminal } from "../app/terminal.ts";
import { useText } from "../app/words.ts";
import type { Frame } from "../server/useActs.ts";
import { Choice, Dialog } from "./Dialog.tsx";

interface Stop {
  start: string;
  /** Null while it lasts. */
  end: string | null;
  reason: string;
}

const EXPLAINED_SHOWN = 3;

/** Unexplained stops, newest first, then the last explained ones, whose reason may be changed. */
function stopsOf(view: StationView): Stop[] {
  const open = view.unexplained.map((stop) => ({ start: stop.start, end: stop.end, reason: "" }));
  const explained = view.segments
    .filter((one) => one.reason !== "" && (one.category === "waiting" || one.category === "failure"))
    .slice(-EXPLAINED_SHOWN)
    .map((one) => ({ start: one.start, end: one.end, reason: one.reason }));
  return [...open.reverse(), ...explained.reverse()];
}

interface Props {
  start?: string | undefined;
  end?: string | undefined;
  frame?: Frame | undefined;
}

/** Preset to the newest unexplained stop, or to a span that another dialog chose. */
export function ReasonDialog({ start, end, frame }: Props) {
  const { view, texts, acts, open } = useTerminal();
  const { language } = useLanguage();
  const text = useText();
  const say = useSay();
  const [stops] = useState<Stop[]>(() =>
    start && end ? [{ start, end, reason: "" }] : stopsOf(view),
  );
  const [chosen, setChosen] = useState(0);
  const stop = stops[chosen];

  const book = (code: string) => {
    if (!stop) return;
    acts.submit({ kind: "reason", from: stop.start, to: stop.end ?? view.at, code, text: "" }, frame);
    open(null);
  };

  return (
    <Dialog title={text("reason.title")}>
      {stops.length === 0 && <p className="dialog__lead">{text("reason.none")}</p>}
      <div className="choices choices--stops" role="group" aria-label={text("reason.stop")}>
        {stops.map((one, index) => (
          <Choice
            key={one.start}
            code={stops.length > 1 ? `CMD-${index + 1}` : ""}
            chosen={index === chosen}
            onChoose={() => setChosen(index)}
            label={`${clockTime(one.start, language, view.time_zone)} – ${
              one.end ? clockTime(one.end, language, view.time_zone) : text("stops.lasting")
            }`}
            note={
              one.reason
                ? say(texts.reasons.find((known) => known.code === one.reason)?.label) || one.reason
                : durationText((Date.parse(one.end ?? view.at) - Date.parse(one.start)) / 1000, language)
            }
          />
        ))}
      </div>
      {stop && (
        <>
          <h3>{text("reason.which")}</h3>
          <div className="choices">
            {texts.reasons.map((known) => (
              <Choice
                key={known.code}
                code={`CMD-REASON-${known.code}`}
                label={say(known.label)}
                onChoose={() => book(known.code)}
              />
            ))}
          </div>
        </>
      )}
    </Dialog>
  );
}
