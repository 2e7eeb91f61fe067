/** Something is wrong with a piece, or with some: what, how many, scrap or to be decided. */
import { useState } from "react";
import { useSay, useTerminal } from "../app/terminal.ts";
import { useText } from "../app/words.ts";
import { useScanTarget } from "../scanning/scans.tsx";
import type { Frame } from "../server/useActs.ts";
import { Choice, Dialog } from "./Dialog.tsx";
import { AmountField, isAmount } from "./fields.tsx";

const PLAIN_NUMBER = /^\d{1,4}(\.\d+)?$/;

interface Props {
  serial?: string | undefined;
  frame?: Frame | undefined;
}

/** Touching a defect books it. */
export function DefectDialog({ serial: given, frame }: Props) {
  const { view, texts, acts, open } = useTerminal();
  const text = useText();
  const say = useSay();
  const inWork = view.jobs.flatMap((job) => job.units).map((unit) => unit.serial);
  const tracked = view.jobs.some((job) => job.serial_tracked);
  const [serial, setSerial] = useState(given ?? (tracked ? (inWork.at(-1) ?? "") : ""));
  const [quantity, setQuantity] = useState("1");
  const [scrap, setScrap] = useState(true);
  const ready = serial !== "" || isAmount(quantity);

  const book = (code: string) => {
    if (!ready) return;
    acts.submit({ kind: "defect", code, serial, quantity: serial ? null : quantity, scrap }, frame);
    open(null);
  };
  useScanTarget((raw) => {
    const scanned = raw.trim();
    if (scanned.startsWith("CMD-") || PLAIN_NUMBER.test(scanned)) return false;
    setSerial(scanned);
    return true;
  });

  return (
    <Dialog title={text(frame?.how === "correct" ? "defect.correct" : "defect.title")}>
      <div className="dialog__row">
        {serial ? (
          <div className="field field--wide">
            <span className="field__label">{text("defect.piece")}</span>
            <div className="field__row">
              <strong className="field__value">{serial}</strong>
              <button type="button" className="button" onClick={() => setSerial("")}>
                {text("defect.without_serial")}
              </button>
            </div>
          </div>
        ) : (
          <>
            <AmountField label={text("field.quantity")} value={quantity} onChange={setQuantity} scannable />
            {tracked && <p className="muted dialog__aside">{text("defect.scan_piece")}</p>}
          </>
        )}
        <div className="choices choices--pair" role="group" aria-label={text("defect.fate")}>
          <Choice code="CMD-SCRAP" label={text("defect.scrap")} chosen={scrap} onChoose={() => setScrap(true)} />
          <Choice code="CMD-SUSPECT" label={text("defect.suspect")} chosen={!scrap} onChoose={() => setScrap(false)} />
        </div>
      </div>
      <h3>{text("defect.which")}</h3>
      <div className="choices">
        {texts.defects.map((known) => (
          <Choice
            key={known.code}
            code={`CMD-DEFECT-${known.code}`}
            label={say(known.label)}
            disabled={!ready}
            onChoose={() => book(known.code)}
          />
        ))}
      </div>
    </Dialog>
  );
}
