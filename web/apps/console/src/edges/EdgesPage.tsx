/** Edges: which configuration each really runs, and what became of the one that was sent. */
import { Empty, Skeleton, Table } from "antd";
import type { TableColumnsType } from "antd";
import { Link } from "react-router";
import "../styles/edges.css";
import { Problem } from "../app/Problem.tsx";
import { useText } from "../app/words.ts";
import { PageHead } from "../orders/parts.tsx";
import { useEdges } from "./api.ts";
import type { EdgeStanding } from "./api.ts";
import { Runs, useMoment, VersionState } from "./parts.tsx";

export default function EdgesPage() {
  const text = useText();
  const at = useMoment();
  const edges = useEdges();
  const columns: TableColumnsType<EdgeStanding> = [
    {
      title: text("config.edge"),
      key: "edge",
      render: (_, edge) => (
        <>
          <Link to={`/edges/${encodeURIComponent(edge.edge)}`}>
            <b>{edge.edge}</b>
          </Link>
          <br />
          <span className="quiet">{edge.revoked ? text("config.revoked") : edge.name}</span>
        </>
      ),
    },
    { title: text("config.runs"), key: "runs", render: (_, edge) => <Runs running={edge.running} /> },
    {
      title: text("config.wanted"),
      key: "wanted",
      render: (_, { wanted }) =>
        wanted ? (
          <div className="config__wanted">
            <span>
              <b>{text("config.version_n", { version: wanted.version })}</b> <VersionState state={wanted.state} />
            </span>
            {wanted.reason && <span className="config__reason">{wanted.reason}</span>}
            {wanted.note && <span className="quiet">{wanted.note}</span>}
          </div>
        ) : (
          <span className="quiet">{text("config.never_sent")}</span>
        ),
    },
    {
      title: text("config.newest"),
      key: "newest",
      render: (_, edge) =>
        edge.newest > (edge.wanted?.version ?? 0) ? (
          <span>
            {text("config.version_n", { version: edge.newest })} <VersionState state="draft" />
          </span>
        ) : (
          "–"
        ),
    },
    { title: text("config.heard"), key: "heard", render: (_, edge) => (edge.heard_at ? at(edge.heard_at) : "–") },
  ];
  return (
    <>
      <PageHead title={text("nav.edges")} />
      {edges.error && <Problem error={edges.error} again={() => void edges.refetch()} />}
      {edges.isPending && !edges.error ? (
        <Skeleton active paragraph={{ rows: 6 }} />
      ) : (
        <Table<EdgeStanding>
          rowKey="edge"
          size="middle"
          columns={columns}
          dataSource={edges.data ?? []}
          pagination={false}
          scroll={{ x: 820 }}
          locale={{ emptyText: <Empty description={text("config.no_edges")} /> }}
        />
      )}
    </>
  );
}
