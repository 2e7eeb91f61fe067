/** Something goes into a carrier or comes out of it, typed where it cannot be scanned. */
import { useState } from "react";
import { useTerminal } from "../app/terminal.ts";
import { useText } from "../app/words.ts";
import { escapeRaw } from "../scanning/escape.ts";
import { Choice, Dialog } from "./Dialog.tsx";
import { AmountField, isAmount, TextField } from "./fields.tsx";

/** Without a number: the piece finished last goes in, everything comes out. */
export function CarrierDialog({ carrier: given, lot }: { carrier?: string | undefined; lot?: string | undefined }) {
  const { acts, open } = useTerminal();
  const text = useText();
  const [carrier, setCarrier] = useState(given ?? "");
  const [number, setNumber] = useState(lot ?? "");
  const [isLot, setIsLot] = useState(Boolean(lot));
  const [quantity, setQuantity] = useState("");
  const content = {
    carrier: carrier.trim(),
    serial: isLot ? "" : number.trim(),
    lot: isLot ? number.trim() : "",
    quantity: isLot && isAmount(quantity) ? quantity : null,
  };
  const act = (kind: "put_in" | "take_out") => {
    if (!content.carrier) return;
    acts.submit({ kind, ...content });
    open(null);
  };
  const missing = content.carrier === "";
  // In the foot: with the keyboard open they would stand below the edge of the screen.
  const foot = (
    <>
      <Choice
        code="CMD-CONTENT"
        label={text("carrier.show")}
        disabled={missing}
        onChoose={() => {
          acts.submit({ kind: "scan", raw: escapeRaw(content.carrier), source: "wedge" });
          open(null);
        }}
      />
      <Choice code="CMD-PUT" label={text("carrier.put")} disabled={missing} onChoose={() => act("put_in")} />
      <Choice code="CMD-TAKE" label={text("carrier.take")} disabled={missing} onChoose={() => act("take_out")} />
    </>
  );
  return (
    <Dialog title={text("carrier.title")} foot={foot}>
      <TextField label={text("carrier.number")} value={carrier} onChange={setCarrier} keyboard={!carrier} />
      <div className="choices" role="group" aria-label={text("carrier.content")}>
        <Choice code="CMD-UNIT" label={text("carrier.unit")} chosen={!isLot} onChoose={() => setIsLot(false)} />
        <Choice code="CMD-LOT" label={text("carrier.lot")} chosen={isLot} onChoose={() => setIsLot(true)} />
      </div>
      <TextField label={text("carrier.content")} value={number} onChange={setNumber} keyboard={Boolean(carrier)} />
      {isLot && <AmountField label={text("field.quantity")} value={quantity} onChange={setQuantity} scannable />}
    </Dialog>
  );
}
