/** One station: what it does now, since when, why, and how far its order is. */
import type { BoardStation } from "@lineside/client/edge.ts";
import { decimalText, percentText } from "@lineside/format/numbers.ts";
import { durationText } from "@lineside/format/time.ts";
import { pick, useLanguage } from "@lineside/ui/language.tsx";
import { SHAPES } from "@lineside/ui/states.ts";
import { useNamed, useText } from "./words.ts";

interface Props {
  station: BoardStation;
  /** Business time, milliseconds. */
  now: number;
  /** The figures are old: nobody knows what it does now. */
  unsure: boolean;
}

export function StationCard({ station, now, unsure }: Props) {
  const text = useText();
  const named = useNamed();
  const { language } = useLanguage();
  const look = unsure ? "unknown" : station.look;
  const word = unsure
    ? text("state.UNKNOWN")
    : station.look === "planned"
      ? text("state.planned")
      : named("state", station.state);
  const lasts = station.since ? durationText(Math.max(0, now - Date.parse(station.since)) / 1000, language) : "";
  const reason = pick(language, station.reason.zh, station.reason.en);
  const unknown = station.unknown_share ?? 0;
  const planned = station.planned === null ? null : Number(station.planned);
  const done = planned ? Math.min(1, Number(station.good) / planned) : 0;
  return (
    <article className={`station station--${look}`}>
      <i className={`station__edge state-fill--${look}`} aria-hidden="true" />
      <div className="station__inside">
        <h2>{pick(language, station.name.zh, station.name.en) || station.id}</h2>
        <p className={`station__state state-text--${look}`}>
          <span aria-hidden="true">{SHAPES[look]}</span> {word}
          {look !== "running" && lasts && !unsure && <span className="station__since"> {lasts}</span>}
        </p>
        <p className="station__why">
          {!unsure && (reason || (station.asks ? <span className="unknown">{text("reason.none")}</span> : ""))}
        </p>
        <p className="station__count">
          <strong>{station.order ? decimalText(station.good) : "–"}</strong>
          {planned !== null && <span> / {decimalText(station.planned)}</span>}
        </p>
        <div className="station__bar" aria-hidden="true">
          <div style={{ width: `${done * 100}%` }} />
        </div>
        <div className="station__foot">
          <p className="station__order">
            {station.order ? (
              <>
                {station.order} <span>{pick(language, station.item.zh, station.item.en)}</span>
              </>
            ) : (
              text("order.none")
            )}
          </p>
          <p className="station__oee">
            {text("oee")} {percentText(station.oee, 0)}
            {station.oee !== null && " %"}
            {unknown >= 0.005 && (
              <span className="unknown">
                {" "}
                <i className="state-swatch state-fill--unknown" aria-hidden="true" />{" "}
                {text("unknown", { share: percentText(unknown, 0) })}
              </span>
            )}
          </p>
        </div>
      </div>
    </article>
  );
}
