/** All orders with their progress, and what a planner does with them. */
import { Button, Empty, Input, Segmented, Skeleton, Table } from "antd";
import type { TableColumnsType } from "antd";
import { useDeferredValue, useState } from "react";
import { Link } from "react-router";
import { dateTime } from "@lineside/format/time.ts";
import { useLanguage } from "@lineside/ui/language.tsx";
import { useFile } from "../app/files.ts";
import { Problem } from "../app/Problem.tsx";
import { useMay, useZone } from "../app/queries.ts";
import { useNamed, useText } from "../app/words.ts";
import { firstRelease, ordersCsvPath, unknownShare, useKnownTimes, useOrders } from "./api.ts";
import type { OrderRow, OrderState } from "./api.ts";
import { CreateOrder } from "./CreateOrder.tsx";
import { OrderActs } from "./OrderActs.tsx";
import { EdgesCell, PageHead, ProgressCell, StateTag } from "./parts.tsx";

const FILTERS: readonly (OrderState | "")[] = ["", "created", "released", "held", "finished", "cancelled"];

export default function OrdersPage() {
  const text = useText();
  const named = useNamed();
  const { language } = useLanguage();
  const may = useMay();
  const { fetchFile, busy } = useFile();
  const zone = useZone();
  const [state, setState] = useState<OrderState | "">("");
  const [creating, setCreating] = useState(false);
  const [typed, setTyped] = useState("");
  const sought = useDeferredValue(typed.trim());
  const orders = useOrders({ state, sought });
  const rows = orders.data?.pages.flatMap((page) => page.items) ?? [];
  const times = useKnownTimes(may("figures.read"), firstRelease(rows));

  const columns: TableColumnsType<OrderRow> = [
    {
      title: text("orders.number"),
      dataIndex: "id",
      render: (id: string) => <Link to={`/orders/${encodeURIComponent(id)}`}>{id}</Link>,
    },
    { title: text("orders.item"), dataIndex: "item" },
    { title: text("orders.state"), dataIndex: "state", width: 110, render: (one: string) => <StateTag state={one} /> },
    { title: text("orders.progress"), key: "progress", width: 260, render: (_, row) => <ProgressCell order={row} unknown={times.data ? unknownShare(row, times.data) : 0} /> },
    { title: text("orders.priority"), dataIndex: "priority", width: 90, align: "right" },
    {
      title: text("orders.due"),
      dataIndex: "due_at",
      width: 170,
      render: (due: string | null) => (due ? dateTime(due, language, zone) : <span className="quiet">–</span>),
    },
    { title: text("orders.edges"), key: "edges", render: (_, row) => <EdgesCell order={row} /> },
    { title: text("orders.acts"), key: "acts", width: 150, fixed: "right", render: (_, row) => <OrderActs order={row} /> },
  ];

  return (
    <>
      <PageHead title={text("nav.orders")}>
        <Button loading={busy} onClick={() => fetchFile(ordersCsvPath({ state, sought }), "work-orders.csv")}>
          {text("csv")}
        </Button>
        {may("figures.read") && (
          <Button
            loading={busy}
            onClick={() => fetchFile("/api/v1/mes/production-report?by=order&format=csv", "production-report.csv")}
          >
            {text("figures.report_csv")}
          </Button>
        )}
        {may("orders.write") && (
          <Button type="primary" onClick={() => setCreating(true)}>
            {text("orders.create")}
          </Button>
        )}
      </PageHead>
      <div className="controls">
        <Input
          className="controls__text"
          allowClear
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
          placeholder={text("orders.filter")}
          aria-label={text("orders.filter_label")}
        />
        <Segmented<OrderState | "">
          aria-label={text("orders.state")}
          value={state}
          onChange={setState}
          options={FILTERS.map((one) => ({
            value: one,
            label: one === "" ? text("all") : named("order_state", one),
          }))}
        />
      </div>
      {orders.error && <Problem error={orders.error} again={() => void orders.refetch()} />}
      {orders.isPending && !orders.error ? (
        <Skeleton active paragraph={{ rows: 8 }} />
      ) : (
        <Table<OrderRow>
          rowKey="id"
          size="middle"
          columns={columns}
          dataSource={rows}
          pagination={false}
          scroll={{ x: 1100 }}
          locale={{ emptyText: <Empty description={text(sought || state ? "orders.none_found" : "orders.empty")} /> }}
        />
      )}
      {orders.hasNextPage && (
        <div className="more">
          <Button loading={orders.isFetchingNextPage} onClick={() => void orders.fetchNextPage()}>
            {text("more")}
          </Button>
        </div>
      )}
      {creating && <CreateOrder close={() => setCreating(false)} />}
    </>
  );
}
