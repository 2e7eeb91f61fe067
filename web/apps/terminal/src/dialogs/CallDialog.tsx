/** Help is wanted, somebody comes, it is done. */
import { clockTime } from "@lineside/format/time.ts";
import { useLanguage } from "@lineside/ui/language.tsx";
import { useSay, useTerminal } from "../app/terminal.ts";
import { useText } from "../app/words.ts";
import { Choice, Dialog } from "./Dialog.tsx";

/** Touching a topic calls. */
export function CallDialog() {
  const { view, texts, acts, open } = useTerminal();
  const { language } = useLanguage();
  const text = useText();
  const say = useSay();
  const topic = (code: string) => say(texts.topics.find((known) => known.code === code)?.label) || code;
  return (
    <Dialog title={text("call.title")}>
      {view.calls.length > 0 && (
        <>
          <h3>{text("call.open")}</h3>
          <ul className="people">
            {view.calls.map((one) => (
              <li key={one.call}>
                <span>
                  <strong>{topic(one.topic)}</strong>{" "}
                  <span className="muted">
                    {text("call.since", { time: clockTime(one.since, language, view.time_zone) })} ·{" "}
                    {text(one.acknowledged ? "call.coming" : "call.waiting")}
                  </span>
                </span>
                <span className="people__acts">
                  {!one.acknowledged && (
                    <button
                      type="button"
                      className="button"
                      onClick={() => {
                        acts.submit({ kind: "call_ack", call: one.call });
                        open(null);
                      }}
                    >
                      {text("call.ack")}
                    </button>
                  )}
                  <button
                    type="button"
                    className="button"
                    onClick={() => {
                      acts.submit({ kind: "call_resolve", call: one.call });
                      open(null);
                    }}
                  >
                    {text("call.resolve")}
                  </button>
                </span>
              </li>
            ))}
          </ul>
        </>
      )}
      <h3>{text("call.whom")}</h3>
      <div className="choices">
        {texts.topics.map((known) => (
          <Choice
            key={known.code}
            code={`CMD-CALL-${known.code}`}
            label={say(known.label)}
            onChoose={() => {
              acts.submit({ kind: "call", topic: known.code });
              open(null);
            }}
          />
        ))}
      </div>
    </Dialog>
  );
}
