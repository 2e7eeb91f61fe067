/** The life of a thing in order of time: operations, and what happened between them. */
import { Button } from "antd";
import { useState } from "react";
import { quantityText } from "@lineside/format/numbers.ts";
import { clockTime, dayText, durationText, millis } from "@lineside/format/time.ts";
import { pick, useLanguage } from "@lineside/ui/language.tsx";
import { useZone } from "../app/queries.ts";
import { useNamed, useText } from "../app/words.ts";
import { useNames } from "../people/names.ts";
import type { History, Line, Operation } from "./api.ts";
import type { Selection } from "./Details.tsx";

const SHOWN_AT_FIRST = 80;

interface Moment {
  at: string;
  operation: Operation | null;
  line: Line | null;
  index: number;
}

/** Operations and the lines that belong to none, oldest first. */
function momentsOf(history: History): Moment[] {
  const node = history.made_from.nodes[0];
  if (!node) return [];
  const inside = new Set(node.operations.flatMap((operation) => operation.lines));
  const moments: Moment[] = node.operations.map((operation, index) => ({
    at: operation.started_at ?? operation.finished_at ?? history.first_at ?? "",
    operation,
    line: null,
    index,
  }));
  node.lines.forEach((line, index) => {
    if (!inside.has(index)) moments.push({ at: line.occurred_at, operation: null, line, index });
  });
  return moments.sort((one, other) => millis(one.at) - millis(other.at));
}

/** The look of a result: pass, fail, running. */
export function resultLook(operation: Operation): string {
  if (operation.result === null) return "setup";
  if (operation.result === "fail") return "failure";
  return operation.result === "rework" || operation.defects.length > 0 ? "waiting" : "running";
}

interface Props {
  history: History;
  selection: Selection;
  select: (selection: Selection) => void;
}

export function Life({ history, selection, select }: Props) {
  const text = useText();
  const { language } = useLanguage();
  const zone = useZone();
  const [shown, setShown] = useState(SHOWN_AT_FIRST);
  const moments = momentsOf(history);
  const visible = moments.slice(0, shown);
  const days = visible.map((moment) => dayText(moment.at, language, zone));
  return (
    <ol className="life">
      {visible.map((moment, position) => {
        const day = days[position];
        const newDay = day !== days[position - 1];
        const chosen =
          selection.node === 0 &&
          selection.side === "made_from" &&
          (moment.operation ? selection.operation === moment.index : selection.line === moment.index);
        return (
          <li key={`${moment.operation ? "o" : "l"}${moment.index}`}>
            {newDay && <p className="life__day">{day}</p>}
            <button
              type="button"
              className={`life__item ${chosen ? "life__item--chosen" : ""}`}
              aria-pressed={chosen}
              onClick={() =>
                select({
                  side: "made_from",
                  node: 0,
                  operation: moment.operation ? moment.index : null,
                  line: moment.line ? moment.index : null,
                })
              }
            >
              <time>{clockTime(moment.at, language, zone)}</time>
              {moment.operation ? (
                <OperationWords operation={moment.operation} />
              ) : (
                moment.line && <LineWords line={moment.line} />
              )}
            </button>
          </li>
        );
      })}
      {moments.length === 0 && <li className="quiet">{text("trace.no_lines")}</li>}
      {moments.length > shown && (
        <li>
          <Button block onClick={() => setShown(shown + SHOWN_AT_FIRST)}>
            {text("trace.more", { count: moments.length - shown })}
          </Button>
        </li>
      )}
    </ol>
  );
}

function OperationWords({ operation }: { operation: Operation }) {
  const text = useText();
  const people = useNames();
  const named = useNamed();
  const { language } = useLanguage();
  const seconds =
    operation.started_at && operation.finished_at
      ? (millis(operation.finished_at) - millis(operation.started_at)) / 1000
      : null;
  const look = resultLook(operation);
  const parameters = Object.entries(operation.parameters).slice(0, 3);
  return (
    <>
      <i className={`life__dot life__dot--${look}`} aria-hidden="true" />
      <span className="life__words">
        <b>
          {operation.operation} {pick(language, operation.name_zh, operation.name)} · {operation.station}
          {operation.attempt > 1 && ` · ${text("trace.attempt", { attempt: operation.attempt })}`}
        </b>
        <span>
          {operation.result === null ? text("trace.running") : named("result", operation.result)}
          {seconds !== null && ` · ${durationText(seconds, language)}`}
          {operation.by.length > 0 && ` · ${people(operation.by)}`}
          {operation.shift && ` · ${operation.shift.split(" ")[0] ?? ""}`}
        </span>
        {parameters.length > 0 && <span>{parameters.map(([name, value]) => `${name} ${value}`).join(" · ")}</span>}
        {operation.defects.length > 0 && (
          <span className="life__defect">
            ✕ {operation.defects.join(", ")}
            {operation.disposition && ` → ${named("disposition", operation.disposition)}`}
          </span>
        )}
      </span>
    </>
  );
}

function LineWords({ line }: { line: Line }) {
  const text = useText();
  const people = useNames();
  const named = useNamed();
  const { language } = useLanguage();
  const quantity = line.detail["quantity"] as { value?: string; unit?: string } | undefined;
  const other = ["into", "material", "carrier", "content", "component", "out_of", "lot"]
    .map((name) => line.detail[name] as { id?: string } | undefined)
    .find((thing) => thing?.id)?.id;
  return (
    <>
      <i className="life__dot life__dot--neutral" aria-hidden="true" />
      <span className={`life__words ${line.voided || line.replaced ? "life__words--voided" : ""}`}>
        <b>
          {named("event", line.type)}
          {other && ` · ${other}`}
        </b>
        <span>
          {quantity?.value && `${quantityText(quantity.value, quantity.unit ?? "pcs", language)} · `}
          {line.station || line.evidence.edge}
          {line.by.length > 0 && ` · ${people(line.by)}`}
        </span>
        {(line.voided || line.replaced) && <em>{text(line.voided ? "trace.voided" : "trace.replaced")}</em>}
      </span>
    </>
  );
}
