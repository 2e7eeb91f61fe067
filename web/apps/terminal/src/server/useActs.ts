/** Sends acts, shows what the agent said, and never sends one twice blindly. */
import { useCallback, useEffect, useRef, useState } from "react";
import { askBooked, newActId, postAct } from "@lineside/client/edge.ts";
import type { Act, Answer, PlainAct, PlainWish, Problem } from "@lineside/client/edge.ts";
import { play } from "../verdict/sounds.ts";
import { keepUnsure, recallUnsure } from "./unsure.ts";
import type { UnsureAct } from "./unsure.ts";

/** How a plain act is meant: as it is, instead of an earlier entry, or from paper. */
export type Frame =
  | { how: "correct"; seq: number; reason: string }
  | { how: "back"; occurredAt: string; occurredUntil?: string };

export interface Verdict {
  answer: Answer;
  /** When it was shown, milliseconds by the page's clock. */
  at: number;
  /** The act that it answers; null for a scan that the agent read itself. */
  act: Act | null;
}

export interface Acts {
  verdict: Verdict | null;
  busy: boolean;
  unsure: readonly UnsureAct[];
  submit: (wish: PlainWish, frame?: Frame) => void;
  /** Answer an `ask`, or have a badge allow what was refused: the same act with a new id. */
  again: (act: Act, change: { confirm?: string; override?: string }) => void;
  show: (verdict: Verdict) => void;
  clear: () => void;
  /** Send an act that the agent does not have, with the id that it had. */
  resend: (unsure: UnsureAct) => void;
  discard: (unsure: UnsureAct) => void;
}

const ASK_AGAIN_MS = 1_500;

function frameAct(station: string, wish: PlainWish, frame?: Frame): Act {
  const id = newActId();
  const plain: PlainAct = { ...wish, id, station };
  if (!frame) return plain;
  if (frame.how === "correct") {
    return { kind: "correct", id, station, seq: frame.seq, reason: frame.reason, replacement: plain };
  }
  return {
    kind: "back_entry",
    id,
    station,
    entry: plain,
    occurred_at: frame.occurredAt,
    occurred_until: frame.occurredUntil ?? null,
  };
}

function renewed(act: Act, change: { confirm?: string; override?: string }): Act {
  const id = newActId();
  if (act.kind === "correct") return { ...act, ...change, id, replacement: { ...act.replacement, id } };
  if (act.kind === "back_entry") return { ...act, ...change, id, entry: { ...act.entry, id } };
  return { ...act, ...change, id };
}

/** A problem document in the shape of an answer: every refusal looks the same. */
function refusalOf(act: Act, problem: Problem): Answer {
  const both = (text: string) => ({ zh: text, en: text });
  return {
    id: act.id,
    station: act.station,
    answer: "refused",
    code: problem.code,
    what: { zh: "没有记录", en: "Not booked" },
    why: both(problem.detail || problem.title),
    todo: both(problem.hint),
    params: {},
    seqs: [],
    options: [],
    meaning: "",
    subject: act.kind === "scan" ? act.raw : "",
    degraded: "",
    overridable: false,
    took_ms: 0,
  };
}

/** The acts of one station; `reachable` turns true when the agent answers again. */
export function useActs(station: string, reachable: boolean): Acts {
  const [verdict, setVerdict] = useState<Verdict | null>(null);
  const [sending, setSending] = useState(0);
  const [unsure, setUnsure] = useState<readonly UnsureAct[]>(() => recallUnsure(station));
  const asking = useRef(new Set<string>());

  useEffect(() => keepUnsure(station, unsure), [station, unsure]);

  const show = useCallback((next: Verdict) => {
    setVerdict(next);
    const { answer } = next.answer;
    play(answer === "accepted" ? "yes" : answer === "refused" ? "no" : "ask");
  }, []);

  const forget = useCallback((id: string) => {
    setUnsure((all) => all.filter((other) => other.act.id !== id));
  }, []);

  const send = useCallback(
    async (act: Act) => {
      setSending((count) => count + 1);
      const posted = await postAct(act);
      setSending((count) => count - 1);
      if (posted.outcome === "unsure") {
        setUnsure((all) => [
          ...all.filter((other) => other.act.id !== act.id),
          { act, sentAt: Date.now(), missing: false },
        ]);
        return;
      }
      forget(act.id);
      const answer =
        posted.outcome === "answer" ? posted.answer : refusalOf(act, posted.problem);
      show({ answer, at: Date.now(), act });
    },
    [forget, show],
  );

  useEffect(() => {
    const open = unsure.filter((one) => !one.missing);
    if (!reachable || open.length === 0) return;
    const askAll = () => {
      for (const one of open) {
        const { id } = one.act;
        if (asking.current.has(id)) continue;
        asking.current.add(id);
        void askBooked(id).then((booked) => {
          asking.current.delete(id);
          if (!booked) return;
          if (booked.booked) {
            forget(id);
            if (booked.answer) show({ answer: booked.answer, at: Date.now(), act: one.act });
          } else {
            setUnsure((all) =>
              all.map((other) => (other.act.id === id ? { ...other, missing: true } : other)),
            );
          }
        });
      }
    };
    askAll();
    const timer = window.setInterval(askAll, ASK_AGAIN_MS);
    return () => window.clearInterval(timer);
  }, [reachable, unsure, forget, show]);

  const submit = useCallback(
    (wish: PlainWish, frame?: Frame) => void send(frameAct(station, wish, frame)),
    [send, station],
  );
  const again = useCallback(
    (act: Act, change: { confirm?: string; override?: string }) => void send(renewed(act, change)),
    [send],
  );
  const resend = useCallback((one: UnsureAct) => void send(one.act), [send]);
  const discard = useCallback((one: UnsureAct) => forget(one.act.id), [forget]);
  const clear = useCallback(() => setVerdict(null), []);

  return { verdict, busy: sending > 0, unsure, submit, again, show, clear, resend, discard };
}
