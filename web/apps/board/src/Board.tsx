/** One line on a wall: where is it stuck? Read in a second from ten metres. */
import { useEffect } from "react";
import { pick, useLanguage } from "@lineside/ui/language.tsx";
import { Unserved } from "@lineside/client/edge.ts";
import type { BoardView } from "@lineside/client/edge.ts";
import { clockTime, durationText } from "@lineside/format/time.ts";
import { silence, STALE_MS, useBoard, useNow } from "./api.ts";
import { Bottom } from "./Bottom.tsx";
import { Head } from "./Head.tsx";
import { StationCard } from "./StationCard.tsx";
import { useNewBuild } from "./useNewBuild.ts";
import { useText } from "./words.ts";

/** The page: `?line=` names the line, without it the first one of this edge. */
export function Board() {
  const text = useText();
  const { language } = useLanguage();
  const line = new URLSearchParams(window.location.search).get("line");
  const board = useBoard(line);
  const now = useNow(1_000);
  useNewBuild();
  const silent = silence(board.dataUpdatedAt, now);
  const title = board.data ? nameOf(board.data, text("line.none")) : "Lineside";
  useEffect(() => {
    document.title = title;
  }, [title]);
  if (board.error instanceof Unserved) return <NoSuchLine error={board.error} />;
  if (!board.data) {
    return (
      <main className="message" aria-busy={!board.error}>
        <h1>{text(board.error ? "away.title" : "loading")}</h1>
        {board.error && <p>{text("away.hint")}</p>}
      </main>
    );
  }
  const view = board.data;
  const ahead = Date.parse(view.at) - board.dataUpdatedAt;
  const stale = silent !== null && silent > STALE_MS;
  return (
    <main className={stale ? "board board--stale" : "board"}>
      <Head view={view} title={title} now={now + ahead} />
      {silent !== null && (
        <p className="away" role="alert">
          <span aria-hidden="true">✕</span>{" "}
          {text("away.since", {
            time: clockTime(board.dataUpdatedAt * 1000, language, view.time_zone),
            length: durationText(silent / 1000, language),
          })}{" "}
          <span>{text("away.old")}</span>
        </p>
      )}
      <section className={`stations stations--${columnsFor(view.stations.length)}`} aria-label={text("stations")}>
        {view.stations.map((station) => (
          <StationCard key={station.id} station={station} now={now + ahead} unsure={stale} />
        ))}
      </section>
      <Bottom view={view} now={now + ahead} />
    </main>
  );
}

function nameOf(view: BoardView, unnamed: string): string {
  return view.line || unnamed;
}

/** Cards stay as large as the wall allows: up to three in a row, four where there are more than nine. */
function columnsFor(count: number): number {
  if (count <= 2) return count;
  if (count === 4) return 2;
  return count <= 9 ? 3 : 4;
}

function NoSuchLine({ error }: { error: Unserved }) {
  const text = useText();
  const { language } = useLanguage();
  return (
    <main className="message">
      <h1>{text("line.unknown")}</h1>
      <p>{pick(language, "", error.problem.hint)}</p>
      <p>
        <a href="/board/">{text("line.first")}</a>
      </p>
    </main>
  );
}
