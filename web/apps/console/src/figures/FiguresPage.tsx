/** OEE and yields, with what is unknown beside them, and every figure open to what it is made of. */
import { Button, Card, DatePicker, Empty, Segmented, Select, Skeleton, Table } from "antd";
import type { TableColumnsType } from "antd";
import dayjs from "dayjs";
import type { Dayjs } from "dayjs";
import { useState } from "react";
import { decimalText, percentText } from "@lineside/format/numbers.ts";
import { clockTime, dateTime, isoDate, wallTime } from "@lineside/format/time.ts";
import { useLanguage } from "@lineside/ui/language.tsx";
import { StateSwatch } from "@lineside/ui/StateBar.tsx";
import type { MachineLook } from "@lineside/ui/states.ts";
import { useFile } from "../app/files.ts";
import { Problem } from "../app/Problem.tsx";
import { useZone } from "../app/queries.ts";
import { useText } from "../app/words.ts";
import { useStations } from "../orders/api.ts";
import { PageHead } from "../orders/parts.tsx";
import { csvPath, GROUPINGS, reportPath, useKpi } from "./api.ts";
import type { Group, Grouping, Kpi, Question, Ratio } from "./api.ts";
import { Opened } from "./Opened.tsx";
import { TimeBar } from "./TimeBar.tsx";

type Span = "today" | "yesterday" | "week" | "own";
const DAY_MS = 86_400_000;
const LOOKS: readonly MachineLook[] = ["running", "setup", "planned", "waiting", "failure", "unknown"];

/** The span as moments; days begin at midnight of the site. */
function spanOf(span: Span, own: [Dayjs, Dayjs] | null, zone: string | undefined): { from: string; to: string } {
  const midnight = (daysAgo: number) =>
    wallTime(isoDate((Date.now() - daysAgo * DAY_MS) * 1000, zone), "00:00", zone).toISOString();
  if (span === "own" && own) return { from: own[0].toISOString(), to: own[1].toISOString() };
  if (span === "yesterday") return { from: midnight(1), to: midnight(0) };
  return { from: midnight(span === "week" ? 6 : 0), to: "" };
}

export default function FiguresPage() {
  const text = useText();
  const zone = useZone();
  const { fetchFile, busy } = useFile();
  const stations = useStations();
  const [span, setSpan] = useState<Span>("today");
  const [own, setOwn] = useState<[Dayjs, Dayjs] | null>(null);
  const [by, setBy] = useState<Grouping[]>(["machine"]);
  const [line, setLine] = useState("");
  const [asOf, setAsOf] = useState<Dayjs | null>(null);
  const question: Question = { ...spanOf(span, own, zone), by, line, asOf: asOf?.toISOString() ?? "" };
  const kpi = useKpi(question);
  const lines = [...new Set(stations.data?.items.map((one) => one.line).filter(Boolean))];

  return (
    <>
      <PageHead title={text("nav.figures")}>
        {kpi.data && <Known kpi={kpi.data} at={kpi.dataUpdatedAt} />}
        <Button loading={busy} onClick={() => fetchFile(csvPath(question), "kpi.csv")}>
          {text("csv")}
        </Button>
        <Button loading={busy} onClick={() => fetchFile(reportPath(question), "production-report.csv")}>
          {text("figures.report_csv")}
        </Button>
      </PageHead>
      <div className="controls">
        <Segmented<Span>
          aria-label={text("figures.span")}
          value={span}
          onChange={(next) => {
            setSpan(next);
            if (next === "own" && !own) setOwn([dayjs().startOf("day"), dayjs()]);
          }}
          options={(["today", "yesterday", "week", "own"] as const).map((one) => ({
            value: one,
            label: text(`figures.${one}`),
          }))}
        />
        {span === "own" && (
          <DatePicker.RangePicker
            showTime={{ format: "HH:mm" }}
            allowClear={false}
            value={own}
            onChange={(chosen) => {
              if (chosen?.[0] && chosen[1]) setOwn([chosen[0], chosen[1]]);
            }}
          />
        )}
        <Select<Grouping[]>
          mode="multiple"
          className="controls__by"
          aria-label={text("figures.by")}
          value={by}
          onChange={(next) => setBy(next.length > 0 ? next : ["machine"])}
          options={GROUPINGS.map((one) => ({ value: one, label: text(`by.${one}`) }))}
          prefix={<span className="quiet">{text("figures.by")}</span>}
        />
        <Select
          className="controls__line"
          aria-label={text("by.line")}
          value={line}
          onChange={setLine}
          options={[{ value: "", label: text("figures.all_lines") }, ...lines.map((one) => ({ value: one, label: one }))]}
        />
        <DatePicker
          className="controls__known"
          showTime={{ format: "HH:mm" }}
          placeholder={text("figures.as_of")}
          aria-label={text("figures.as_of")}
          value={asOf}
          onChange={setAsOf}
        />
      </div>
      <p className="legend">
        {LOOKS.map((look) => (
          <span key={look}>
            <StateSwatch look={look} /> {text(`look.${look}`)}
          </span>
        ))}
      </p>
      {kpi.error && <Problem error={kpi.error} again={() => void kpi.refetch()} />}
      {kpi.isPending && !kpi.error && <Skeleton active paragraph={{ rows: 8 }} />}
      {kpi.data && <Groups kpi={kpi.data} />}
    </>
  );
}

/** Up to where the figures know. */
function Known({ kpi, at }: { kpi: Kpi; at: number }) {
  const text = useText();
  const { language } = useLanguage();
  return (
    <span className="quiet">
      {kpi.pooled && <span className="state-tag">{text("figures.pooled")}</span>}{" "}
      {kpi.known.map((edge) => `${edge.edge} #${edge.seq}`).join(" · ")} ·{" "}
      {kpi.as_of
        ? text("known.as_of", { time: dateTime(kpi.as_of, language, kpi.time_zone) })
        : text("known.as_of", { time: clockTime(at * 1000, language, kpi.time_zone, true) })}
    </span>
  );
}

function Groups({ kpi }: { kpi: Kpi }) {
  const text = useText();
  const percent = (name: string) => (_: unknown, group: Group) => <Percent ratio={group.kpis[name]} />;
  const columns: TableColumnsType<Group> = [
    ...kpi.by.map((word) => ({
      title: text(`by.${word as Grouping}`),
      key: `key-${word}`,
      render: (_: unknown, group: Group) => <b>{group.group[word] || "–"}</b>,
    })),
    {
      title: "OEE",
      key: "oee",
      align: "right",
      render: (_, group) => (
        <>
          <b className="oee">
            <Percent ratio={group.kpis["oee"]} />
          </b>
          {group.scope !== "unit" && (
            <span className="state-tag">{text(group.scope === "pooled" ? "figures.pooled" : "figures.pacing")}</span>
          )}
        </>
      ),
    },
    { title: text("kpi.availability"), key: "availability", align: "right", render: percent("availability") },
    { title: text("kpi.effectiveness"), key: "effectiveness", align: "right", render: percent("effectiveness") },
    { title: text("kpi.quality_ratio"), key: "quality", align: "right", render: percent("quality_ratio") },
    { title: text("kpi.first_pass_yield"), key: "fpy", align: "right", render: percent("first_pass_yield") },
    {
      title: text("figures.unknown"),
      key: "unknown",
      align: "right",
      render: (_, group) => <Share ratio={group.shares["unknown"]} />,
    },
    {
      title: text("figures.unassigned"),
      key: "unassigned",
      align: "right",
      render: (_, group) => <Share ratio={group.shares["unassigned"]} />,
    },
    {
      title: text("figures.good_scrap"),
      key: "pieces",
      align: "right",
      render: (_, group) => `${decimalText(group.elements["GQ"])} / ${decimalText(group.elements["SQ"])}`,
    },
    { title: text("figures.time"), key: "time", width: 240, render: (_, group) => <TimeBar group={group} /> },
  ];
  return (
    <Card size="small">
      <Table<Group>
        rowKey="key"
        size="middle"
        columns={columns}
        dataSource={kpi.rows}
        pagination={{ pageSize: 50, hideOnSinglePage: true, showSizeChanger: false }}
        scroll={{ x: 1080 }}
        expandable={{
          columnTitle: <span className="visually-hidden">{text("open")}</span>,
          expandedRowRender: (group) => <Opened group={group} zone={kpi.time_zone} /> }}
        locale={{ emptyText: <Empty description={text("figures.empty")} /> }}
      />
      <p className="quiet note">{text("figures.open")}</p>
    </Card>
  );
}

function Percent({ ratio }: { ratio: Ratio | null | undefined }) {
  if (!ratio) return <span className="quiet">–</span>;
  return (
    <span title={ratio.fraction}>
      {percentText(ratio.value)} <span className="quiet">%</span>
    </span>
  );
}

/** A share that stands beside OEE; above zero it is marked as unknown is. */
function Share({ ratio }: { ratio: Ratio | null | undefined }) {
  if (!ratio) return <span className="quiet">–</span>;
  const shown = `${percentText(ratio.value)} %`;
  return ratio.value > 0 ? <span className="state-tag state-tag--unknown">{shown}</span> : <span>{shown}</span>;
}
