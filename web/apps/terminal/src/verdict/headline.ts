/** What the screen makes of an answer beyond its words. */
import type { Answer } from "@lineside/client/edge.ts";
import type { Open } from "../app/terminal.ts";

/** Whether the screen offers to have a badge allow what was refused. */
export function mayOverride(answer: Answer): boolean {
  return answer.answer === "refused" && answer.overridable;
}

/** The dialog that answers a question for an amount. */
export function amountDialog(answer: Answer): Open | null {
  switch (answer.code) {
    case "order.quantity_needed":
      return { name: "finish" };
    case "material.quantity_needed":
      return { name: "mount", lot: answer.params["lot"] };
    case "number.quantity_needed":
      return { name: "numbers" };
    case "carrier.quantity_needed":
      return { name: "carrier", carrier: answer.params["carrier"], lot: answer.params["lot"] };
    default:
      return null;
  }
}

/** How large a headline can be set: full-width characters count twice. */
export function headlineSize(words: string): "large" | "medium" | "small" {
  const width = Array.from(words).reduce((sum, one) => sum + (one.charCodeAt(0) > 0x2e7f ? 2 : 1), 0);
  if (width <= 20) return "large";
  return width <= 44 ? "medium" : "small";
}
