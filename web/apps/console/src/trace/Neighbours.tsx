/** What was made beside this unit: from one bad piece to what else may be bad. */
import { Card, Segmented, Table } from "antd";
import type { TableColumnsType } from "antd";
import { useState } from "react";
import { Link } from "react-router";
import { dateTime, durationText, millis } from "@lineside/format/time.ts";
import { useLanguage } from "@lineside/ui/language.tsx";
import { Problem } from "../app/Problem.tsx";
import { usePrinting } from "../app/printing.ts";
import { useZone } from "../app/queries.ts";
import { useNamed, useText } from "../app/words.ts";
import { StateTag } from "../orders/parts.tsx";
import { useNames } from "../people/names.ts";
import { traceAddress, useNeighbours } from "./api.ts";
import type { Beside, Companions, Neighbour, Thing } from "./api.ts";

const RESULTS: Record<string, [look: string, shape: string]> = {
  pass: ["running", "✓"],
  fail: ["failure", "✕"],
  rework: ["waiting", "↻"],
};

export function Neighbours({ thing }: { thing: Thing }) {
  const text = useText();
  const printing = usePrinting();
  const neighbours = useNeighbours(thing);
  const [chosen, setChosen] = useState<number | null>(null);
  const beside = neighbours.data?.beside ?? [];
  const companions = (neighbours.data?.companions ?? []).filter((one) => one.count > 0);
  const shown = chosen ?? beside.length - 1;
  if (neighbours.error) return <Problem error={neighbours.error} again={() => void neighbours.refetch()} />;
  return (
    <Card
      size="small"
      className="block neighbours"
      loading={neighbours.isPending}
      title={text("near.title")}
      extra={
        beside.length > 1 &&
        !printing && (
          <Segmented<number>
            aria-label={text("station")}
            value={shown}
            onChange={setChosen}
            options={beside.map((one, index) => ({ value: index, label: placeOf(one, beside) }))}
          />
        )
      }
    >
      {beside.length === 0 && <p className="note">{text("near.none")}</p>}
      {beside.map((one, index) =>
        printing || index === shown ? <Station key={index} beside={one} thing={thing} title={printing ? placeOf(one, beside) : ""} /> : null,
      )}
      {companions.length > 0 && (
        <ul className="companions">
          {companions.map((one) => (
            <Companion key={`${one.what}-${one.item}-${one.id}-${one.issuer}`} group={one} />
          ))}
        </ul>
      )}
    </Card>
  );
}

/** `60 · test-60`, and `(2)` for its second attempt there. */
function placeOf(one: Beside, all: readonly Beside[]): string {
  const same = all.filter((other) => other.station === one.station && other.operation === one.operation);
  const place = [one.operation, one.station].filter(Boolean).join(" · ");
  return same.length > 1 ? `${place} (${same.indexOf(one) + 1})` : place;
}

type Row = Neighbour & { own: boolean };

function Station({ beside, thing, title }: { beside: Beside; thing: Thing; title: string }) {
  const text = useText();
  const named = useNamed();
  const people = useNames();
  const { language } = useLanguage();
  const zone = useZone();
  const self: Row = {
    ...thing,
    order: beside.order,
    operation: beside.operation,
    started_at: null,
    finished_at: beside.finished_at,
    result: "",
    by: [],
    shares: [],
    own: true,
  };
  const other = (one: Neighbour): Row => ({ ...one, own: false });
  const rows = [...beside.before.map(other).reverse(), self, ...beside.after.map(other)];
  const distance = (row: Row) => {
    const seconds = (millis(row.finished_at) - millis(beside.finished_at)) / 1000;
    const length = durationText(Math.abs(seconds), language);
    return text(seconds < 0 ? "near.earlier" : "near.later", { length });
  };
  const columns: TableColumnsType<Row> = [
    {
      title: text("trace.finished"),
      key: "at",
      width: 260,
      render: (_, row) => (
        <>
          {dateTime(row.finished_at, language, zone)} {!row.own && <span className="quiet">{distance(row)}</span>}
        </>
      ),
    },
    {
      title: text("near.unit"),
      key: "unit",
      render: (_, row) =>
        row.own ? (
          <b>
            {row.id} <span className="quiet">{text("near.this")}</span>
          </b>
        ) : (
          <Link to={traceAddress({ ...row, kind: "unit" })}>{row.id}</Link>
        ),
    },
    { title: text("trace.item"), dataIndex: "item" },
    {
      title: text("trace.result"),
      key: "result",
      width: 110,
      render: (_, row) => {
        const [look, shape] = RESULTS[row.result] ?? ["neutral", "●"];
        return row.own ? null : <StateTag state={named("result", row.result)} look={look} shape={shape} />;
      },
    },
    { title: text("trace.order"), dataIndex: "order" },
    {
      title: text("near.shares"),
      key: "shares",
      render: (_, row) => (
        <span className="shares">
          {row.shares
            .filter((one) => one.what !== "order")
            .map((one) => (
              <span key={`${one.what}-${one.id}`} className="state-tag">
                {named("near", one.what)} {one.what === "person" ? people([one.id]) : one.id}
              </span>
            ))}
        </span>
      ),
    },
  ];
  return (
    <>
      {title && <h3 className="trace__sub">{title}</h3>}
      {beside.tools.length > 0 && (
        <p className="note">
          {text("trace.tools")}: {beside.tools.join(" → ")}
        </p>
      )}
      <Table<Row>
        size="small"
        rowKey={(row) => `${row.item}-${row.id}-${row.issuer}-${row.finished_at}-${row.own}`}
        rowClassName={(row) => (row.own ? "neighbours__own" : "")}
        columns={columns}
        dataSource={rows}
        pagination={false}
        scroll={{ x: 820 }}
      />
    </>
  );
}

function Companion({ group }: { group: Companions }) {
  const text = useText();
  const named = useNamed();
  const head = `${named("near", group.what)} ${group.id}`;
  return (
    <li>
      <b>
        {group.what === "lot" ? (
          <Link to={traceAddress({ kind: "lot", item: group.item, id: group.id, issuer: group.issuer })}>{head}</Link>
        ) : (
          head
        )}
      </b>{" "}
      {!group.certain && <span className="state-tag state-tag--unknown">{text("trace.one_of_these")}</span>}{" "}
      <span className="quiet">{text("near.others", { count: group.count })}</span>
      <span className="companions__units">
        {group.units.map(({ item, id, issuer }) => (
          <Link key={`${item}-${id}-${issuer}`} to={traceAddress({ kind: "unit", item, id, issuer })}>
            {id}
          </Link>
        ))}
        {group.count > group.units.length && <span>{text("trace.more", { count: group.count - group.units.length })}</span>}
      </span>
    </li>
  );
}
