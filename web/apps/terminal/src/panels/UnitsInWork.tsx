/** Pieces in work here, what they still need, and their result. */
import type { UnitInWork } from "@lineside/client/edge.ts";
import { useTerminal } from "../app/terminal.ts";
import { useText } from "../app/words.ts";

const SHOWN_MAX = 2;

/** `SE-7741 ×2`: what is still to be scanned. */
function missingText(missing: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const item of missing) counts.set(item, (counts.get(item) ?? 0) + 1);
  return [...counts].map(([item, count]) => (count > 1 ? `${item} ×${count}` : item)).join(", ");
}

/** Nothing where no piece is in work. */
export function UnitsInWork() {
  const { view } = useTerminal();
  const text = useText();
  const units = view.jobs.flatMap((job) => job.units);
  if (units.length === 0) return null;
  return (
    <div className="panel units">
      {units.slice(-SHOWN_MAX).map((unit) => (
        <Unit key={`${unit.item}-${unit.serial}`} unit={unit} />
      ))}
      {units.length > SHOWN_MAX && (
        <p className="muted">{text("units.more", { count: units.length - SHOWN_MAX })}</p>
      )}
    </div>
  );
}

function Unit({ unit }: { unit: UnitInWork }) {
  const { acts, open } = useTerminal();
  const text = useText();
  return (
    <div className="units__row">
      <div className="units__what">
        <span>
          <span className="muted">{text("units.in_work")} </span>
          <b>{unit.serial}</b>
          {unit.attempt > 1 && <span className="muted"> · {text("units.attempt", { attempt: unit.attempt })}</span>}
        </span>
        {unit.missing.length > 0 && (
          <span className="units__missing">{text("units.missing", { items: missingText(unit.missing) })}</span>
        )}
      </div>
      <button
        type="button"
        className="button units__pass"
        disabled={acts.busy}
        onClick={() => acts.submit({ kind: "finish_unit", serial: unit.serial, result: "pass" })}
      >
        ✓ {text("units.pass")}
      </button>
      <button
        type="button"
        className="button units__fail"
        onClick={() => open({ name: "defect", serial: unit.serial })}
      >
        ✕ {text("units.fail")}
      </button>
    </div>
  );
}
