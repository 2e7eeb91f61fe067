/** What an entry should have been, where that is one choice: the order, the result of a piece. */
import type { Entry } from "@lineside/client/edge.ts";
import { useSay, useTerminal } from "../app/terminal.ts";
import { useText } from "../app/words.ts";
import type { Frame } from "../server/useActs.ts";
import { Choice, Dialog } from "./Dialog.tsx";

const RESULTS = ["pass", "fail", "rework"] as const;

/** Touching the choice books the correction. */
export function ReplaceDialog({ entry, frame }: { entry: Entry; frame: Frame }) {
  const { view, acts, open } = useTerminal();
  const text = useText();
  const say = useSay();
  const title = `${entry.subject} · ${say(entry.text)}`;
  if (entry.change === "start_order") {
    return (
      <Dialog title={title}>
        <h3>{text("replace.order")}</h3>
        {view.orders.length === 0 && <p className="dialog__lead">{text("orders.none_waiting")}</p>}
        <div className="choices" role="group" aria-label={text("replace.order")}>
          {view.orders
            .filter((one) => !one.held)
            .map((one) => (
              <Choice
                key={`${one.order}-${one.operation}`}
                code={one.order}
                label={`${one.operation} ${say(one.operation_name)}`}
                note={say(one.item_name) || one.item}
                onChoose={() => {
                  acts.submit({ kind: "start_order", order: one.order, operation: one.operation }, frame);
                  open(null);
                }}
              />
            ))}
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title={title}>
      <h3>{text("replace.result")}</h3>
      <div className="choices" role="group" aria-label={text("replace.result")}>
        {RESULTS.map((result) => (
          <Choice
            key={result}
            code={`CMD-${result.toUpperCase()}`}
            label={text(`replace.${result}`)}
            onChoose={() => {
              acts.submit({ kind: "finish_unit", serial: entry.subject, result }, frame);
              open(null);
            }}
          />
        ))}
      </div>
    </Dialog>
  );
}
