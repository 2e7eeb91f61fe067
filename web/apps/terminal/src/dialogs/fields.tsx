/** Fields for gloves: an amount with steps, a text with its own keyboard, a moment of the shift. */
import { useId, useState } from "react";
import { dayText, isoDate } from "@lineside/format/time.ts";
import { useLanguage } from "@lineside/ui/language.tsx";
import { useText } from "../app/words.ts";
import { useScanTarget } from "../scanning/scans.tsx";

const AMOUNT = /^\d{1,9}(\.\d{1,6})?$/;

/** Whether a typed amount is one, and above zero where it must be. */
export function isAmount(value: string, aboveZero = true): boolean {
  return AMOUNT.test(value) && (!aboveZero || Number(value) > 0);
}

interface AmountProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  /** A scanned number fills this field. */
  scannable?: boolean;
}

/** An amount: typed, stepped, or scanned as a plain number. */
export function AmountField({ label, value, onChange, scannable }: AmountProps) {
  const id = useId();
  const step = (by: number) => onChange(String(Math.max(0, (AMOUNT.test(value) ? Number(value) : 0) + by)));
  useScanTarget((raw) => {
    if (!scannable || !AMOUNT.test(raw.trim())) return false;
    onChange(raw.trim());
    return true;
  });
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <div className="field__row">
        <button type="button" className="button field__step" aria-label={`${label} −1`} onClick={() => step(-1)}>
          −
        </button>
        <input
          id={id}
          className="field__input field__input--amount"
          inputMode="decimal"
          autoComplete="off"
          value={value}
          onChange={(event) => onChange(event.target.value.replace(",", ".").replace(/[^\d.]/g, ""))}
        />
        <button type="button" className="button field__step" aria-label={`${label} +1`} onClick={() => step(1)}>
          +
        </button>
      </div>
    </div>
  );
}

const ROWS = ["1234567890", "QWERTYUIOP", "ASDFGHJKL-", "ZXCVBNM/._"];

interface TextProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  keyboard?: boolean;
}

/** A text; the keyboard below it is for a screen without one. */
export function TextField({ label, value, onChange, keyboard }: TextProps) {
  const id = useId();
  const text = useText();
  const [shown, setShown] = useState(keyboard ?? false);
  return (
    <div className="field field--wide">
      <label htmlFor={id}>{label}</label>
      <div className="field__row">
        <input
          id={id}
          className="field__input"
          autoComplete="off"
          spellCheck={false}
          value={value}
          onChange={(event) => onChange(event.target.value)}
        />
        <button
          type="button"
          className="button field__step"
          aria-label={text("type.keyboard")}
          aria-expanded={shown}
          onClick={() => setShown(!shown)}
        >
          ⌨
        </button>
      </div>
      {shown && (
        <div className="keyboard">
          {ROWS.map((row) => (
            <div key={row} className="keyboard__row">
              {Array.from(row, (key) => (
                <button key={key} type="button" className="keyboard__key" onClick={() => onChange(value + key)}>
                  {key}
                </button>
              ))}
            </div>
          ))}
          <div className="keyboard__row">
            <button type="button" className="keyboard__key keyboard__key--wide" onClick={() => onChange("")}>
              {text("type.clear")}
            </button>
            <button type="button" className="keyboard__key keyboard__key--wide" onClick={() => onChange(value.slice(0, -1))}>
              ⌫ {text("type.back")}
            </button>
          </div>
        </div>
      )}
    </div>
  );
}

interface MomentProps {
  label: string;
  date: string;
  time: string;
  onChange: (date: string, time: string) => void;
}

const DAY_MS = 86_400_000;

/** `2210` and `22:10` alike; empty where it is no time of day. */
function timeOf(typed: string): string {
  const match = /^([01]?\d|2[0-3]):?([0-5]\d)$/.exec(typed.trim());
  return match ? `${(match[1] ?? "").padStart(2, "0")}:${match[2] ?? ""}` : "";
}

/** A wall-clock moment of the site: a day in steps, a time of 24 hours. */
export function MomentField({ label, date, time, onChange }: MomentProps) {
  const id = useId();
  const text = useText();
  const { language } = useLanguage();
  const [typed, setTyped] = useState(time);
  const noon = Date.parse(`${date}T12:00:00Z`);
  const step = (days: number) => onChange(isoDate((noon + days * DAY_MS) * 1000, "UTC"), time);
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <div className="field__row">
        <button type="button" className="button field__step" aria-label={text("field.day_before")} onClick={() => step(-1)}>
          ‹
        </button>
        <span className="field__day">{dayText(noon * 1000, language, "UTC")}</span>
        <button type="button" className="button field__step" aria-label={text("field.day_after")} onClick={() => step(1)}>
          ›
        </button>
        <input
          id={id}
          className="field__input field__input--time"
          inputMode="numeric"
          autoComplete="off"
          placeholder="HH:MM"
          aria-invalid={timeOf(typed) === ""}
          value={typed}
          onChange={(event) => {
            setTyped(event.target.value);
            onChange(date, timeOf(event.target.value));
          }}
        />
      </div>
    </div>
  );
}
