/** 补录: what was written on paper while the agent stood, entered with its true time. */
import { useState } from "react";
import { clockTime, isoDate, wallTime } from "@lineside/format/time.ts";
import type { PlainWish } from "@lineside/client/edge.ts";
import { useSay, useTerminal } from "../app/terminal.ts";
import { useText } from "../app/words.ts";
import { useScanTarget } from "../scanning/scans.tsx";
import { Choice, Confirm, Dialog } from "./Dialog.tsx";
import { AmountField, isAmount, MomentField, TextField } from "./fields.tsx";

const KINDS = ["span", "declare", "defect", "reason", "mount"] as const;
type Kind = (typeof KINDS)[number];

interface Form {
  kind: Kind;
  from: { date: string; time: string };
  until: { date: string; time: string };
  number: string;
  code: string;
  good: string;
  scrap: string;
}

const IS_SPAN: Record<Kind, boolean> = { span: true, declare: false, defect: false, reason: true, mount: false };

/** The act inside; null while something is missing. */
function wishOf(form: Form, from: string, until: string): PlainWish | null {
  const number = form.number.trim();
  const good = isAmount(form.good) ? form.good : null;
  const scrap = isAmount(form.scrap) ? form.scrap : null;
  switch (form.kind) {
    case "span":
      if (number === "" || from >= until) return null;
      return { kind: "span", order: number, from, to: until, completed: good, scrap };
    case "declare":
      return good === null ? null : { kind: "declare", quantity_kind: "produced", quantity: good, order: number };
    case "defect":
      if (form.code === "" || (number === "" && scrap === null)) return null;
      return { kind: "defect", code: form.code, serial: number, quantity: number ? null : scrap };
    case "reason":
      return form.code === "" || from >= until ? null : { kind: "reason", code: form.code, from, to: until };
    case "mount":
      return number === "" ? null : { kind: "mount", lot: number, quantity: good };
  }
}

/** A form of the few things that paper holds. */
export function BackEntryDialog() {
  const { view, texts, acts, open } = useTerminal();
  const text = useText();
  const say = useSay();
  const zone = view.time_zone;
  const today = { date: isoDate(view.at, zone), time: clockTime(view.at, "en", zone) };
  const [form, setForm] = useState<Form>({
    kind: "span",
    from: today,
    until: today,
    number: "",
    code: "",
    good: "",
    scrap: "",
  });
  const change = (part: Partial<Form>) => setForm((now) => ({ ...now, ...part }));
  const iso = (moment: { date: string; time: string }) =>
    moment.date && moment.time ? wallTime(moment.date, moment.time, zone).toISOString() : "";
  const from = iso(form.from);
  const until = iso(form.until);
  const spanned = IS_SPAN[form.kind];
  const wish = from === "" || (spanned && until === "") ? null : wishOf(form, from, until);
  const future = from !== "" && Date.parse(spanned ? until : from) > Date.parse(view.at) + 60_000;
  const codes = form.kind === "defect" ? texts.defects : form.kind === "reason" ? texts.reasons : [];

  useScanTarget((raw) => {
    const scanned = raw.trim();
    if (scanned.startsWith("CMD-")) return false;
    change({ number: scanned });
    return true;
  });

  return (
    <Dialog
      title={text("back.title")}
      foot={
        <Confirm
          label={text("back.confirm")}
          disabled={wish === null || future}
          onConfirm={() => {
            if (wish === null) return;
            acts.submit(wish, { how: "back", occurredAt: from, ...(spanned ? { occurredUntil: until } : {}) });
            open(null);
          }}
        />
      }
    >
      <p className="muted">{text("back.hint")}</p>
      <div className="choices" role="group" aria-label={text("back.what")}>
        {KINDS.map((kind, index) => (
          <Choice
            key={kind}
            code={`CMD-${index + 1}`}
            label={text(`act.${kind}`)}
            chosen={form.kind === kind}
            onChoose={() => change({ kind, code: "" })}
          />
        ))}
      </div>
      <div className="dialog__row">
        <MomentField
          label={text(spanned ? "field.from" : "field.when")}
          date={form.from.date}
          time={form.from.time}
          onChange={(date, time) => change({ from: { date, time } })}
        />
        {spanned && (
          <MomentField
            label={text("field.until")}
            date={form.until.date}
            time={form.until.time}
            onChange={(date, time) => change({ until: { date, time } })}
          />
        )}
      </div>
      {future && <p className="warning">⚠ {text("back.future")}</p>}
      {form.kind !== "reason" && (
        <TextField
          label={text(`back.number_${form.kind}`)}
          value={form.number}
          onChange={(number) => change({ number })}
        />
      )}
      <div className="dialog__row">
        {(form.kind === "span" || form.kind === "declare" || form.kind === "mount") && (
          <AmountField
            label={text(form.kind === "mount" ? "mount.quantity" : "field.good")}
            value={form.good}
            onChange={(good) => change({ good })}
          />
        )}
        {(form.kind === "span" || (form.kind === "defect" && form.number.trim() === "")) && (
          <AmountField label={text("field.scrap")} value={form.scrap} onChange={(scrap) => change({ scrap })} />
        )}
      </div>
      {codes.length > 0 && (
        <div className="choices" role="group" aria-label={text(`act.${form.kind}`)}>
          {codes.map((known) => (
            <Choice
              key={known.code}
              code={`CMD-${form.kind === "defect" ? "DEFECT" : "REASON"}-${known.code}`}
              label={say(known.label)}
              chosen={form.code === known.code}
              onChoose={() => change({ code: known.code })}
            />
          ))}
        </div>
      )}
    </Dialog>
  );
}
