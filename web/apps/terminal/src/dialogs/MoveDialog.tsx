/** The wrong order was scanned: what was booked since a moment belongs to another one. */
import { useState } from "react";
import { clockTime, isoDate, wallTime } from "@lineside/format/time.ts";
import { useLanguage } from "@lineside/ui/language.tsx";
import { useSay, useTerminal } from "../app/terminal.ts";
import { useText } from "../app/words.ts";
import { Choice, Confirm, Dialog } from "./Dialog.tsx";
import { MomentField } from "./fields.tsx";

/** Menu, move, the other order, confirm: four touches. */
export function MoveDialog() {
  const { view, acts, open } = useTerminal();
  const { language } = useLanguage();
  const text = useText();
  const say = useSay();
  const job = view.jobs[0];
  const zone = view.time_zone;
  const first = job?.started_at ?? view.shift?.start ?? view.at;
  const [from, setFrom] = useState({ date: isoDate(first, zone), time: clockTime(first, "en", zone) });
  const [until, setUntil] = useState({ date: isoDate(view.at, zone), time: clockTime(view.at, "en", zone) });
  const [touched, setTouched] = useState({ from: false, until: false });
  const [target, setTarget] = useState(-1);
  const row = view.orders[target];
  const moment = ({ date, time }: typeof from) =>
    time === "" ? "" : wallTime(date, time, zone).toISOString();
  const start = touched.from ? moment(from) : first;
  const end = touched.until ? moment(until) : view.at;
  const ordered = start !== "" && end !== "" && Date.parse(start) < Date.parse(end);
  return (
    <Dialog
      title={text("move.title")}
      foot={
        <Confirm
          label={text("move.confirm")}
          disabled={!row || !ordered}
          onConfirm={() => {
            if (!row) return;
            acts.submit({
              kind: "move_span",
              from: start,
              to: end,
              to_order: row.order,
              to_operation: row.operation,
              from_order: job?.order ?? "",
              reason: text("undo.wrong_order"),
            });
            open(null);
          }}
        />
      }
    >
      <p className="dialog__lead">
        {job
          ? text("move.hint", { order: job.order, time: clockTime(job.started_at, language, zone) })
          : text("move.hint_none")}
      </p>
      <div className="dialog__row">
        <MomentField
          label={text("field.from")}
          date={from.date}
          time={from.time}
          onChange={(date, time) => {
            setFrom({ date, time });
            setTouched((now) => ({ ...now, from: true }));
          }}
        />
        <MomentField
          label={text("field.until")}
          date={until.date}
          time={until.time}
          onChange={(date, time) => {
            setUntil({ date, time });
            setTouched((now) => ({ ...now, until: true }));
          }}
        />
      </div>
      <h3>{text("move.to")}</h3>
      <div className="choices" role="group" aria-label={text("move.to")}>
        {view.orders.map((one, index) => (
          <Choice
            key={`${one.order}-${one.operation}`}
            code={one.order}
            label={`${one.operation} ${say(one.operation_name)}`}
            note={say(one.item_name) || one.item}
            chosen={index === target}
            onChoose={() => setTarget(index)}
          />
        ))}
      </div>
    </Dialog>
  );
}
