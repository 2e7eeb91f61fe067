/** What it was made from, and what it went into: a picture to walk, and a list that is complete. */
import { Card, Empty, Segmented, Table } from "antd";
import type { TableColumnsType } from "antd";
import { useLayoutEffect, useMemo, useRef, useState } from "react";
import { Link as RouteLink, useNavigate } from "react-router";
import { quantityText } from "@lineside/format/numbers.ts";
import { dateTime } from "@lineside/format/time.ts";
import { pick, useLanguage } from "@lineside/ui/language.tsx";
import { usePrinting } from "../app/printing.ts";
import { useZone } from "../app/queries.ts";
import { useNamed, useText } from "../app/words.ts";
import { traceAddress } from "./api.ts";
import type { Graph, History, Link } from "./api.ts";
import { evidenceText } from "./Details.tsx";
import type { Selection } from "./Details.tsx";
import { BOX, layoutOf } from "./layout.ts";
import type { Placed } from "./layout.ts";

type Side = Selection["side"];
/** A picture that is a little too wide is shown smaller; a much wider one scrolls. */
const LEAST_FIT = 0.8;

interface Props {
  history: History;
  selection: Selection;
  select: (selection: Selection) => void;
}

export function Genealogy({ history, selection, select }: Props) {
  const text = useText();
  const forwardFirst = history.made_from.links.length === 0 && history.went_into.links.length > 0;
  const [side, setSide] = useState<Side>(forwardFirst ? "went_into" : "made_from");
  const [asList, setAsList] = useState(false);
  const printing = usePrinting();
  const graph = history[side];
  if (printing) {
    return (
      <>
        {(["made_from", "went_into"] as const).map((one) => (
          <Card key={one} size="small" title={text(`trace.${one}`, { count: history[one].links.length })}>
            {history[one].links.length > 0 && <LinkList graph={history[one]} side={one} />}
          </Card>
        ))}
      </>
    );
  }
  return (
    <Card
      size="small"
      className="trace__tree"
      title={
        <Segmented<Side>
          aria-label={text("trace.direction")}
          value={side}
          onChange={setSide}
          options={[
            { value: "made_from", label: text("trace.made_from", { count: history.made_from.links.length }) },
            { value: "went_into", label: text("trace.went_into", { count: history.went_into.links.length }) },
          ]}
        />
      }
      extra={
        <Segmented<"picture" | "list">
          aria-label={text("trace.form")}
          value={asList ? "list" : "picture"}
          onChange={(form) => setAsList(form === "list")}
          options={[
            { value: "picture", label: text("trace.picture") },
            { value: "list", label: text("trace.list") },
          ]}
        />
      }
    >
      {graph.truncated && <p className="note">{text("trace.truncated")}</p>}
      {graph.links.length === 0 ? (
        <Empty description={text(side === "made_from" ? "trace.no_sources" : "trace.no_products")} />
      ) : asList ? (
        <LinkList graph={graph} side={side} />
      ) : (
        <Picture graph={graph} side={side} selection={selection} select={select} openList={() => setAsList(true)} />
      )}
    </Card>
  );
}

interface PictureProps {
  graph: Graph;
  side: Side;
  selection: Selection;
  select: (selection: Selection) => void;
  openList: () => void;
}

function Picture({ graph, side, selection, select, openList }: PictureProps) {
  const text = useText();
  const layout = useMemo(() => layoutOf(graph, side), [graph, side]);
  const rootX = layout.placed[0]?.x ?? 0;
  const view = useRef<HTMLDivElement>(null);
  const [fit, setFit] = useState(1);
  useLayoutEffect(() => {
    const shown = view.current;
    if (!shown) return;
    const arrange = () => {
      const room = shown.clientWidth - 8;
      const scale = Math.min(1, Math.max(LEAST_FIT, room / layout.width));
      setFit(scale);
      shown.scrollLeft = (rootX + BOX.width / 2) * scale - shown.clientWidth / 2;
    };
    arrange();
    const watcher = new ResizeObserver(arrange);
    watcher.observe(shown);
    return () => watcher.disconnect();
  }, [rootX, layout.width]);
  return (
    <div ref={view} className="tree" tabIndex={0} role="group" aria-label={text("trace.picture")}>
      <div className="tree__canvas" style={{ width: layout.width, height: layout.height, zoom: fit }}>
        <svg width={layout.width} height={layout.height} aria-hidden="true">
          {layout.placed.map((one) => one.parent && <Curve key={one.key} to={one} from={one.parent} />)}
        </svg>
        {layout.placed.map((one) =>
          one.more > 0 ? (
            <button
              key={one.key}
              type="button"
              className="tree__box tree__box--more"
              style={{ left: one.x, top: one.y, width: BOX.width, height: BOX.height }}
              onClick={openList}
            >
              {text("trace.more", { count: one.more })}
            </button>
          ) : (
            <Box
              key={one.key}
              placed={one}
              graph={graph}
              chosen={selection.side === side && selection.node === one.node}
              choose={() => select({ side, node: one.node, operation: null, line: null })}
            />
          ),
        )}
      </div>
    </div>
  );
}

function Curve({ from, to }: { from: Placed; to: Placed }) {
  const x1 = from.x + BOX.width / 2;
  const y1 = from.y + BOX.height;
  const x2 = to.x + BOX.width / 2;
  const middle = (y1 + to.y) / 2;
  const unsure = to.link?.certainty === "one of these";
  const ended = to.link?.valid_until != null;
  return (
    <path
      d={`M${x1} ${y1} C${x1} ${middle} ${x2} ${middle} ${x2} ${to.y}`}
      className={`tree__curve ${unsure ? "tree__curve--unsure" : ""} ${ended ? "tree__curve--ended" : ""}`}
    />
  );
}

interface BoxProps {
  placed: Placed;
  graph: Graph;
  chosen: boolean;
  choose: () => void;
}

function Box({ placed, graph, chosen, choose }: BoxProps) {
  const text = useText();
  const named = useNamed();
  const { language } = useLanguage();
  const navigate = useNavigate();
  const node = graph.nodes[placed.node];
  if (!node) return null;
  const { link } = placed;
  const unsure = link?.certainty === "one of these";
  const ended = link?.valid_until != null;
  const name = pick(language, node.name_zh, node.name) || node.item;
  const remark = unsure
    ? text("trace.one_of_these")
    : ended
      ? text("trace.removed")
      : link
        ? `${name} · ${quantityText(link.quantity, link.unit, language)}`
        : name;
  return (
    <button
      type="button"
      className={[
        "tree__box",
        placed.parent ? "" : "tree__box--root",
        chosen ? "tree__box--chosen" : "",
        unsure ? "tree__box--unsure" : "",
        ended ? "tree__box--ended" : "",
      ].join(" ")}
      style={{ left: placed.x, top: placed.y, width: BOX.width, height: BOX.height }}
      aria-pressed={chosen}
      title={`${named("thing", node.kind)} ${node.id} · ${node.item} ${node.issuer} · ${text("trace.double")}`}
      onClick={choose}
      onDoubleClick={() => void navigate(traceAddress(node))}
    >
      <b>{node.id}</b>
      <span>{remark}</span>
    </button>
  );
}

/** Every link, paged; what the picture gathers stands here one by one. */
function LinkList({ graph, side }: { graph: Graph; side: Side }) {
  const printing = usePrinting();
  const text = useText();
  const named = useNamed();
  const { language } = useLanguage();
  const zone = useZone();
  const thing = (index: number) => {
    const node = graph.nodes[index];
    return node ? <RouteLink to={traceAddress(node)}>{node.id}</RouteLink> : "–";
  };
  const columns: TableColumnsType<Link> = [
    {
      title: text(side === "made_from" ? "trace.source" : "trace.product"),
      key: "other",
      render: (_, link) => thing(side === "made_from" ? link.source : link.product),
    },
    { title: text("trace.in"), key: "in", render: (_, link) => thing(side === "made_from" ? link.product : link.source) },
    { title: text("trace.relation"), dataIndex: "relation", render: (name: string) => named("relation", name) },
    {
      title: text("orders.quantity"),
      key: "quantity",
      align: "right",
      render: (_, link) => quantityText(link.quantity, link.unit, language),
    },
    {
      title: text("trace.certainty"),
      dataIndex: "certainty",
      render: (certainty: string) =>
        certainty === "one of these" ? (
          <span className="state-tag state-tag--unknown">{text("trace.one_of_these")}</span>
        ) : (
          text("trace.this_one")
        ),
    },
    {
      title: text("trace.since"),
      key: "since",
      render: (_, link) => (
        <>
          {dateTime(link.valid_from, language, zone)}
          {link.valid_until && ` – ${dateTime(link.valid_until, language, zone)}`}
        </>
      ),
    },
    { title: text("station"), dataIndex: "station" },
    { title: text("trace.evidence"), key: "evidence", render: (_, link) => evidenceText(link.evidence) },
  ];
  return (
    <Table<Link>
      size="small"
      rowKey={(link) => `${evidenceText(link.evidence)}-${link.product}-${link.source}`}
      columns={columns}
      dataSource={graph.links}
      scroll={printing ? {} : { x: 900 }}
      pagination={printing ? false : { pageSize: 50, hideOnSinglePage: true, showSizeChanger: false }}
    />
  );
}
