/** An order begins here; what the bench does where people say it. */
import { useState } from "react";
import { lookOf, SHAPES } from "@lineside/ui/states.ts";
import { useSay, useTerminal } from "../app/terminal.ts";
import { useText } from "../app/words.ts";
import { Choice, Confirm, Dialog } from "./Dialog.tsx";

const ACTIVITIES = ["production", "setup", "rework"] as const;
const STATES = ["RUN", "SETUP", "STOP", "FAIL", "IDLE"] as const;

/** One more touch than the order itself, so that a sleeve starts nothing. */
export function StartDialog({ order, operation }: { order: string; operation: string }) {
  const { view, acts, open } = useTerminal();
  const text = useText();
  const say = useSay();
  const [activity, setActivity] = useState<(typeof ACTIVITIES)[number]>("production");
  const row = view.orders.find((one) => one.order === order && one.operation === operation);
  return (
    <Dialog
      title={text("start.title", { order })}
      foot={
        <Confirm
          label={text("start.confirm")}
          onConfirm={() => {
            acts.submit({ kind: "start_order", order, operation, activity });
            open(null);
          }}
        />
      }
    >
      {row && (
        <p className="dialog__lead">
          {say(row.item_name) || row.item} · {row.operation} {say(row.operation_name)}
        </p>
      )}
      {!view.parallel && view.jobs.length > 0 && <p className="muted">{text("start.replaces")}</p>}
      <div className="choices" role="group" aria-label={text("start.activity")}>
        {ACTIVITIES.map((one) => (
          <Choice
            key={one}
            code={`CMD-${one.toUpperCase()}`}
            label={text(`activity.${one}`)}
            chosen={activity === one}
            onChoose={() => setActivity(one)}
          />
        ))}
      </div>
    </Dialog>
  );
}

/** State of a station without signals. */
export function StateDialog() {
  const { view, acts, open } = useTerminal();
  const text = useText();
  return (
    <Dialog title={text("state.title")}>
      <div className="choices">
        {STATES.map((state) => (
          <Choice
            key={state}
            code={`CMD-${state}`}
            label={`${SHAPES[lookOf(state)]} ${text(`state.${state}`)}`}
            chosen={view.machine.state === state}
            onChoose={() => {
              acts.submit({ kind: "set_state", state });
              open(null);
            }}
          />
        ))}
      </div>
    </Dialog>
  );
}
