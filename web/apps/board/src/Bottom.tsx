/** What stopped the line in this shift, who is called, and whether central is there. */
import type { BoardView } from "@lineside/client/edge.ts";
import { clockTime, durationText } from "@lineside/format/time.ts";
import { pick, useLanguage } from "@lineside/ui/language.tsx";
import { useNamed, useText } from "./words.ts";

const STOPS_SHOWN = 4;
const CALLS_SHOWN = 3;

interface Props {
  view: BoardView;
  /** Business time, milliseconds. */
  now: number;
}

export function Bottom({ view, now }: Props) {
  return (
    <section className="bottom">
      <Stops view={view} />
      <Calls view={view} now={now} />
      <Links view={view} now={now} />
    </section>
  );
}

function Stops({ view }: { view: BoardView }) {
  const text = useText();
  const { language } = useLanguage();
  const longest = Math.max(1, ...view.stops.map((stop) => stop.seconds));
  return (
    <section className="panel stops">
      <h2>{text("stops")}</h2>
      {view.stops.length === 0 && <p className="quiet">{text("stops.none")}</p>}
      <ol>
        {view.stops.slice(0, STOPS_SHOWN).map((stop) => (
          <li key={`${stop.station}-${stop.reason}`}>
            <span className="stops__what">
              {stop.reason ? (
                pick(language, stop.label.zh, stop.label.en)
              ) : (
                <span className="unknown">{text("reason.none")}</span>
              )}
              <span className="quiet"> {pick(language, stop.name.zh, stop.name.en)}</span>
            </span>
            <span className="stops__bar" aria-hidden="true">
              <i
                className={stop.reason ? "state-fill--waiting" : "state-fill--unknown"}
                style={{ width: `${(100 * stop.seconds) / longest}%` }}
              />
            </span>
            <b>
              {durationText(stop.seconds, language)}
              {stop.going_on && <span className="state-text--waiting"> {text("stops.now")}</span>}
            </b>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Calls({ view, now }: Props) {
  const text = useText();
  const named = useNamed();
  const { language } = useLanguage();
  const calls = [...view.calls].sort((one, other) => Number(one.acknowledged) - Number(other.acknowledged));
  return (
    <section className={calls.length > 0 ? "panel calls calls--open" : "panel calls"}>
      <h2>{text("calls")}</h2>
      {calls.length === 0 && <p className="quiet">{text("calls.none")}</p>}
      <ul>
        {calls.slice(0, CALLS_SHOWN).map((call) => (
          <li key={`${call.station}-${call.topic}-${call.since}`}>
            <b>
              {named("topic", call.topic)} · {pick(language, call.name.zh, call.name.en)}
            </b>
            <span>
              {clockTime(call.since, language, view.time_zone)} ·{" "}
              {durationText((now - Date.parse(call.since)) / 1000, language)} ·{" "}
              {text(call.acknowledged ? "calls.coming" : "calls.waiting")}
            </span>
          </li>
        ))}
        {calls.length > CALLS_SHOWN && <li className="quiet">{text("more", { count: calls.length - CALLS_SHOWN })}</li>}
      </ul>
    </section>
  );
}

function Links({ view, now }: Props) {
  const text = useText();
  const { language } = useLanguage();
  const { connected, away_since: since, pending, lost } = view.sync;
  const minutes = since ? Math.max(0, Math.floor((now - Date.parse(since)) / 60_000)) : null;
  return (
    <section className="panel links">
      <h2>{text("links")}</h2>
      {!view.recording && (
        <p className="state-text--failure">
          <span aria-hidden="true">✕</span> {text("recording.stopped")}
        </p>
      )}
      {connected ? (
        <p>
          <i className="dot dot--running" aria-hidden="true" /> {text("sync.connected")}
        </p>
      ) : (
        <p className="state-text--waiting">
          <i className="dot dot--waiting" aria-hidden="true" />{" "}
          {minutes === null ? text("sync.alone") : text("sync.away", { minutes })} · {text("sync.pending", { pending })}
        </p>
      )}
      <p className={lost > 0 ? "state-text--failure" : "quiet"}>
        {lost > 0 ? text("sync.lost", { lost }) : text("sync.nothing_lost")}
      </p>
      <p className="quiet">{text("as_of", { time: clockTime(view.at, language, view.time_zone, true) })}</p>
    </section>
  );
}
