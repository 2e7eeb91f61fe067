/** After a dropped connection: was it booked? Only then is it offered again. */
import { useEffect, useRef } from "react";
import { clockTime } from "@lineside/format/time.ts";
import { useLanguage } from "@lineside/ui/language.tsx";
import type { Act } from "@lineside/client/edge.ts";
import type { Acts } from "../server/useActs.ts";
import { useText } from "./words.ts";

/** The plain act inside a correction or a back-entry. */
function plainOf(act: Act) {
  if (act.kind === "correct") return act.replacement;
  if (act.kind === "back_entry") return act.entry;
  return act;
}

/** The number or code that an act is about. */
function subjectOf(act: Act): string {
  const plain = plainOf(act);
  if (plain.kind === "scan") return plain.raw;
  if (plain.kind === "declare") return String(plain.quantity);
  if ("code" in plain && plain.code) return plain.code;
  if ("serial" in plain && plain.serial) return plain.serial;
  if ("lot" in plain && plain.lot) return plain.lot;
  return "order" in plain && plain.order ? plain.order : "";
}

/** Shows every act of unknown fate until each is settled. */
export function UnsureActs({ acts }: { acts: Acts }) {
  const text = useText();
  const { language } = useLanguage();
  const box = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (!box.current?.open) box.current?.showModal();
  }, []);
  return (
    <dialog ref={box} className="dialog" onCancel={(event) => event.preventDefault()} aria-labelledby="unsure-title">
      <h2 id="unsure-title">{text("unsure.title")}</h2>
      <p className="muted">{text("unsure.hint")}</p>
      <ul className="unsure">
        {acts.unsure.map((one) => (
          <li key={one.act.id} className="unsure__row">
            <div>
              <strong>
                {text(`act.${plainOf(one.act).kind}`)} {subjectOf(one.act)}
              </strong>
              <p className="muted">
                {clockTime(one.sentAt * 1000, language, undefined, true)} ·{" "}
                {text(one.missing ? "unsure.missing" : "unsure.asking")}
              </p>
            </div>
            {one.missing && (
              <>
                <button type="button" className="button" disabled={acts.busy} onClick={() => acts.resend(one)}>
                  {text("unsure.resend")}
                </button>
                <button type="button" className="button" onClick={() => acts.discard(one)}>
                  {text("unsure.discard")}
                </button>
              </>
            )}
          </li>
        ))}
      </ul>
    </dialog>
  );
}
