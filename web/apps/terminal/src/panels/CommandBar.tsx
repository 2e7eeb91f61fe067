/** The commands; each shows the code whose scan does the same. */
import { useSay, useTerminal } from "../app/terminal.ts";
import { useText } from "../app/words.ts";

/** In this order; commands that the agent does not know are not offered. */
const SHOWN = ["CMD-PAUSE", "CMD-FINISH", "CMD-DEFECT", "CMD-MOUNT", "CMD-REASON", "CMD-UNDO", "CMD-CALL"];
const NEEDS_JOB = new Set(["CMD-PAUSE", "CMD-FINISH"]);

/** The bottom line. */
export function CommandBar({ run }: { run: (code: string) => void }) {
  const { view, texts, acts } = useTerminal();
  const text = useText();
  const say = useSay();
  const stops = view.unexplained.length;
  const calls = view.calls.length;
  return (
    <nav className="commands" aria-label={text("commands.title")}>
      {SHOWN.map((code) => {
        const command = texts.commands.find((known) => known.code === code);
        if (!command) return null;
        const wanted = (code === "CMD-REASON" && stops > 0) || (code === "CMD-CALL" && calls > 0);
        return (
          <button
            key={code}
            type="button"
            className={wanted ? "command command--waiting" : "command"}
            disabled={NEEDS_JOB.has(code) && (view.jobs.length === 0 || acts.busy)}
            onClick={() => run(code)}
          >
            <span className="command__name">
              {say(command.label)}
              {code === "CMD-REASON" && stops > 0 && <b> {stops}</b>}
              {code === "CMD-CALL" && calls > 0 && <b> {calls}</b>}
            </span>
            <span className="command__code">{code}</span>
          </button>
        );
      })}
    </nav>
  );
}
