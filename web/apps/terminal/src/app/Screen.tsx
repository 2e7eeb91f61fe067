/** One station's screen: may I process this part? */
import { useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { getTexts } from "@lineside/client/edge.ts";
import type { StationView, Texts, VerdictMessage } from "@lineside/client/edge.ts";
import { useLanguage } from "@lineside/ui/language.tsx";
import { Dialogs } from "../dialogs/Dialogs.tsx";
import { CommandBar } from "../panels/CommandBar.tsx";
import { Entries } from "../panels/Entries.tsx";
import { FiguresPanel } from "../panels/FiguresPanel.tsx";
import { Header } from "../panels/Header.tsx";
import { OrderPanel } from "../panels/OrderPanel.tsx";
import { UnitsInWork } from "../panels/UnitsInWork.tsx";
import { escapeRaw } from "../scanning/escape.ts";
import { useScanFallback } from "../scanning/scans.tsx";
import { useActs } from "../server/useActs.ts";
import type { Acts } from "../server/useActs.ts";
import { useLink } from "../server/useLink.ts";
import { useNewBuild } from "../server/useNewBuild.ts";
import { VerdictPanel } from "../verdict/VerdictPanel.tsx";
import { AgentAway } from "./AgentAway.tsx";
import { commandDialog } from "./commands.ts";
import { Notices } from "./Notices.tsx";
import { LANGUAGE_CODE, pageDialog } from "./pageCommands.ts";
import { TerminalContext } from "./terminal.ts";
import type { Open, Terminal } from "./terminal.ts";
import { UnsureActs } from "./UnsureActs.tsx";
import { useText } from "./words.ts";

const NO_TEXTS: Texts = { reasons: [], defects: [], commands: [], topics: [] };

interface Props {
  station: string;
  leave: () => void;
}

/** Follows the station and shows it; the first screen waits for the agent. */
export function Screen({ station, leave }: Props) {
  const text = useText();
  const incoming = useRef<(message: VerdictMessage) => void>(() => undefined);
  const onIncoming = useCallback((take: (message: VerdictMessage) => void) => {
    incoming.current = take;
  }, []);
  const link = useLink(station, (message) => incoming.current(message));
  const acts = useActs(station, link.downSince === null);
  const texts = useQuery({ queryKey: ["texts", link.returns], queryFn: getTexts });

  return (
    <>
      {link.view ? (
        <StationScreen
          view={link.view}
          texts={texts.data ?? NO_TEXTS}
          acts={acts}
          aheadMs={link.aheadMs}
          onIncoming={onIncoming}
          leave={leave}
        />
      ) : (
        <main className="picker" aria-busy="true">
          <p className="picker__note" role="status">
            {text("screen.waiting", { station })}
          </p>
          <button type="button" className="button" onClick={leave}>
            {text("menu.station")}
          </button>
        </main>
      )}
      {link.downSince !== null && <AgentAway since={link.downSince} zone={link.zone} />}
      {link.downSince === null && acts.unsure.length > 0 && <UnsureActs acts={acts} />}
    </>
  );
}

interface StationScreenProps {
  view: StationView;
  texts: Texts;
  acts: Acts;
  aheadMs: number;
  /** Names who takes the verdicts of scanners that the agent reads itself. */
  onIncoming: (take: (message: VerdictMessage) => void) => void;
  leave: () => void;
}

function StationScreen({ view, texts, acts, aheadMs, onIncoming, leave }: StationScreenProps) {
  const { language, choose } = useLanguage();
  const [dialog, setDialog] = useState<Open | null>(null);
  useNewBuild(dialog === null && !acts.busy && acts.unsure.length === 0);
  const terminal = useMemo<Terminal>(
    () => ({ view, texts, acts, open: setDialog, aheadMs }),
    [view, texts, acts, aheadMs],
  );

  const runCommand = useCallback(
    (code: string): boolean => {
      if (code === LANGUAGE_CODE) {
        choose(language === "zh" ? "en" : "zh");
        setDialog(null);
        return true;
      }
      const own = pageDialog(code, view);
      if (own) {
        setDialog(own);
        return true;
      }
      const command = texts.commands.find((known) => known.code === code);
      if (!command) return false;
      const wish = commandDialog(command, view);
      if (wish === null) return false;
      if ("kind" in wish) acts.submit(wish);
      else setDialog(wish);
      return true;
    },
    [texts.commands, view, acts, language, choose],
  );

  const take = useCallback(
    (raw: string) => {
      if (runCommand(raw.trim())) return;
      setDialog(null);
      acts.submit({ kind: "scan", raw: escapeRaw(raw), source: "wedge" });
    },
    [runCommand, acts],
  );
  const offer = useScanFallback(take);

  useEffect(() => {
    onIncoming((message) => {
      // A scanner that the agent reads itself knows nothing of the dialogs of this page.
      if (message.answer.code === "command.unknown" && offer(message.raw)) return;
      setDialog(null);
      acts.show({ answer: message.answer, at: Date.now(), act: null });
    });
  }, [onIncoming, acts, offer]);

  return (
    <TerminalContext value={terminal}>
      <div className="screen">
        <Header />
        <Notices />
        <main className="screen__main">
          <OrderPanel />
          <section className="screen__centre">
            <VerdictPanel />
            <UnitsInWork />
            <Entries />
          </section>
          <FiguresPanel />
        </main>
        <CommandBar run={take} />
      </div>
      {dialog && <Dialogs dialog={dialog} leave={leave} />}
    </TerminalContext>
  );
}
