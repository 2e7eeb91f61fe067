/** Acts that were sent and never answered: kept over a reload, and asked about before anything else. */
import type { Act } from "@lineside/client/edge.ts";

export interface UnsureAct {
  act: Act;
  /** When it was sent, milliseconds by the page's clock. */
  sentAt: number;
  /** Whether the agent said that it does not have it. */
  missing: boolean;
}

const KEPT_MAX = 50;
const keyOf = (station: string) => `lineside.unsure.${station}`;

/** What the last page of this station did not learn. */
export function recallUnsure(station: string): UnsureAct[] {
  try {
    const kept: unknown = JSON.parse(window.localStorage.getItem(keyOf(station)) ?? "[]");
    return Array.isArray(kept) ? (kept as UnsureAct[]) : [];
  } catch {
    return [];
  }
}

/** Keep them for a page that is loaded again. */
export function keepUnsure(station: string, acts: readonly UnsureAct[]): void {
  try {
    window.localStorage.setItem(keyOf(station), JSON.stringify(acts.slice(-KEPT_MAX)));
  } catch {
    // Without storage they live as long as this page.
  }
}
