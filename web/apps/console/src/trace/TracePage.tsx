/** What is the life of this number? */
import { Button, Card, Empty, Popover, Skeleton, Space, Table } from "antd";
import { useState } from "react";
import { Link, useSearchParams } from "react-router";
import { clockTime, dateTime } from "@lineside/format/time.ts";
import { pick, useLanguage } from "@lineside/ui/language.tsx";
import { useFile } from "../app/files.ts";
import { Problem } from "../app/Problem.tsx";
import { useZone } from "../app/queries.ts";
import { useNamed, useText } from "../app/words.ts";
import { PageHead, StateTag } from "../orders/parts.tsx";
import { csvPath, traceAddress, useTrace } from "./api.ts";
import type { EdgeKnown, History, Sought, Thing } from "./api.ts";
import { Contents } from "./Contents.tsx";
import { Details } from "./Details.tsx";
import type { Selection } from "./Details.tsx";
import { Genealogy } from "./Genealogy.tsx";
import { Life } from "./Life.tsx";
import { Neighbours } from "./Neighbours.tsx";

export default function TracePage() {
  const text = useText();
  const [query] = useSearchParams();
  const sought: Sought = {
    number: query.get("q") ?? "",
    kind: query.get("kind"),
    item: query.get("item"),
    issuer: query.get("issuer"),
  };
  const trace = useTrace(sought);
  if (sought.number === "") {
    return (
      <>
        <PageHead title={text("nav.trace")} />
        <Empty className="block" description={text("trace.empty")} />
      </>
    );
  }
  return (
    <>
      <PageHead title={text("nav.trace")}>
        <Known edges={trace.data?.as_of ?? []} at={trace.dataUpdatedAt} />
      </PageHead>
      {trace.error && (
        <Problem key={sought.number} error={trace.error} again={() => void trace.refetch()} />
      )}
      {trace.isPending && !trace.error && <Skeleton active paragraph={{ rows: 12 }} />}
      {trace.data && !trace.data.history && <Candidates things={trace.data.candidates} />}
      {trace.data?.history && (
        <Shown key={JSON.stringify(trace.data.history.thing)} history={trace.data.history} />
      )}
    </>
  );
}

/** Up to which event of each edge the answer knows, and what is still to come. */
function Known({ edges, at }: { edges: EdgeKnown[]; at: number }) {
  const text = useText();
  const { language } = useLanguage();
  const zone = useZone();
  const waiting = edges.filter((edge) => edge.still_to_come > 0);
  const moment = (value: string | null) => (value ? dateTime(value, language, zone) : "–");
  if (at === 0) return null;
  return (
    <Popover
      placement="bottomRight"
      trigger={["click"]}
      content={
        <Table<EdgeKnown>
          size="small"
          rowKey={(edge) => `${edge.edge}-${edge.epoch}`}
          pagination={false}
          dataSource={edges}
          columns={[
            { title: text("edge"), dataIndex: "edge" },
            { title: text("known.seq"), dataIndex: "seq", align: "right" },
            { title: text("known.until"), dataIndex: "known_until", render: moment },
            { title: text("known.to_come"), dataIndex: "still_to_come", align: "right" },
            { title: text("known.heard"), dataIndex: "heard_at", render: moment },
          ]}
        />
      }
    >
      <Button type="text" className="known">
        {waiting.map((edge) => (
          <span key={`${edge.edge}-${edge.epoch}`} className="state-tag state-tag--unknown">
            {text("known.waiting", { edge: edge.edge, seq: edge.seq, head: edge.seq + edge.still_to_come })}
          </span>
        ))}
        <span className="quiet">{text("known.as_of", { time: clockTime(at * 1000, language, zone, true) })}</span>
      </Button>
    </Popover>
  );
}

/** The number is known for several things: the person chooses, nothing is merged. */
function Candidates({ things }: { things: Thing[] }) {
  const text = useText();
  const named = useNamed();
  return (
    <Card className="block" title={text("trace.candidates", { count: things.length })}>
      <ul className="candidates">
        {things.map((thing) => (
          <li key={`${thing.kind}-${thing.item}-${thing.issuer}`}>
            <Link className="candidate" to={traceAddress(thing)}>
              <b>{thing.id}</b>
              <span>
                {named("thing", thing.kind)} · {thing.item} · {thing.issuer || text("trace.own")}
              </span>
            </Link>
          </li>
        ))}
      </ul>
    </Card>
  );
}

const LOOKS: Record<string, [look: string, shape: string]> = {
  in_process: ["running", "▶"],
  finished: ["neutral", "✓"],
  scrapped: ["failure", "✕"],
  held: ["waiting", "❚❚"],
  unknown: ["unknown", "?"],
};

function Shown({ history }: { history: History }) {
  const text = useText();
  const [selection, setSelection] = useState<Selection>({ node: 0, operation: null, line: null, side: "made_from" });
  return (
    <>
      <Head history={history} />
      {history.hidden > 0 && <p className="note">{text("trace.hidden", { count: history.hidden })}</p>}
      <div className="trace">
        <Card size="small" title={text("trace.life")} className="trace__life">
          <Life history={history} selection={selection} select={setSelection} />
        </Card>
        {history.thing.kind === "carrier" ? (
          <Contents carrier={history.thing.id} />
        ) : (
          <Genealogy history={history} selection={selection} select={setSelection} />
        )}
        <Details history={history} selection={selection} />
      </div>
      {history.thing.kind === "unit" && <Neighbours thing={history.thing} />}
    </>
  );
}

function Head({ history }: { history: History }) {
  const text = useText();
  const named = useNamed();
  const { language } = useLanguage();
  const zone = useZone();
  const { thing } = history;
  const { fetchFile, busy } = useFile();
  const [look, shape] = LOOKS[history.status] ?? ["neutral", "●"];
  const place = history.made_from.nodes[0]?.lines.filter((line) => !line.voided && line.station).at(-1)?.station;
  const defects = history.made_from.nodes[0]?.operations.flatMap((one) => one.defects).length ?? 0;
  return (
    <Card className="block trace-head" size="small">
      <div>
        <h2>{thing.id}</h2>
        {thing.kind === "unit" && <StateTag state={history.status} look={look} shape={shape} />}
      </div>
      <Fact
        name={named("thing", thing.kind)}
        value={`${thing.item || "–"}${pick(language, history.name_zh, history.name) ? ` · ${pick(language, history.name_zh, history.name)}` : ""}`}
      />
      <Fact name={text("trace.issuer")} value={thing.issuer || text("trace.own")} />
      <div>
        <span className="quiet">{text("trace.orders")}</span>
        <b>
          {history.orders.length === 0 && "–"}
          {history.orders.map((order, index) => (
            <span key={order}>
              {index > 0 && ", "}
              <Link to={`/orders/${encodeURIComponent(order)}`}>{order}</Link>
            </span>
          ))}
        </b>
      </div>
      <Fact
        name={text(thing.kind === "carrier" ? "carrier.used" : "trace.made")}
        value={
          history.first_at && history.last_at
            ? `${dateTime(history.first_at, language, zone)} – ${dateTime(history.last_at, language, zone)}`
            : "–"
        }
      />
      {thing.kind === "carrier" && <Fact name={text("carrier.where")} value={place ?? "–"} />}
      {thing.kind === "unit" && <Fact name={text("trace.defects")} value={String(defects)} />}
      <Space className="trace-head__acts">
        <Button onClick={() => window.print()}>{text("trace.print")}</Button>
        <Button loading={busy} onClick={() => fetchFile(csvPath(thing), `trace-${thing.id}.csv`)}>
          {text("csv")}
        </Button>
      </Space>
    </Card>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <span className="quiet">{name}</span>
      <b>{value}</b>
    </div>
  );
}
