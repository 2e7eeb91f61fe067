import { useEffect, useSyncExternalStore } from "react";
import { askForBuild, newBuild } from "@lineside/shell/register.ts";

const ASK_EVERY_MS = 10 * 60_000;

/** Nobody presses a key at a wall: a newer build is shown as soon as it is there. */
export function useNewBuild(): void {
  const ready = useSyncExternalStore(newBuild.subscribe, newBuild.ready);
  useEffect(() => {
    if (ready) window.location.reload();
    const timer = window.setInterval(askForBuild, ASK_EVERY_MS);
    return () => window.clearInterval(timer);
  }, [ready]);
}
