/** What is in a carrier now; the way in and out stands in its life beside it. */
import { Card, Table } from "antd";
import type { TableColumnsType } from "antd";
import { Link } from "react-router";
import { quantityText } from "@lineside/format/numbers.ts";
import { clockTime } from "@lineside/format/time.ts";
import { useLanguage } from "@lineside/ui/language.tsx";
import { Problem } from "../app/Problem.tsx";
import { useZone } from "../app/queries.ts";
import { useNamed, useText } from "../app/words.ts";
import { traceAddress, useCarrier } from "./api.ts";
import type { Content } from "./api.ts";

const ROWS_SHOWN = 50;

export function Contents({ carrier }: { carrier: string }) {
  const text = useText();
  const named = useNamed();
  const { language } = useLanguage();
  const zone = useZone();
  const found = useCarrier(carrier);
  const contents = found.data?.contents ?? [];
  const columns: TableColumnsType<Content> = [
    { title: text("carrier.number"), dataIndex: "id", render: (id: string, row) => <Link to={traceAddress(row)}>{id}</Link> },
    { title: text("trace.kind"), dataIndex: "kind", render: (kind: string) => named("thing", kind) },
    { title: text("trace.item"), dataIndex: "item" },
    {
      title: text("carrier.quantity"),
      dataIndex: "quantity",
      align: "right",
      render: (quantity: string, row) => quantityText(quantity, row.unit, language),
    },
    {
      title: text("trace.order"),
      dataIndex: "order",
      render: (order: string) =>
        order ? <Link to={`/orders/${encodeURIComponent(order)}`}>{order}</Link> : <span className="quiet">–</span>,
    },
  ];
  if (found.error) return <Problem error={found.error} again={() => void found.refetch()} />;
  return (
    <Card
      size="small"
      className="trace__genealogy"
      loading={found.isPending}
      title={text("carrier.contents", { count: contents.length })}
      extra={
        found.data && (
          <span className="quiet">
            {text("known.as_of", { time: clockTime(found.data.as_of, language, zone, true) })}
          </span>
        )
      }
    >
      <Table<Content>
        rowKey={(row) => `${row.kind}-${row.item}-${row.id}-${row.issuer}`}
        size="small"
        columns={columns}
        dataSource={contents}
        scroll={{ x: "max-content" }}
        pagination={contents.length > ROWS_SHOWN && { pageSize: ROWS_SHOWN, showSizeChanger: false }}
        locale={{ emptyText: text("carrier.empty") }}
      />
    </Card>
  );
}
