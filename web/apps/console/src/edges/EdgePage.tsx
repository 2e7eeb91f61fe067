/** One edge: what it runs, its versions, and the text of one of them. */
import { Button, Card, Descriptions, Empty, Popconfirm, Skeleton, Space, Table } from "antd";
import type { TableColumnsType } from "antd";
import { useState } from "react";
import { Link, useParams } from "react-router";
import "../styles/edges.css";
import { Problem } from "../app/Problem.tsx";
import { useMay } from "../app/queries.ts";
import { useText } from "../app/words.ts";
import { PageHead } from "../orders/parts.tsx";
import { useEdges, useVersions } from "./api.ts";
import type { EdgeStanding, Version } from "./api.ts";
import { CopyDialog, DifferenceDialog, SendDialog } from "./Dialogs.tsx";
import { Editor } from "./Editor.tsx";
import { Progress, Runs, useMoment, VersionState } from "./parts.tsx";

type Asked = { kind: "send" | "copy" | "difference"; version: number } | null;

export default function EdgePage() {
  const { edge = "" } = useParams();
  const text = useText();
  const edges = useEdges();
  const head = (
    <PageHead
      title={
        <>
          <Link to="/edges">{text("nav.edges")}</Link> / {edge}
        </>
      }
    />
  );
  const standing = edges.data?.find((one) => one.edge === edge);
  return (
    <>
      {head}
      {edges.error && <Problem error={edges.error} again={() => void edges.refetch()} />}
      {edges.isPending && !edges.error && <Skeleton active paragraph={{ rows: 10 }} />}
      {edges.data && !standing && <Empty description={text("config.no_edge", { edge })} />}
      {standing && <OneEdge key={edge} standing={standing} />}
    </>
  );
}

function OneEdge({ standing }: { standing: EdgeStanding }) {
  const text = useText();
  const at = useMoment();
  const [asked, setAsked] = useState<Asked>(null);
  // Until somebody chooses, the version that was newest when the page was opened is shown.
  const [base, setBase] = useState(standing.newest);
  const { edge, wanted } = standing;
  const close = () => setAsked(null);
  return (
    <>
      {wanted && <Progress edge={standing} wanted={wanted} />}
      <Card className="block">
        <Descriptions
          size="small"
          column={{ xs: 1, md: 3 }}
          items={[
            { key: "runs", label: text("config.runs"), children: <Runs running={standing.running} /> },
            {
              key: "wanted",
              label: text("config.wanted"),
              children: wanted ? (
                <span>
                  <b>{text("config.version_n", { version: wanted.version })}</b> <VersionState state={wanted.state} />
                </span>
              ) : (
                <span className="quiet">{text("config.never_sent")}</span>
              ),
            },
            {
              key: "heard",
              label: text("config.heard"),
              children: standing.heard_at ? at(standing.heard_at) : "–",
            },
          ]}
        />
      </Card>
      <Editor
        edge={edge}
        base={base}
        saved={(version, send) => {
          setBase(version);
          if (send) setAsked({ kind: "send", version });
        }}
      />
      <Versions standing={standing} base={base} open={setBase} ask={setAsked} />
      {asked?.kind === "send" && (
        <SendDialog edge={edge} version={asked.version} seen={wanted?.version ?? 0} close={close} />
      )}
      {asked?.kind === "copy" && <CopyDialog edge={edge} version={asked.version} close={close} />}
      {asked?.kind === "difference" && <DifferenceDialog edge={edge} version={asked.version} close={close} />}
    </>
  );
}

interface VersionsProps {
  standing: EdgeStanding;
  base: number;
  open: (version: number) => void;
  ask: (asked: Asked) => void;
}

function Versions({ standing, base, open, ask }: VersionsProps) {
  const text = useText();
  const may = useMay();
  const at = useMoment();
  const moving = standing.wanted?.state === "sent" || standing.wanted?.state === "trial";
  const versions = useVersions(standing.edge, moving);
  const columns: TableColumnsType<Version> = [
    {
      title: text("config.version"),
      key: "version",
      render: (_, row) => (
        <>
          <b>{row.version}</b> <code className="hash">{row.content_hash.slice(0, 10)}</code>
        </>
      ),
    },
    {
      title: text("config.state"),
      key: "state",
      render: (_, row) => (
        <div className="config__wanted">
          <span>
            <VersionState state={row.state} /> <span className="quiet">{at(row.since)}</span>
          </span>
          {row.reason && <span className="config__reason">{row.reason}</span>}
        </div>
      ),
    },
    {
      title: text("config.note"),
      key: "note",
      render: (_, row) => (
        <>
          {row.note}
          {row.source && <span className="quiet"> {text("config.source", { source: row.source })}</span>}
        </>
      ),
    },
    { title: text("config.author"), key: "author", render: (_, row) => `${row.author}, ${at(row.created_at)}` },
    {
      title: text("orders.acts"),
      key: "acts",
      render: (_, row) => (
        <Acts {...{ standing, row, base, open, ask }} admin={may("edges.admin")} />
      ),
    },
  ];
  return (
    <Card size="small" className="block" title={text("config.versions")}>
      {versions.error && <Problem error={versions.error} again={() => void versions.refetch()} />}
      {versions.isPending && !versions.error ? (
        <Skeleton active paragraph={{ rows: 3 }} />
      ) : (
        <Table<Version>
          rowKey="version"
          size="small"
          columns={columns}
          dataSource={versions.data?.pages.flatMap((page) => page.items) ?? []}
          pagination={false}
          scroll={{ x: 860 }}
          rowClassName={(row) => (row.version === base ? "config__shown" : "")}
          locale={{ emptyText: <Empty description={text("config.no_versions")} /> }}
        />
      )}
      {versions.hasNextPage && (
        <div className="more">
          <Button onClick={() => void versions.fetchNextPage()}>{text("more")}</Button>
        </div>
      )}
    </Card>
  );
}

function Acts({ standing, row, base, open, ask, admin }: VersionsProps & { row: Version; admin: boolean }) {
  const text = useText();
  const { version, state } = row;
  const label = (word: string) => `${word} ${version}`;
  const onItsWay = version === standing.wanted?.version && ["sent", "trial", "running"].includes(state);
  const openIt = (
    <Button
      size="small"
      disabled={version === base}
      aria-label={label(text("config.open"))}
      onClick={admin ? undefined : () => open(version)}
    >
      {text("config.open")}
    </Button>
  );
  return (
    <Space wrap size={4}>
      {admin && version !== base ? (
        <Popconfirm title={text("config.open_hint")} okText={text("config.open")} onConfirm={() => open(version)}>
          {openIt}
        </Popconfirm>
      ) : (
        openIt
      )}
      <Button
        size="small"
        aria-label={label(text("config.difference"))}
        onClick={() => ask({ kind: "difference", version })}
      >
        {text("config.difference")}
      </Button>
      {admin && (
        <Button size="small" aria-label={label(text("config.copy"))} onClick={() => ask({ kind: "copy", version })}>
          {text("config.copy")}
        </Button>
      )}
      {admin && !onItsWay && !standing.revoked && (
        <Button size="small" aria-label={label(text("config.send"))} onClick={() => ask({ kind: "send", version })}>
          {text(state === "draft" ? "config.send" : "config.send_again")}
        </Button>
      )}
    </Space>
  );
}
