/** What a command code opens here; scanning it and touching its button are the same. */
import type { Command, PlainWish, StationView } from "@lineside/client/edge.ts";
import type { Open } from "./terminal.ts";

/** A dialog, an act that needs no further word, or null: the agent answers it as a scan. */
export function commandDialog(command: Command, view: StationView): Open | PlainWish | null {
  switch (command.kind) {
    case "pause_order": {
      const [job, ...more] = view.jobs;
      if (!job || more.length > 0) return { name: "pause" };
      return { kind: "pause_order", order: job.order, operation: job.operation, booking: job.booking };
    }
    case "defect":
      return { name: "defect" };
    case "mount":
    case "unmount":
      return { name: "mount" };
    case "reason":
      return { name: "reason" };
    case "void":
      return { name: "undo" };
    case "call":
      return { name: "call" };
    case "finish_order":
      // The piece in work comes first; that is for the agent to decide.
      return view.jobs.some((job) => job.units.length > 0) ? null : { name: "finish" };
    case "new_number":
      // A lot needs its quantity; a unit and a carrier need nothing.
      return command.needs === "quantity" ? { name: "numbers" } : null;
    case "declare":
      return { name: "declare" };
    case "sign_on":
      return { name: "people" };
    case "set_state":
      return { name: "state" };
    case "back_entry":
      return { name: "back" };
    case "move_span":
      return { name: "move" };
    default:
      return null;
  }
}
