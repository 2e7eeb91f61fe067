/** What stands above everything while something is wrong with the disk of the line computer. */
import { useSay, useTerminal } from "./terminal.ts";
import { useText } from "./words.ts";

/** Banners between head and panels; without any of them they take no room. */
export function Notices() {
  const { view } = useTerminal();
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
        <p className="notice" role="alert" key={notice.code}>
          <strong>⚠ {say(notice.what)}</strong> {say(notice.why)} <b>{say(notice.todo)}</b>
        </p>
      ))}
    </div>
  );
}
