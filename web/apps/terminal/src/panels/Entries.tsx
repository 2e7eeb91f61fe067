/** What was entered last, newest first; both versions of a corrected one stay visible. */
import { clockTime } from "@lineside/format/time.ts";
import { useLanguage } from "@lineside/ui/language.tsx";
import { useSay, useTerminal } from "../app/terminal.ts";
import { useText } from "../app/words.ts";

const MARKS = { accepted: "✓", refused: "✕", none: "·" } as const;

/** The list under the verdict. */
export function Entries() {
  const { view } = useTerminal();
  const { language } = useLanguage();
  const text = useText();
  const say = useSay();
  return (
    <section className="panel entries" aria-label={text("entries.title")} tabIndex={0}>
      {view.entries.length === 0 && <p className="muted">{text("entries.none")}</p>}
      <ol>
        {view.entries.map((entry) => (
          <li
            key={entry.seq}
            className={`entry entry--${entry.verdict} ${entry.voided ? "entry--voided" : ""}`}
          >
            <time>{clockTime(entry.at, language, view.time_zone, true)}</time>
            <b role="img" aria-label={text(entry.verdict === "none" ? "entries.none_verdict" : `entries.${entry.verdict}`)}>{MARKS[entry.verdict]}</b>
            <span className="entry__subject">{entry.subject}</span>
            <span className="entry__text">
              {entry.voided && `${text("entries.voided")} · `}
              {say(entry.text)}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}
