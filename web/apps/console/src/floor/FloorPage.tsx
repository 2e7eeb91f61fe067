/** The shop floor now: what every station does, and how far central has what each edge recorded. */
import { Alert, Empty, Skeleton, Table } from "antd";
import type { TableColumnsType } from "antd";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { central, dataOf, within } from "@lineside/client/central.ts";
import type { Schemas } from "@lineside/client/central.ts";
import { pick, useLanguage } from "@lineside/ui/language.tsx";
import { Problem } from "../app/Problem.tsx";
import { useNamed, useText } from "../app/words.ts";
import { useMoment } from "../edges/parts.tsx";
import { PageHead } from "../orders/parts.tsx";

type Station = Schemas["StationLiveOut"];
type Receipt = Schemas["ReceiptOut"];

const NOW_MS = 2_000;
const LOOKS: Record<string, string> = {
  RUN: "running",
  SETUP: "setup",
  STOP: "waiting",
  FAIL: "failure",
  IDLE: "planned",
  UNKNOWN: "unknown",
};
const SHAPES: Record<string, string> = { RUN: "▶", SETUP: "⚙", STOP: "■", FAIL: "✕", IDLE: "○", UNKNOWN: "?" };

export default function FloorPage() {
  const text = useText();
  const stations = useQuery({
    queryKey: ["floor", "stations"],
    queryFn: ({ signal }) => dataOf(central.GET("/api/v1/mes/live", { signal: within(signal) })),
    refetchInterval: NOW_MS,
  });
  const receipts = useQuery({
    queryKey: ["floor", "receipts"],
    queryFn: ({ signal }) => dataOf(central.GET("/api/v1/mes/receipts", { signal: within(signal) })),
    refetchInterval: NOW_MS,
  });
  const error = stations.error ?? receipts.error;
  const again = () => {
    void stations.refetch();
    void receipts.refetch();
  };
  return (
    <>
      <PageHead title={text("nav.floor")} />
      {error && <Problem error={error} again={again} />}
      {stations.isPending && !stations.error ? (
        <Skeleton active paragraph={{ rows: 6 }} />
      ) : (
        <Stations stations={stations.data ?? []} />
      )}
      <h2 className="floor__title">{text("floor.delivery")}</h2>
      {receipts.isPending && !receipts.error ? (
        <Skeleton active paragraph={{ rows: 2 }} />
      ) : (
        <Receipts receipts={receipts.data ?? []} />
      )}
    </>
  );
}

function Stations({ stations }: { stations: Station[] }) {
  const text = useText();
  const named = useNamed();
  const moment = useMoment();
  const columns: TableColumnsType<Station> = [
    {
      title: text("floor.station"),
      key: "station",
      render: (_, row) => (
        <>
          <b>{row.station}</b> <span className="quiet">{row.edge}</span>
        </>
      ),
    },
    {
      title: text("orders.state"),
      key: "state",
      render: (_, row) => (
        <>
          <span className={`state-tag state-tag--${LOOKS[row.state] ?? "neutral"}`}>
            <span aria-hidden="true">{SHAPES[row.state] ?? "●"}</span> {named("machine_state", row.state)}
          </span>{" "}
          <span className="quiet">{row.detail}</span>
        </>
      ),
    },
    {
      title: text("nav.orders"),
      key: "orders",
      render: (_, row) =>
        row.orders
          ? row.orders.split(", ").map((order) => (
              <Link key={order} className="floor__order" to={`/orders/${encodeURIComponent(order)}`}>
                {order}
              </Link>
            ))
          : "–",
    },
    {
      title: text("floor.as_of"),
      key: "at",
      render: (_, row) => (
        <>
          {moment(row.sent_at)}{" "}
          {row.silent && <span className="state-tag state-tag--failure">{text("floor.silent")}</span>}
          {row.provisional && (
            <span className="state-tag state-tag--waiting">
              {text("floor.provisional", {
                known: row.known_seq.toLocaleString("en"),
                head: row.head_seq.toLocaleString("en"),
              })}
            </span>
          )}
        </>
      ),
    },
  ];
  return (
    <Table<Station>
      rowKey={(row) => `${row.edge}/${row.station}`}
      size="middle"
      columns={columns}
      dataSource={stations}
      pagination={false}
      scroll={{ x: 760 }}
      locale={{ emptyText: <Empty description={text("floor.empty")} /> }}
    />
  );
}

function Receipts({ receipts }: { receipts: Receipt[] }) {
  const text = useText();
  const { language } = useLanguage();
  const moment = useMoment();
  if (receipts.length === 0) return <Empty description={text("floor.no_edges")} />;
  return (
    <div className="floor__receipts">
      {receipts.map((receipt) => (
        <Alert
          key={receipt.edge}
          type={receipt.dropped > 0 ? "error" : receipt.pending > 0 || receipt.silent ? "warning" : "success"}
          showIcon
          title={pick(language, receipt.text.zh, receipt.text.en)}
          description={
            <span>
              {text("floor.backed_up", { seq: receipt.backed_up_through.toLocaleString("en") })}
              {receipt.unreadable > 0 && ` · ${text("floor.unreadable", { count: receipt.unreadable })}`}
              {receipt.refused > 0 && ` · ${text("floor.refused", { count: receipt.refused })}`}
              {" · "}
              {receipt.heard_at
                ? text(receipt.silent ? "floor.silent_since" : "floor.heard", {
                    time: moment(receipt.heard_at),
                  })
                : text("floor.never_heard")}
            </span>
          }
        />
      ))}
    </div>
  );
}
