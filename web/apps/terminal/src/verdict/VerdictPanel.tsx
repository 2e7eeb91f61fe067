/** The answer to the last scan or act; an old yes fades, so that nobody takes it for a new one. */
import { useEffect, useState } from "react";
import type { Option } from "@lineside/client/edge.ts";
import { clockTime } from "@lineside/format/time.ts";
import { useLanguage } from "@lineside/ui/language.tsx";
import { useSay, useTerminal } from "../app/terminal.ts";
import { useText } from "../app/words.ts";
import { CANCEL_CODE, OK_CODE } from "../dialogs/Dialog.tsx";
import { useScanTarget } from "../scanning/scans.tsx";
import type { Verdict } from "../server/useActs.ts";
import { amountDialog, headlineSize, mayOverride } from "./headline.ts";

const YES_FADES_MS = 25_000;
const WORKING_SHOWS_MS = 250;
const SHAPES = { accepted: "✓", refused: "✕", ask: "?" } as const;

/** Middle of the screen. */
export function VerdictPanel() {
  const { acts, view } = useTerminal();
  const slow = useSlow(acts.busy);
  const { verdict } = acts;
  const faded = useFaded(verdict);
  if (!view.recording) return <NotRecording />;
  if (slow) return <Working />;
  if (!verdict || faded) return <Idle />;
  return <Shown verdict={verdict} key={verdict.answer.id} />;
}

function useSlow(busy: boolean): boolean {
  const [slow, setSlow] = useState(false);
  useEffect(() => {
    if (!busy) return undefined;
    const timer = window.setTimeout(() => setSlow(true), WORKING_SHOWS_MS);
    return () => {
      window.clearTimeout(timer);
      setSlow(false);
    };
  }, [busy]);
  return busy && slow;
}

function useFaded(verdict: Verdict | null): boolean {
  const [fadedAt, setFadedAt] = useState(0);
  useEffect(() => {
    if (verdict?.answer.answer !== "accepted") return undefined;
    const timer = window.setTimeout(() => setFadedAt(verdict.at), YES_FADES_MS);
    return () => window.clearTimeout(timer);
  }, [verdict]);
  return verdict !== null && fadedAt === verdict.at;
}

function NotRecording() {
  const { view } = useTerminal();
  const text = useText();
  const say = useSay();
  return (
    <div className="verdict verdict--refused" role="alert">
      <p className="verdict__word">
        <span aria-hidden="true">✕</span> {text("recording.stopped")}
      </p>
      <p className="verdict__what">{say(view.recording_problem)}</p>
      <p className="verdict__why">{text("recording.todo")}</p>
    </div>
  );
}

function Working() {
  const text = useText();
  return (
    <div className="verdict verdict--idle" role="status">
      <p className="verdict__word verdict__word--idle">{text("verdict.working")}</p>
    </div>
  );
}

function Idle() {
  const { view, open } = useTerminal();
  const text = useText();
  const asked =
    view.people.length === 0
      ? "idle.badge"
      : view.jobs.length === 0
        ? "idle.order"
        : view.jobs.some((job) => job.serial_tracked)
          ? "idle.unit"
          : "idle.next";
  return (
    <div className="verdict verdict--idle">
      <p className="verdict__word verdict__word--idle">{text(asked)}</p>
      <p className="verdict__why">{text("idle.hint")}</p>
      <button type="button" className="button verdict__type" onClick={() => open({ name: "type" })}>
        ⌨ {text("type.title")}
      </button>
    </div>
  );
}

function Shown({ verdict }: { verdict: Verdict }) {
  const { view, acts, aheadMs, open } = useTerminal();
  const { language } = useLanguage();
  const text = useText();
  const say = useSay();
  const { answer } = verdict;
  const over = answer.answer !== "accepted";
  const shownAt = verdict.at + aheadMs;
  const choose = (option: Option) => {
    if (verdict.act) acts.again(verdict.act, { confirm: option.code });
    else acts.submit({ kind: "scan", raw: option.command, source: "wedge" });
  };
  useScanTarget((raw) => {
    const code = raw.trim();
    const option = answer.options.find((one) => one.command === code);
    if (option) choose(option);
    else if (over && (code === OK_CODE || code === CANCEL_CODE)) acts.clear();
    else return false;
    return true;
  });
  const what = say(answer.what);
  const todo = say(answer.todo);
  const amount = amountDialog(answer);
  
  return (
    <div className={`verdict verdict--${answer.answer} ${over ? "verdict--over" : ""}`} role={answer.answer === "accepted" ? "status" : "alert"}>
      <div className="verdict__words">
        <p className={`verdict__word verdict__word--${headlineSize(what)}`}>
          <span aria-hidden="true">{SHAPES[answer.answer]}</span> {what}
        </p>
        <p className="verdict__what">{say(answer.why)}</p>
        {answer.degraded && (
          <p className="verdict__why">⚠ {text("verdict.degraded", { what: answer.degraded })}</p>
        )}
        <p className="verdict__trace">
          {clockTime(shownAt * 1000, language, view.time_zone, true)}
          {answer.took_ms > 0 && ` · ${Math.round(answer.took_ms)} ms`}
          {answer.answer !== "accepted" && ` · ${answer.code}`}
        </p>
      </div>
      {answer.answer === "accepted" ? (
        todo && <p className="verdict__next">{todo}</p>
      ) : (
        <div className="verdict__card">
          <p className="verdict__card-title">{text("verdict.todo")}</p>
          <p className="verdict__card-text">{todo}</p>
          {amount !== null && (
            <button
              type="button"
              className="verdict__option"
              onClick={() => open(amount)}
            >
              <span>{text("verdict.amount")}</span>
            </button>
          )}
          {answer.options.map((option) => (
            <button key={option.code} type="button" className="verdict__option" onClick={() => choose(option)}>
              <span>{say(option.label)}</span>
              <small>{option.command}</small>
            </button>
          ))}
          {verdict.act && mayOverride(answer) && (
            <button type="button" className="verdict__option" onClick={() => open({ name: "override" })}>
              <span>{text("override.title")}</span>
            </button>
          )}
          {answer.options.length === 0 && (
            <button type="button" className="verdict__option verdict__option--close" onClick={acts.clear}>
              <span>{text("verdict.close")}</span>
              <small>{OK_CODE}</small>
            </button>
          )}
        </div>
      )}
    </div>
  );
}
