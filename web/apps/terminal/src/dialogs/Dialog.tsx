/** A sheet over the screen. Everything in it can be scanned, too. */
import { useEffect, useId, useRef } from "react";
import type { ReactNode } from "react";
import { useTerminal } from "../app/terminal.ts";
import { useText } from "../app/words.ts";
import { useScanTarget } from "../scanning/scans.tsx";

export const CANCEL_CODE = "CMD-CANCEL";
export const OK_CODE = "CMD-OK";

interface Props {
  title: string;
  children: ReactNode;
  /** Shown in the foot, beside cancel. */
  foot?: ReactNode;
}

/** Title, content, and a way out that can be scanned. */
export function Dialog({ title, children, foot }: Props) {
  const { open } = useTerminal();
  const text = useText();
  const box = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    const shown = box.current;
    if (!shown?.open) shown?.showModal();
    return () => shown?.close();
  }, []);
  useScanTarget((raw) => {
    if (raw.trim() !== CANCEL_CODE) return false;
    open(null);
    return true;
  });
  return (
    <dialog
      ref={box}
      className="dialog"
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault();
        open(null);
      }}
    >
      <h2 id={titleId} tabIndex={-1}>{title}</h2>
      <div className="dialog__body">{children}</div>
      <div className="dialog__foot">
        <button type="button" className="button dialog__cancel" onClick={() => open(null)}>
          {text("dialog.cancel")} <small>{CANCEL_CODE}</small>
        </button>
        {foot}
      </div>
    </dialog>
  );
}

interface ChoiceProps {
  /** What is scanned instead of touching. */
  code: string;
  label: ReactNode;
  note?: string;
  chosen?: boolean;
  disabled?: boolean;
  tone?: "waiting";
  onChoose: () => void;
}

/** A large choice with its code. */
export function Choice({ code, label, note, chosen, disabled, tone, onChoose }: ChoiceProps) {
  useScanTarget((raw) => {
    if (disabled || code === "" || raw.trim() !== code) return false;
    onChoose();
    return true;
  });
  return (
    <button
      type="button"
      className={`choice ${chosen ? "choice--chosen" : ""} ${tone ? `choice--${tone}` : ""}`}
      aria-pressed={chosen}
      disabled={disabled}
      onClick={onChoose}
    >
      <span className="choice__label">
        {chosen && <span aria-hidden="true">✓ </span>}
        {label}
      </span>
      {note && <span className="choice__note">{note}</span>}
      {code && <span className="choice__code">{code}</span>}
    </button>
  );
}

/** The button that books; scanning `CMD-OK` presses it. */
export function Confirm({ label, disabled, onConfirm }: { label: string; disabled?: boolean; onConfirm: () => void }) {
  useScanTarget((raw) => {
    if (raw.trim() !== OK_CODE) return false;
    if (!disabled) onConfirm();
    return true;
  });
  return (
    <button type="button" className="button button--primary" disabled={disabled} onClick={onConfirm}>
      {label} <small>{OK_CODE}</small>
    </button>
  );
}
