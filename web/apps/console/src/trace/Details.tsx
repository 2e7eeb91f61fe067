/** What is chosen, opened to its evidence: edge, epoch, seq, whose clock, who. */
import { Button, Card, Descriptions } from "antd";
import type { DescriptionsProps } from "antd";
import { useState } from "react";
import { Link } from "react-router";
import { decimalText } from "@lineside/format/numbers.ts";
import { dateTime, durationText, millis } from "@lineside/format/time.ts";
import { pick, useLanguage } from "@lineside/ui/language.tsx";
import { usePrinting } from "../app/printing.ts";
import { useZone } from "../app/queries.ts";
import { useNamed, useText } from "../app/words.ts";
import { useNames } from "../people/names.ts";
import { traceAddress } from "./api.ts";
import type { Evidence, History, Line, Node, Operation } from "./api.ts";

/** A node of one side of the genealogy, maybe one of its operations or lines. */
export interface Selection {
  side: "made_from" | "went_into";
  node: number;
  operation: number | null;
  line: number | null;
}

const LINES_SHOWN = 6;

export function Details({ history, selection }: { history: History; selection: Selection }) {
  const text = useText();
  const { language } = useLanguage();
  const node = history[selection.side].nodes[selection.node];
  if (!node) return <Card size="small" className="trace__details" />;
  const operation = selection.operation === null ? null : node.operations[selection.operation];
  const line = selection.line === null ? null : node.lines[selection.line];
  const root = selection.node === 0;
  return (
    <Card
      size="small"
      className="trace__details"
      title={`${node.id}${operation ? ` · ${operation.operation} ${pick(language, operation.name_zh, operation.name)}` : ""}`}
    >
      {!root && (
        <p>
          <Link to={traceAddress(node)}>{text("trace.open", { id: node.id })}</Link>
        </p>
      )}
      {operation ? (
        <OperationFacts operation={operation} node={node} />
      ) : line ? (
        <LineFacts line={line} />
      ) : (
        <NodeFacts node={node} />
      )}
    </Card>
  );
}

function Facts({ items }: { items: DescriptionsProps["items"] }) {
  return <Descriptions size="small" column={1} items={items ?? []} className="facts" />;
}

function NodeFacts({ node }: { node: Node }) {
  const text = useText();
  const named = useNamed();
  const { language } = useLanguage();
  return (
    <>
      <Facts
        items={[
          { key: "kind", label: text("trace.kind"), children: named("thing", node.kind) },
          { key: "item", label: text("trace.item"), children: `${node.item} ${pick(language, node.name_zh, node.name)}` },
          { key: "issuer", label: text("trace.issuer"), children: node.issuer || text("trace.own") },
        ]}
      />
      {node.lines.length > 0 && (
        <>
          <h3 className="trace__sub">{text("trace.evidence")}</h3>
          <Lines lines={node.lines} />
        </>
      )}
    </>
  );
}

function OperationFacts({ operation, node }: { operation: Operation; node: Node }) {
  const people = useNames();
  const text = useText();
  const named = useNamed();
  const { language } = useLanguage();
  const zone = useZone();
  const at = (moment: string | null) => (moment ? dateTime(moment, language, zone) : "–");
  const signals = operation.signals;
  const lines = operation.lines.flatMap((index) => node.lines[index] ?? []);
  const items: DescriptionsProps["items"] = [
    { key: "station", label: text("station"), children: [operation.line, operation.station].filter(Boolean).join(" · ") },
    { key: "order", label: text("trace.order"), children: operation.order || "–" },
    { key: "by", label: text("trace.by"), children: people(operation.by) || "–" },
    { key: "shift", label: text("trace.shift"), children: operation.shift || "–" },
    { key: "start", label: text("trace.started"), children: at(operation.started_at) },
    { key: "end", label: text("trace.finished"), children: at(operation.finished_at) },
    {
      key: "length",
      label: text("trace.cycle"),
      children:
        operation.started_at && operation.finished_at
          ? durationText((millis(operation.finished_at) - millis(operation.started_at)) / 1000, language)
          : "–",
    },
    {
      key: "result",
      label: text("trace.result"),
      children: operation.result ? named("result", operation.result) : text("trace.running"),
    },
    ...(operation.defects.length > 0
      ? [{ key: "defects", label: text("trace.defects"), children: operation.defects.join(", ") }]
      : []),
    ...(operation.disposition
      ? [{ key: "fate", label: text("trace.fate"), children: named("disposition", operation.disposition) }]
      : []),
    ...(operation.flags.length > 0
      ? [{ key: "flags", label: text("flags"), children: operation.flags.map((flag) => named("flag", flag)).join(", ") }]
      : []),
    ...lines.filter((line) => line.type === "inspected" || line.type === "measured").map((line) => ({
      key: `m-${line.evidence.seq}`,
      label: line.type === "measured" ? plainText(line.detail["characteristic"]) : named("event", line.type),
      children:
        line.type === "measured"
          ? `${plainText(line.detail["value"])} ${plainText(line.detail["unit"] ?? "mm")}`
          : named("result", line.detail["passed"] === true ? "pass" : "fail"),
    })),
    ...Object.entries(operation.parameters).map(([name, value]) => ({ key: `p-${name}`, label: name, children: value })),
    ...(signals
      ? [
          ...(signals.programs.length > 0
            ? [{ key: "programs", label: text("trace.programs"), children: signals.programs.join(", ") }]
            : []),
          ...(signals.tools.length > 0
            ? [{ key: "tools", label: text("trace.tools"), children: signals.tools.join(" → ") }]
            : []),
          ...Object.entries(signals.seconds_by_status).map(([status, seconds]) => ({
            key: `s-${status}`,
            label: status,
            children: `${decimalText(seconds)} s`,
          })),
          ...signals.alarms.map((alarm, index) => ({
            key: `a-${index}`,
            label: text("trace.alarm"),
            children: `${dateTime(alarm.occurred_at, language, zone)} ${alarm.alarm} ${alarm.text}`,
          })),
        ]
      : []),
  ];
  return (
    <>
      <Facts items={items} />
      <h3 className="trace__sub">{text("trace.evidence")}</h3>
      <Lines lines={lines} />
    </>
  );
}

function LineFacts({ line }: { line: Line }) {
  const people = useNames();
  const text = useText();
  const named = useNamed();
  const details = Object.entries(line.detail).filter(([name]) => name !== "role");
  return (
    <>
      <Facts
        items={[
          { key: "event", label: text("trace.event"), children: named("event", line.type) },
          { key: "station", label: text("station"), children: [line.station, line.position].filter(Boolean).join(" · ") || "–" },
          { key: "order", label: text("trace.order"), children: line.order || "–" },
          { key: "by", label: text("trace.by"), children: people(line.by) || "–" },
          { key: "shift", label: text("trace.shift"), children: line.shift || "–" },
          ...(line.reason ? [{ key: "reason", label: text("trace.reason"), children: line.reason }] : []),
          ...(line.flags.length > 0
            ? [{ key: "flags", label: text("flags"), children: line.flags.map((flag) => named("flag", flag)).join(", ") }]
            : []),
          ...details.map(([name, value]) => ({ key: name, label: named("detail", name), children: <Value value={value} /> })),
        ]}
      />
      <h3 className="trace__sub">{text("trace.evidence")}</h3>
      <Lines lines={[line]} />
    </>
  );
}

/** A detail of an event; another unit or lot can be walked to. */
function Value({ value }: { value: unknown }) {
  if (typeof value === "object" && value !== null && "kind" in value && "id" in value && "item" in value) {
    const { kind, id, item } = value;
    const issuer = "issuer" in value && typeof value.issuer === "string" ? value.issuer : "";
    const walkable = (kind === "unit" || kind === "lot") && typeof id === "string" && typeof item === "string";
    if (walkable) return <Link to={traceAddress({ kind, id, item, issuer })}>{plainText(value)}</Link>;
  }
  return <>{plainText(value)}</>;
}

/** A detail of an event as words: `SE-7755 (SE-S4)`, `2 pcs`, or its JSON. */
function plainText(value: unknown): string {
  if (value === null || value === undefined) return "–";
  if (typeof value !== "object") return typeof value === "string" ? value : JSON.stringify(value);
  const record = value as Record<string, unknown>;
  if (typeof record["id"] === "string" && typeof record["item"] === "string") return `${record["id"]} (${record["item"]})`;
  if (typeof record["value"] === "string") return `${record["value"]} ${typeof record["unit"] === "string" ? record["unit"] : "pcs"}`;
  return JSON.stringify(value);
}

function Lines({ lines }: { lines: Line[] }) {
  const printing = usePrinting();
  const [all, setAll] = useState(false);
  const shown = all || printing ? lines : lines.slice(0, LINES_SHOWN);
  const people = useNames();
  const text = useText();
  const named = useNamed();
  const { language } = useLanguage();
  const zone = useZone();
  return (
    <ul className="evidence">
      {shown.map((line) => (
        <li key={evidenceText(line.evidence) + line.type} className={line.voided ? "life__words--voided" : ""}>
          <b>{named("event", line.type)}</b> {evidenceText(line.evidence)}
          <br />
          {dateTime(line.occurred_at, language, zone)} · {named("time_source", line.time_source)} ·{" "}
          {named("origin", line.source)}
          {line.by.length > 0 && ` · ${people(line.by)}`} ·{" "}
          {text("trace.received", { time: dateTime(line.received_at, language, zone) })}
        </li>
      ))}
      {lines.length > shown.length && (
        <li>
          <Button size="small" onClick={() => setAll(true)}>
            {text("trace.more", { count: lines.length - shown.length })}
          </Button>
        </li>
      )}
    </ul>
  );
}

/** `line-1 · facts · 7f3a… · #48213`: the identity of an event. */
export function evidenceText(evidence: Evidence): string {
  return `${evidence.edge} · ${evidence.epoch.slice(0, 8)} · #${evidence.seq}`;
}
