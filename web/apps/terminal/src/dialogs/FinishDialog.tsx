/** The order leaves the station: for good, or for now. */
import { useState } from "react";
import { useTerminal } from "../app/terminal.ts";
import { useText } from "../app/words.ts";
import type { Frame } from "../server/useActs.ts";
import { Choice, Confirm, Dialog } from "./Dialog.tsx";
import { AmountField, isAmount } from "./fields.tsx";
import { JobChoices } from "./JobChoices.tsx";

/** Quantities are asked only where people declare them. */
export function FinishDialog({ frame }: { frame?: Frame | undefined }) {
  const { view, acts, open } = useTerminal();
  const text = useText();
  const [chosen, setChosen] = useState(0);
  const [complete, setComplete] = useState(true);
  const [completed, setCompleted] = useState("");
  const [scrap, setScrap] = useState("");
  const job = view.jobs[chosen];
  const declared = view.counts_from === "declaration";
  const amountsOk = [completed, scrap].every((value) => value === "" || isAmount(value, false));

  return (
    <Dialog
      title={text("finish.title")}
      foot={
        <Confirm
          label={text("finish.confirm")}
          disabled={!job || !amountsOk}
          onConfirm={() => {
            if (!job) return;
            acts.submit(
              {
                kind: "finish_order",
                order: job.order,
                operation: job.operation,
                booking: job.booking,
                completed: declared && completed !== "" ? completed : null,
                scrap: declared && scrap !== "" ? scrap : null,
                complete,
              },
              frame,
            );
            open(null);
          }}
        />
      }
    >
      <JobChoices chosen={chosen} onChoose={setChosen} />
      <h3>{text("finish.how")}</h3>
      <div className="choices choices--pair" role="group" aria-label={text("finish.how")}>
        <Choice
          code="CMD-COMPLETE"
          label={text("finish.complete")}
          note={text("finish.complete_note")}
          chosen={complete}
          onChoose={() => setComplete(true)}
        />
        <Choice
          code="CMD-PART"
          label={text("finish.part")}
          note={text("finish.part_note")}
          chosen={!complete}
          onChoose={() => setComplete(false)}
        />
      </div>
      {declared && (
        <div className="dialog__row">
          <AmountField label={text("field.good")} value={completed} onChange={setCompleted} scannable />
          <AmountField label={text("field.scrap")} value={scrap} onChange={setScrap} />
        </div>
      )}
    </Dialog>
  );
}

/** Which order pauses, where several are on the station. */
export function PauseDialog() {
  const { view, acts, open } = useTerminal();
  const text = useText();
  const pause = (index: number) => {
    const job = view.jobs[index];
    if (job) {
      acts.submit({ kind: "pause_order", order: job.order, operation: job.operation, booking: job.booking });
    }
    open(null);
  };
  return (
    <Dialog title={text("pause.title")}>
      {view.jobs.length === 0 && <p className="dialog__lead">{text("orders.none")}</p>}
      <JobChoices chosen={-1} onChoose={pause} />
    </Dialog>
  );
}
