/** What the screen makes of an answer beyond its words. */
import type { Answer } from "@lineside/client/edge.ts";

/** Refusals that a badge with the right may turn; the agent has the last word. */
const OVERRIDABLE = new Set([
  "unit.earlier_missing",
  "unit.never_seen",
  "unit.passport_missing",
  "unit.failed_before",
  "unit.part_not_finished",
  "material.missing",
]);

/** Whether the screen offers to have a badge allow what was refused. */
export function mayOverride(answer: Answer): boolean {
  return answer.answer === "refused" && OVERRIDABLE.has(answer.code);
}

/** The dialog that answers a question for an amount. */
export function amountDialog(answer: Answer): "finish" | "mount" | null {
  if (answer.code === "order.quantity_needed") return "finish";
  return answer.code === "material.quantity_needed" ? "mount" : null;
}

/** How large a headline can be set: full-width characters count twice. */
export function headlineSize(words: string): "large" | "medium" | "small" {
  const width = Array.from(words).reduce((sum, one) => sum + (one.charCodeAt(0) > 0x2e7f ? 2 : 1), 0);
  if (width <= 20) return "large";
  return width <= 44 ? "medium" : "small";
}
