/** One order: where it stands, operation by operation, and what each figure is made of. */
import { Button, Card, Descriptions, Empty, Skeleton, Table } from "antd";
import type { TableColumnsType } from "antd";
import { Link, useParams } from "react-router";
import type { Order, Schemas } from "@lineside/client/central.ts";
import { decimalText, quantityText } from "@lineside/format/numbers.ts";
import { dateTime } from "@lineside/format/time.ts";
import { pick, useLanguage } from "@lineside/ui/language.tsx";
import { useFile } from "../app/files.ts";
import { Problem } from "../app/Problem.tsx";
import { useMay, useZone } from "../app/queries.ts";
import { useNamed, useText } from "../app/words.ts";
import { madeOf, useOrder, useProgress } from "./api.ts";
import { OrderActs } from "./OrderActs.tsx";
import { EdgesCell, PageHead, ProgressCell, StateTag } from "./parts.tsx";

type Progress = Schemas["ProgressOut"];
type Step = Schemas["StepOut"];
type Row = Step & { progress: Progress | undefined };

export default function OrderPage() {
  const { order: id = "" } = useParams();
  const text = useText();
  const may = useMay();
  const order = useOrder(id);
  const { fetchFile, busy } = useFile();
  if (order.isPending) return <Skeleton active paragraph={{ rows: 10 }} />;
  if (!order.data) return <Problem error={order.error} again={() => void order.refetch()} />;
  const row = order.data;
  return (
    <>
      <PageHead
        title={
          <>
            <Link to="/orders">{text("nav.orders")}</Link> / {row.id}
          </>
        }
      >
        {may("labels.print") && (
          <Button loading={busy} onClick={() => fetchFile(`/api/v1/mes/prints/travellers/${encodeURIComponent(row.id)}`)}>
            {text("print.traveller")}
          </Button>
        )}
        <OrderActs order={row} size="medium" />
      </PageHead>
      {order.error && <Problem error={order.error} />}
      <Facts order={row} />
      <Operations order={row} />
      {row.moves.length > 0 && <Moves order={row} />}
    </>
  );
}

function Facts({ order }: { order: Order }) {
  const text = useText();
  const { language } = useLanguage();
  const zone = useZone();
  const progress = useProgress(order.id, order.state);
  const made = progress.data ? madeOf(progress.data) : null;
  const at = (moment: string | null) => (moment ? dateTime(moment, language, zone) : "–");
  return (
    <Card className="block">
      <Descriptions
        size="small"
        column={{ xs: 1, md: 2, xl: 4 }}
        items={[
          { key: "state", label: text("orders.state"), children: <StateTag state={order.state} /> },
          { key: "item", label: text("orders.item"), children: order.item },
          {
            key: "quantity",
            label: text("orders.quantity"),
            children: quantityText(order.quantity, order.unit, language),
          },
          { key: "progress", label: text("orders.progress"), children: <ProgressCell order={{ ...order, made }} /> },
          { key: "priority", label: text("orders.priority"), children: order.priority },
          { key: "due", label: text("orders.due"), children: at(order.due_at) },
          { key: "released", label: text("orders.released_at"), children: at(order.released_at) },
          { key: "routing", label: text("orders.routing"), children: `${order.routing} · ${order.routing_revision}` },
          { key: "edges", label: text("orders.edges"), children: <EdgesCell order={order} /> },
          ...(order.hold_reason
            ? [{ key: "hold", label: text("orders.hold_reason"), children: order.hold_reason }]
            : []),
        ]}
      />
    </Card>
  );
}

function Operations({ order }: { order: Order }) {
  const text = useText();
  const named = useNamed();
  const { language } = useLanguage();
  const zone = useZone();
  const progress = useProgress(order.id, order.state);
  const rows: Row[] = order.steps.map((step) => ({
    ...step,
    progress: progress.data?.operations.find((one) => one.operation === step.operation),
  }));
  const amount = (field: "good" | "scrap" | "rework" | "suspect" | "delivered") => ({
    title: text(`amount.${field}`),
    key: field,
    align: "right" as const,
    render: (_: unknown, row: Row) => decimalText(row.progress?.[field] ?? "0"),
  });
  const columns: TableColumnsType<Row> = [
    {
      title: text("operation"),
      key: "operation",
      render: (_, row) => (
        <>
          <b>{row.operation}</b> {pick(language, row.name_zh, row.name)}
        </>
      ),
    },
    { title: text("stations"), key: "stations", render: (_, row) => `${row.edge}: ${row.stations.join(", ")}` },
    amount("good"),
    amount("scrap"),
    amount("rework"),
    amount("suspect"),
    amount("delivered"),
    {
      title: text("amount.units"),
      key: "units",
      align: "right",
      render: (_, row) => `${row.progress?.units_started ?? 0} / ${row.progress?.units_finished ?? 0}`,
    },
    {
      title: text("amount.last"),
      key: "last",
      render: (_, row) => (row.progress?.last_at ? dateTime(row.progress.last_at, language, zone) : "–"),
    },
    {
      title: text("flags"),
      key: "flags",
      render: (_, row) => row.progress?.flags.map((flag) => named("flag", flag)).join(", ") || "–",
    },
  ];
  return (
    <Card className="block" title={text("orders.operations")} size="small">
      {progress.error && <Problem error={progress.error} again={() => void progress.refetch()} />}
      <Table<Row>
        rowKey="operation"
        size="small"
        columns={columns}
        dataSource={rows}
        pagination={false}
        scroll={{ x: 1000 }}
        locale={{ emptyText: <Empty description={text("orders.no_operations")} /> }}
        expandable={{
          columnTitle: <span className="visually-hidden">{text("open")}</span>,
          rowExpandable: (row) => (row.progress?.sources.length ?? 0) > 0,
          expandedRowRender: (row) => <Sources sources={row.progress?.sources ?? []} />,
        }}
      />
      <p className="quiet note">{text("orders.open_figure")}</p>
    </Card>
  );
}

/** What the figure is made of: the counted sources, and those that only check them. */
function Sources({ sources }: { sources: Schemas["SourceOut"][] }) {
  const text = useText();
  const named = useNamed();
  return (
    <Table
      rowKey={(row) => `${row.edge}-${row.station}-${row.source}`}
      size="small"
      pagination={false}
      dataSource={sources}
      columns={[
        { title: text("station"), key: "station", render: (_, row) => `${row.edge} / ${row.station}` },
        { title: text("source"), dataIndex: "source", render: (source: string) => named("source", source) },
        {
          title: text("counted"),
          dataIndex: "counted",
          render: (counted: boolean) => (counted ? `✓ ${text("counted.yes")}` : text("counted.check")),
        },
        { title: text("amount.good"), dataIndex: "good", align: "right", render: decimalText },
        { title: text("amount.scrap"), dataIndex: "scrap", align: "right", render: decimalText },
        { title: text("amount.rework"), dataIndex: "rework", align: "right", render: decimalText },
      ]}
    />
  );
}

function Moves({ order }: { order: Order }) {
  const text = useText();
  const { language } = useLanguage();
  const zone = useZone();
  return (
    <Card className="block" title={text("orders.moves")} size="small">
      <ul className="plain">
        {order.moves.map((move) => (
          <li key={`${move.operation}-${move.at}`}>
            {dateTime(move.at, language, zone)} · {text("operation")} {move.operation}: {move.from_edge} → {move.to_edge}{" "}
            · {move.by} {move.reason && `· ${move.reason}`}
            {move.forced && <StateTag state="forced" look="waiting" shape="⚠" />}
          </li>
        ))}
      </ul>
    </Card>
  );
}
