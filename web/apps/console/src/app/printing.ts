/** Whether the page is being printed: paper shows everything, opened, and nothing to press. */
import { useSyncExternalStore } from "react";

const onPaper = window.matchMedia("print");

export function usePrinting(): boolean {
  return useSyncExternalStore(
    (watcher) => {
      onPaper.addEventListener("change", watcher);
      return () => onPaper.removeEventListener("change", watcher);
    },
    () => onPaper.matches,
  );
}
