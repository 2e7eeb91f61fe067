/** A unit, lot or carrier gets its number and its label; the last label is printed again. */
import { useState } from "react";
import { useTerminal } from "../app/terminal.ts";
import { useText } from "../app/words.ts";
import { Choice, Dialog } from "./Dialog.tsx";
import { AmountField, isAmount } from "./fields.tsx";

const THINGS = ["unit", "lot", "carrier"] as const;

/** How many numbers are left stands beside each choice. */
export function NumbersDialog() {
  const { view, acts, open } = useTerminal();
  const text = useText();
  const [quantity, setQuantity] = useState("");
  const left = (thing: string) =>
    view.numbers
      .filter((one) => one.thing === thing)
      .map((one) => `${one.item} ${text(one.low ? "numbers.low" : "numbers.left", { left: one.left })}`.trim())
      .join(" · ");
  return (
    <Dialog title={text("numbers.title")}>
      <AmountField label={text("numbers.quantity")} value={quantity} onChange={setQuantity} scannable />
      <div className="choices">
        {THINGS.map((thing) => (
          <Choice
            key={thing}
            code={`CMD-NEW${thing.toUpperCase()}`}
            label={text(`numbers.${thing}`)}
            note={left(thing)}
            onChoose={() => {
              acts.submit({ kind: "new_number", thing, quantity: isAmount(quantity) ? quantity : null });
              open(null);
            }}
          />
        ))}
        <Choice
          code="CMD-REPRINT"
          label={text("numbers.reprint")}
          onChoose={() => {
            acts.submit({ kind: "reprint" });
            open(null);
          }}
        />
      </div>
    </Dialog>
  );
}
