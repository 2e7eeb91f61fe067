/** Codes of the menu: the page opens these dialogs itself, from wherever they are scanned. */
import type { StationView } from "@lineside/client/edge.ts";
import type { Open } from "./terminal.ts";

export const LANGUAGE_CODE = "CMD-LANGUAGE";

/** The dialog that a code opens; null where it is not the page's, or makes no sense now. */
export function pageDialog(code: string, view: StationView): Open | null {
  switch (code) {
    case "CMD-MENU":
      return { name: "menu" };
    case "CMD-TYPE":
      return { name: "type" };
    case "CMD-BACK":
      return { name: "back" };
    case "CMD-MOVE":
      return { name: "move" };
    case "CMD-DECLARE":
      return { name: "declare" };
    case "CMD-NUMBERS":
      return { name: "numbers" };
    case "CMD-CARRIER":
      return { name: "carrier" };
    case "CMD-SPLIT":
      return view.spanned.length > 0 ? { name: "split" } : null;
    case "CMD-FINISH-ORDER":
      return view.jobs.length > 0 ? { name: "finish" } : null;
    case "CMD-STATE":
      return view.state_from === "acts" ? { name: "state" } : null;
    default:
      return null;
  }
}
