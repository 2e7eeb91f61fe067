/** When the agent last answered, kept over a reload: a page opened while it is down can say since when. */

export interface Heard {
  /** Milliseconds by the page's clock. */
  at: number;
  zone?: string | undefined;
}

const KEPT_AS = "lineside.heard";
const KEEP_EVERY_MS = 5_000;
let kept = 0;
let keptZone: string | undefined;

/** What the last page knew; null where none did. */
export function recallHeard(): Heard | null {
  try {
    const found: unknown = JSON.parse(window.localStorage.getItem(KEPT_AS) ?? "null");
    if (typeof found !== "object" || found === null || !("at" in found)) return null;
    const { at } = found;
    const zone = "zone" in found && typeof found.zone === "string" ? found.zone : undefined;
    return typeof at === "number" && at <= Date.now() ? { at, zone } : null;
  } catch {
    return null;
  }
}

/** Keep it, at most every few seconds; the zone stays known where it is not said. */
export function keepHeard(at: number, zone?: string): void {
  const news = zone !== undefined && zone !== keptZone;
  if (!news && at >= kept && at - kept < KEEP_EVERY_MS) return;
  kept = at;
  keptZone = zone ?? keptZone ?? recallHeard()?.zone;
  try {
    window.localStorage.setItem(KEPT_AS, JSON.stringify({ at, zone: keptZone }));
  } catch {
    // Without storage the page counts from when it was opened.
  }
}
