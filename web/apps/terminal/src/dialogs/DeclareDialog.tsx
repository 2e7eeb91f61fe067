/** A person says how many pieces. */
import { useState } from "react";
import { unitText } from "@lineside/format/numbers.ts";
import { useLanguage } from "@lineside/ui/language.tsx";
import { useTerminal } from "../app/terminal.ts";
import { useText } from "../app/words.ts";
import type { Frame } from "../server/useActs.ts";
import { Choice, Confirm, Dialog } from "./Dialog.tsx";
import { AmountField, isAmount } from "./fields.tsx";
import { JobChoices } from "./JobChoices.tsx";

const KINDS = ["produced", "scrap", "rework", "rework_good", "rework_scrap"] as const;

/** Produced pieces unless another kind is chosen. */
export function DeclareDialog({ frame }: { frame?: Frame | undefined }) {
  const { view, acts, open } = useTerminal();
  const { language } = useLanguage();
  const text = useText();
  const [chosen, setChosen] = useState(0);
  const [kind, setKind] = useState<(typeof KINDS)[number]>("produced");
  const [quantity, setQuantity] = useState("");
  const job = view.jobs[chosen];
  const unit = job?.unit ?? "pcs";
  return (
    <Dialog
      title={text("declare.title")}
      foot={
        <Confirm
          label={text("declare.confirm")}
          disabled={!isAmount(quantity)}
          onConfirm={() => {
            acts.submit(
              {
                kind: "declare",
                quantity_kind: kind,
                quantity,
                unit,
                order: job?.order ?? "",
                operation: job?.operation ?? "",
              },
              frame,
            );
            open(null);
          }}
        />
      }
    >
      {view.jobs.length > 1 && <JobChoices chosen={chosen} onChoose={setChosen} />}
      <AmountField
        label={`${text("field.quantity")} (${unitText(unit, language)})`}
        value={quantity}
        onChange={setQuantity}
        scannable
      />
      <div className="choices" role="group" aria-label={text("declare.kind")}>
        {KINDS.map((one) => (
          <Choice
            key={one}
            code={`CMD-${one.toUpperCase().replace("_", "-")}`}
            label={text(`declare.${one}`)}
            chosen={kind === one}
            onChoose={() => setKind(one)}
          />
        ))}
      </div>
    </Dialog>
  );
}
