/** The order on the station, and what waits. */
import { decimalText, quantityText } from "@lineside/format/numbers.ts";
import { pick, useLanguage } from "@lineside/ui/language.tsx";
import type { Job, OrderRow } from "@lineside/client/edge.ts";
import { lookOf, SHAPES } from "@lineside/ui/states.ts";
import { useSay, useTerminal } from "../app/terminal.ts";
import { useText } from "../app/words.ts";

/** Left side of the screen. */
export function OrderPanel() {
  const { view } = useTerminal();
  const text = useText();
  return (
    <section className="panel orders" aria-label={text("orders.current")}>
      <MachineLine />
      <h2 className="panel__title">{text("orders.current")}</h2>
      {view.jobs.length === 0 && <p className="orders__none">{text("orders.none")}</p>}
      {view.jobs.map((job) => (
        <JobCard key={`${job.booking}-${job.order}-${job.operation}`} job={job} />
      ))}
      <h2 className="panel__title orders__waiting">{text("orders.waiting")}</h2>
      {view.orders.length === 0 && <p className="muted">{text("orders.none_waiting")}</p>}
      <ul className="orders__list">
        {view.orders.map((row) => (
          <li key={`${row.order}-${row.operation}`}>
            <WaitingOrder row={row} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function MachineLine() {
  const { view, open } = useTerminal();
  const text = useText();
  const { state, detail, connected } = view.machine;
  const look = connected ? lookOf(state) : "unknown";
  const words = (
    <>
      <span className={`state-word state-word--${look}`}>
        <span aria-hidden="true">{SHAPES[look]}</span> {text(`state.${connected ? state : "LOST"}`)}
      </span>
      {detail && <span className="muted">{detail}</span>}
    </>
  );
  if (view.state_from !== "acts") return <p className="machine">{words}</p>;
  return (
    <button type="button" className="machine machine--button" onClick={() => open({ name: "state" })}>
      {words}
    </button>
  );
}

function JobCard({ job }: { job: Job }) {
  const { view, open } = useTerminal();
  const { language } = useLanguage();
  const text = useText();
  const say = useSay();
  const planned = job.planned === null ? null : Number(job.planned);
  const done = planned ? Math.min(1, Number(job.good) / planned) : 0;
  return (
    <div className="job">
      <p className="job__order">{job.order}</p>
      <p className="job__what">
        {say(job.item_name) || job.item} · {job.operation} {say(job.operation_name)}
        {job.activity !== "production" && ` · ${text(`activity.${job.activity}`)}`}
      </p>
      {planned !== null && (
        <div className="progress" aria-hidden="true">
          <div className="progress__done" style={{ width: `${done * 100}%` }} />
        </div>
      )}
      <p className="job__count">
        <strong>{decimalText(job.good)}</strong>
        <span className="muted">
          {job.planned !== null && `/ ${quantityText(job.planned, job.unit, language)} · `}
          {text("job.scrap", { count: decimalText(job.scrap) })}
        </span>
      </p>
      <div className="job__acts">
        {(job.first_piece === "needed" || job.first_piece === "presented") && (
          <button
            type="button"
            className="button button--waiting"
            onClick={() => open({ name: "first_piece", order: job.order, operation: job.operation })}
          >
            {text(`first_piece.${job.first_piece}`)}
          </button>
        )}
        {job.first_piece === "released" && <span className="pill">{text("first_piece.released")}</span>}
        {(view.counts_from === "declaration" || view.counts_from === "scale") && (
          <button type="button" className="button" onClick={() => open({ name: "declare" })}>
            {text("declare.title")}
          </button>
        )}
      </div>
    </div>
  );
}

function WaitingOrder({ row }: { row: OrderRow }) {
  const { open } = useTerminal();
  const { language } = useLanguage();
  const text = useText();
  const say = useSay();
  const held = row.held || row.state === "held";
  return (
    <button
      type="button"
      className="order-row"
      disabled={held}
      onClick={() => open({ name: "start", order: row.order, operation: row.operation })}
    >
      <span className="order-row__top">
        <span className="order-row__number">{row.order}</span>
        {row.urgent && <b className="order-row__urgent">{text("orders.urgent")}</b>}
        {row.state === "paused" && <span className="muted">{text("orders.paused")}</span>}
      </span>
      <span className={held ? "order-row__held" : "muted"}>
        {held
          ? `✕ ${pick(language, row.reason.zh, row.reason.en) || text("orders.held")}`
          : `${say(row.item_name) || row.item} · ${quantityText(row.planned, row.unit, language)}`}
      </span>
    </button>
  );
}
