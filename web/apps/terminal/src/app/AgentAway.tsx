/** The agent itself does not answer: since when, and how the line goes on on paper. */
import { useEffect, useRef, useState } from "react";
import { clockTime, durationText } from "@lineside/format/time.ts";
import { useLanguage } from "@lineside/ui/language.tsx";
import { useScanTarget } from "../scanning/scans.tsx";
import { play } from "../verdict/sounds.ts";
import { useText } from "./words.ts";

interface Props {
  /** Last sign of life, milliseconds by the page's clock. */
  since: number;
  zone: string | undefined;
}

/** Covers everything; scans are answered with the sound of a no. */
export function AgentAway({ since, zone }: Props) {
  const text = useText();
  const { language } = useLanguage();
  const box = useRef<HTMLDialogElement>(null);
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!box.current?.open) box.current?.showModal();
    const timer = window.setInterval(() => setNow(Date.now()), 1_000);
    return () => window.clearInterval(timer);
  }, []);
  useScanTarget(() => {
    play("no");
    return true;
  });
  return (
    <dialog ref={box} className="away" onCancel={(event) => event.preventDefault()} aria-labelledby="away-title">
      <h1 id="away-title">
        <span aria-hidden="true">✕</span> {text("away.title")}
      </h1>
      <p className="away__since">
        {text("away.since", {
          time: clockTime(since * 1000, language, zone, true),
          length: durationText((now - since) / 1000, language),
        })}
      </p>
      <h2>{text("away.paper")}</h2>
      <ol className="away__steps">
        <li>{text("away.step1")}</li>
        <li>{text("away.step2")}</li>
        <li>{text("away.step3")}</li>
        <li>{text("away.step4")}</li>
      </ol>
      <p className="away__note">{text("away.note")}</p>
    </dialog>
  );
}
