/** What stands above everything: what is wrong with the line computer, and news of its configuration. */
import { useSay, useTerminal } from "./terminal.ts";
import { useText } from "./words.ts";

/** Notices that say that something went well. */
const GOOD = new Set(["configuration.applied"]);

/** Banners between head and panels; without any of them they take no room. */
export function Notices() {
  const { view, acts } = useTerminal();
  const text = useText();
  const say = useSay();
  return (
    <div className="notices">
      {view.saving && (
        <p className="notice notice--saving" role="status">
          <strong>{text("saving")}</strong> {text("saving.wait")}
        </p>
      )}
      {view.notices.map((notice) => (
        <p
          className={GOOD.has(notice.code) ? "notice notice--saving" : "notice"}
          role={GOOD.has(notice.code) ? "status" : "alert"}
          key={notice.code}
        >
          <strong>{GOOD.has(notice.code) ? "✓" : "⚠"} {say(notice.what)}</strong> {say(notice.why)} <b>{say(notice.todo)}</b>
          {notice.acknowledge && (
            <button
              type="button"
              className="button notice__act"
              disabled={acts.busy}
              onClick={() => acts.submit({ kind: "acknowledge_notice", notice: "journal.salvaged" })}
            >
              {text("notice.acknowledge")}
            </button>
          )}
        </p>
      ))}
    </div>
  );
}
