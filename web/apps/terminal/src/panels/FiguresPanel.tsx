/** The shift in figures, with what is unknown beside them. */
import { decimalText, percentText, secondsText } from "@lineside/format/numbers.ts";
import { clockTime, durationText } from "@lineside/format/time.ts";
import { pick, useLanguage } from "@lineside/ui/language.tsx";
import { StateBar } from "@lineside/ui/StateBar.tsx";
import { useTerminal } from "../app/terminal.ts";
import { useText } from "../app/words.ts";

/** Whether a share is more than nothing at the precision that is shown. */
function shows(share: number | null): boolean {
  return (share ?? 0) >= 0.0005;
}

/** Right side of the screen. */
export function FiguresPanel() {
  const { view } = useTerminal();
  const text = useText();
  const { figures, shift } = view;
  return (
    <section className="panel figures" aria-label={text("figures.title")}>
      <h2 className="panel__title">
        {text("figures.title")}
        {shift && <span> · {shift.id}</span>}
      </h2>
      <p className="figures__oee">
        <strong>{percentText(figures.oee)}</strong>
        <span className="muted">
          % {figures.oee_target !== null && `/ ${percentText(figures.oee_target, 0)}`}
        </span>
      </p>
      {figures.provisional && <p className="figures__provisional">⚠ {text("figures.provisional")}</p>}
      <dl className="figures__list">
        <Row name={text("figures.availability")} value={percentText(figures.availability)} unit="%" />
        <Row name={text("figures.effectiveness")} value={percentText(figures.effectiveness)} unit="%" />
        <Row name={text("figures.quality")} value={percentText(figures.quality_ratio)} unit="%" />
        <Row name={text("figures.first_pass")} value={percentText(figures.first_pass_yield)} unit="%" />
        <Row
          name={text("figures.cycle")}
          value={`${secondsText(figures.cycle_s)} / ${secondsText(figures.ideal_cycle_s)}`}
        />
        <Row
          name={text("figures.good_scrap")}
          value={`${decimalText(figures.good)} / ${decimalText(figures.scrap)}`}
        />
        <Row
          name={text("figures.unknown")}
          value={percentText(figures.unknown_share)}
          unit="%"
          waiting={shows(figures.unknown_share)}
        />
        {shows(figures.unassigned_share) && (
          <Row name={text("figures.unassigned")} value={percentText(figures.unassigned_share)} unit="%" waiting />
        )}
        {shows(figures.spanned_share) && (
          <Row name={text("figures.spanned")} value={percentText(figures.spanned_share)} unit="%" waiting />
        )}
      </dl>
      <ShiftBar />
      <Unexplained />
      <Spanned />
    </section>
  );
}

function Row({ name, value, unit, waiting }: { name: string; value: string; unit?: string; waiting?: boolean }) {
  return (
    <div className={waiting ? "figures__row figures__row--waiting" : "figures__row"}>
      <dt>{name}</dt>
      <dd>
        {value}
        {unit && value !== "–" && ` ${unit}`}
      </dd>
    </div>
  );
}

function ShiftBar() {
  const { view } = useTerminal();
  const { language } = useLanguage();
  const text = useText();
  const first = view.segments[0];
  const last = view.segments[view.segments.length - 1];
  if (!first || !last) return null;
  const from = view.shift ? Date.parse(view.shift.start) : Date.parse(first.start);
  const until = Date.parse(last.end);
  const seconds = new Map<string, number>();
  for (const segment of view.segments) {
    const length = (Date.parse(segment.end) - Date.parse(segment.start)) / 1000;
    seconds.set(segment.category, (seconds.get(segment.category) ?? 0) + length);
  }
  const summary = [...seconds]
    .map(([category, length]) => `${text(`category.${category as (typeof first)["category"]}`)} ${durationText(length, language)}`)
    .join(", ");
  return (
    <div className="figures__bar">
      <StateBar
        from={from}
        until={until}
        summary={`${text("figures.bar")}: ${summary}`}
        spans={view.segments.map((segment) => ({
          start: Date.parse(segment.start),
          end: Date.parse(segment.end),
          category: segment.category,
          label: `${clockTime(segment.start, language, view.time_zone)} ${text(`category.${segment.category}`)}`,
        }))}
      />
      <p className="figures__ends">
        <span>{clockTime(from * 1000, language, view.time_zone)}</span>
        <span>{clockTime(until * 1000, language, view.time_zone)}</span>
      </p>
    </div>
  );
}

function Spanned() {
  const { view, open } = useTerminal();
  const text = useText();
  const waiting = view.spanned.filter((one) => one.pieces_before === null);
  if (waiting.length === 0) return null;
  const pieces = waiting.reduce((sum, one) => sum + Number(one.pieces), 0);
  return (
    <button type="button" className="unexplained" onClick={() => open({ name: "split" })}>
      <span>{text("split.waiting", { count: waiting.length })}</span>
      <strong>{text("split.pieces", { pieces: decimalText(String(pieces)) })}</strong>
    </button>
  );
}

function Unexplained() {
  const { view, open, texts } = useTerminal();
  const { language } = useLanguage();
  const text = useText();
  const stops = view.unexplained;
  const latest = stops[stops.length - 1];
  if (!latest) return null;
  const command = texts.commands.find((known) => known.kind === "reason");
  return (
    <button type="button" className="unexplained" onClick={() => open({ name: "reason" })}>
      <span>{text("stops.unexplained", { count: stops.length })}</span>
      <strong>
        {clockTime(latest.start, language, view.time_zone)} –{" "}
        {latest.end ? clockTime(latest.end, language, view.time_zone) : text("stops.lasting")} ·{" "}
        {durationText(latest.duration_s, language)}
      </strong>
      <span className="visually-hidden">{pick(language, command?.label.zh, command?.label.en)}</span>
    </button>
  );
}
