/** The open line to the agent: its stream of screens, and whether it still answers. */
import { useEffect, useRef, useState } from "react";
import { getStation, isAlive, streamUrl } from "@lineside/client/edge.ts";
import { askForBuild } from "@lineside/shell/register.ts";
import { keepHeard, recallHeard } from "./heard.ts";
import type { StateMessage, StationView, VerdictMessage } from "@lineside/client/edge.ts";

const ASK_EVERY_MS = 2_500;
const ASK_AGAIN_MS = 700;
const ASK_TIMEOUT_MS = 4_000; // a busy computer is not a dead one
const REOPEN_AFTER_MS = 1_500;

export interface Link {
  /** Null until the first screen came. */
  view: StationView | null;
  /** How far the agent's business time is ahead of this page's clock, milliseconds. */
  aheadMs: number;
  /** Since when the agent has not answered, milliseconds by the page's clock; null while it does. */
  downSince: number | null;
  /** Rises each time the agent comes back. */
  returns: number;
  /** The plant's zone as far as anybody here ever heard. */
  zone: string | undefined;
}

function parse<T>(data: unknown): T | null {
  try {
    return JSON.parse(String(data)) as T;
  } catch {
    return null; // a torn message; the next one carries the whole screen again
  }
}

/** Follow one station until the component goes. */
export function useLink(station: string, onVerdict: (message: VerdictMessage) => void): Link {
  const [link, setLink] = useState<Link>(() => ({
    view: null,
    aheadMs: 0,
    downSince: null,
    returns: 0,
    zone: recallHeard()?.zone,
  }));
  const verdict = useRef(onVerdict);
  useEffect(() => {
    verdict.current = onVerdict;
  });

  useEffect(() => {
    let closed = false;
    let source: EventSource | null = null;
    // A page that was opened while the agent is down says since when the last page missed it.
    let lastHeard = recallHeard()?.at ?? Date.now();
    let down = false;
    let misses = 0;
    let timer = 0;

    const heard = () => {
      lastHeard = Date.now();
      misses = 0;
      keepHeard(lastHeard);
      setLink((now) =>
        now.downSince === null ? now : { ...now, downSince: null, returns: now.returns + 1 },
      );
    };
    const show = (view: StationView) => {
      const aheadMs = Date.parse(view.at) - Date.now();
      setLink((now) => ({ ...now, view, aheadMs, zone: view.time_zone }));
      keepHeard(Date.now(), view.time_zone);
      heard();
    };
    const open = () => {
      if (closed) return;
      source?.close();
      // The stream speaks when something changes; the first screen is asked for.
      void getStation(station).then((view) => {
        if (view && !closed) show(view);
      });
      source = new EventSource(streamUrl(station));
      source.addEventListener("state", (event: MessageEvent) => {
        const message = parse<StateMessage>(event.data);
        if (message) show(message.state);
      });
      source.addEventListener("verdict", (event: MessageEvent) => {
        const message = parse<VerdictMessage>(event.data);
        if (message) verdict.current(message);
      });
    };
    const ask = async () => {
      const alive = await isAlive(ASK_TIMEOUT_MS);
      if (closed) return;
      if (alive) {
        heard();
        if (down) {
          down = false;
          askForBuild(); // it may have been away for an update
          open();
        } else if (source?.readyState === EventSource.CLOSED) window.setTimeout(open, REOPEN_AFTER_MS);
      } else {
        misses += 1;
        const since = lastHeard;
        if (misses >= 2) {
          down = true;
          setLink((now) => (now.downSince === null ? { ...now, downSince: since } : now));
        }
      }
      timer = window.setTimeout(() => void ask(), alive ? ASK_EVERY_MS : ASK_AGAIN_MS);
    };

    open();
    void ask();
    return () => {
      closed = true;
      source?.close();
      window.clearTimeout(timer);
    };
  }, [station]);

  return link;
}
