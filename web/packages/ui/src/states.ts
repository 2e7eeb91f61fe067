/** The six states of every screen and chart, and which time category shows as which. */

export type MachineLook = "running" | "setup" | "planned" | "waiting" | "failure" | "unknown";

/** A shape for each state, so that colour never speaks alone. */
export const SHAPES: Record<MachineLook, string> = {
  running: "▶",
  setup: "⚙",
  planned: "◷",
  waiting: "❚❚",
  failure: "✕",
  unknown: "?",
};

const LOOKS: Record<string, MachineLook> = {
  // states of a machine
  RUN: "running",
  SETUP: "setup",
  STOP: "waiting",
  FAIL: "failure",
  IDLE: "waiting",
  UNKNOWN: "unknown",
  // time categories of the ISO 22400 model and their split
  APT: "running",
  production: "running",
  run: "running",
  running: "running",
  AUST: "setup",
  setup: "setup",
  planned: "planned",
  planned_downtime: "planned",
  ADET: "waiting",
  delay: "waiting",
  stop: "waiting",
  waiting: "waiting",
  micro_stop: "waiting",
  blocked: "waiting",
  starved: "waiting",
  reason: "waiting",
  unexplained: "waiting",
  ADOT: "waiting",
  down: "waiting",
  idle: "waiting",
  failure: "failure",
  fail: "failure",
  unknown: "unknown",
};

/** How a state or time category looks; what we do not know looks unknown. */
export function lookOf(name: string | null | undefined): MachineLook {
  if (!name) return "unknown";
  return LOOKS[name] ?? LOOKS[name.toLowerCase()] ?? LOOKS[name.toUpperCase()] ?? "unknown";
}
