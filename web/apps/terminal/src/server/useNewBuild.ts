/** Shows a newer build of this page when nobody is in the middle of something. */
import { useEffect, useSyncExternalStore } from "react";
import { newBuild } from "@lineside/shell/register.ts";

const QUIET_MS = 20_000;

/** Loads the page again once a newer build is there and nothing was touched or scanned for a while. */
export function useNewBuild(quiet: boolean): void {
  const ready = useSyncExternalStore(newBuild.subscribe, newBuild.ready);
  useEffect(() => {
    if (!ready || !quiet) return;
    let timer = 0;
    const wait = () => {
      window.clearTimeout(timer);
      timer = window.setTimeout(() => window.location.reload(), QUIET_MS);
    };
    wait();
    for (const kind of ["keydown", "pointerdown"]) window.addEventListener(kind, wait, true);
    return () => {
      window.clearTimeout(timer);
      for (const kind of ["keydown", "pointerdown"]) window.removeEventListener(kind, wait, true);
    };
  }, [ready, quiet]);
}
