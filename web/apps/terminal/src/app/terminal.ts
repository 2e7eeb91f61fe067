/** What every part of one station's screen shares. */
import { createContext, useContext } from "react";
import type { Entry, StationView, Text, Texts } from "@lineside/client/edge.ts";
import { useLanguage } from "@lineside/ui/language.tsx";
import type { Acts, Frame } from "../server/useActs.ts";

/** The dialog on top of the screen. */
export type Open =
  | { name: "people" }
  | { name: "defect"; serial?: string; frame?: Frame }
  | { name: "reason"; start?: string; end?: string; frame?: Frame }
  | { name: "mount"; lot?: string | undefined; frame?: Frame }
  | { name: "undo" }
  | { name: "call" }
  | { name: "finish"; frame?: Frame }
  | { name: "pause" }
  | { name: "declare"; frame?: Frame }
  | { name: "start"; order: string; operation: string }
  | { name: "state" }
  | { name: "first_piece"; order: string; operation: string }
  | { name: "override" }
  | { name: "back" }
  | { name: "move" }
  | { name: "split" }
  | { name: "replace"; entry: Entry; frame: Frame }
  | { name: "type" }
  | { name: "numbers" }
  | { name: "carrier"; carrier?: string | undefined; lot?: string | undefined }
  | { name: "menu" };

export interface Terminal {
  view: StationView;
  texts: Texts;
  acts: Acts;
  open: (dialog: Open | null) => void;
  /** How far the agent's business time is ahead of this page's clock, milliseconds. */
  aheadMs: number;
}

export const TerminalContext = createContext<Terminal | null>(null);

/** The station's screen around this component. */
export function useTerminal(): Terminal {
  const terminal = useContext(TerminalContext);
  if (!terminal) throw new Error("useTerminal outside of a station's screen");
  return terminal;
}

/** Chooses the language of a pair of texts. */
export function useSay(): (text: Text | null | undefined) => string {
  const { language } = useLanguage();
  return (text) => {
    if (!text) return "";
    return language === "zh" ? text.zh || text.en : text.en || text.zh;
  };
}
