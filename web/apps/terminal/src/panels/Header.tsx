/** Where we are, who works here, whether central is there. */
import { useEffect, useState } from "react";
import { clockTime } from "@lineside/format/time.ts";
import { pick, useLanguage } from "@lineside/ui/language.tsx";
import { useTerminal } from "../app/terminal.ts";
import { useText } from "../app/words.ts";

/** The top line. */
export function Header() {
  const { view, open } = useTerminal();
  const { language, choose } = useLanguage();
  const text = useText();
  const names = view.people.map((one) => one.name || one.person);
  return (
    <header className="head">
      <h1 className="head__station">
        {pick(language, view.name.zh, view.name.en) || view.station} <small>{view.line}</small>
      </h1>
      {view.simulation && <span className="pill">{text("simulation")}</span>}
      <SyncPill />
      <button
        type="button"
        className={`head__button ${names.length === 0 ? "head__button--wanted" : ""}`}
        onClick={() => open({ name: "people" })}
      >
        {names.length === 0
          ? text("people.none")
          : names.length === 1
            ? names[0]
            : text("people.several", { first: names[0] ?? "", more: names.length - 1 })}
      </button>
      <Clock />
      <button
        type="button"
        className="head__button head__language"
        lang={language === "zh" ? "en" : "zh-CN"}
        onClick={() => choose(language === "zh" ? "en" : "zh")}
      >
        {text("language.short")}
      </button>
      <button
        type="button"
        className="head__button head__menu"
        aria-label={text("menu.title")}
        onClick={() => open({ name: "menu" })}
      >
        ☰
      </button>
    </header>
  );
}

/** The agent's business time, ticking. */
function useNow(everyMs: number): number {
  const { aheadMs } = useTerminal();
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = window.setInterval(() => setNow(Date.now()), everyMs);
    return () => window.clearInterval(timer);
  }, [everyMs]);
  return now + aheadMs;
}

function Clock() {
  const { view } = useTerminal();
  const { language } = useLanguage();
  const now = useNow(1_000);
  return <time className="head__clock">{clockTime(now * 1000, language, view.time_zone)}</time>;
}

function SyncPill() {
  const { view } = useTerminal();
  const text = useText();
  const { connected, away_since: since, pending, lost } = view.sync;
  const now = useNow(5_000);
  const losses = lost === 0 ? text("sync.nothing_lost") : text("sync.lost", { lost });
  if (connected) {
    return (
      <span className="pill head__sync">
        <i className="dot dot--running" aria-hidden="true" />
        {text("sync.connected")}
        {lost > 0 && ` · ${losses}`}
      </span>
    );
  }
  const minutes = since ? Math.max(0, Math.floor((now - Date.parse(since)) / 60_000)) : null;
  return (
    <span className="pill pill--waiting head__sync" role="status">
      <i className="dot dot--waiting" aria-hidden="true" />
      {minutes === null ? text("sync.alone") : text("sync.away", { minutes })} · {text("sync.pending", { pending })} · {losses}
    </span>
  );
}
