/** What the board asks of its edge, and since when it has not been answered. */
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { getBoard } from "@lineside/client/edge.ts";

const EVERY_MS = 10_000;
const AGAIN_MS = 3_000;
/** Two answers missed: it is away. */
const SILENT_MS = 25_000;
/** From here on the figures are too old to be looked at. */
export const STALE_MS = 120_000;

/** The line's board, asked anew every ten seconds. */
export function useBoard(line: string | null) {
  return useQuery({
    queryKey: ["board", line],
    queryFn: ({ signal }) => getBoard(line, signal),
    refetchInterval: (query) => (query.state.status === "error" ? AGAIN_MS : EVERY_MS),
    refetchIntervalInBackground: true,
  });
}

/** The page's clock, ticking. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = window.setInterval(() => setNow(Date.now()), everyMs);
    return () => window.clearInterval(timer);
  }, [everyMs]);
  return now;
}

/** Milliseconds since the last answer, or null while it is fresh. */
export function silence(heardAt: number, now: number): number | null {
  return heardAt > 0 && now - heardAt > SILENT_MS ? now - heardAt : null;
}
