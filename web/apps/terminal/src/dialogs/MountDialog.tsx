/** Material at the station: what is mounted, a lot to mount, what is left when it comes off. */
import { useState } from "react";
import { quantityText } from "@lineside/format/numbers.ts";
import { useLanguage } from "@lineside/ui/language.tsx";
import type { Mounted } from "@lineside/client/edge.ts";
import { useTerminal } from "../app/terminal.ts";
import { useText } from "../app/words.ts";
import { escapeRaw } from "../scanning/escape.ts";
import { useScanTarget } from "../scanning/scans.tsx";
import type { Frame } from "../server/useActs.ts";
import { Choice, Confirm, Dialog } from "./Dialog.tsx";
import { AmountField, isAmount, TextField } from "./fields.tsx";

/** A scanned lot is mounted at once where nothing else was chosen. */
export function MountDialog({ lot: given, frame }: { lot?: string | undefined; frame?: Frame | undefined }) {
  const { view, acts, open } = useTerminal();
  const { language } = useLanguage();
  const text = useText();
  const [lot, setLot] = useState(given ?? "");
  const [position, setPosition] = useState("");
  const [quantity, setQuantity] = useState("");
  const [leaving, setLeaving] = useState<Mounted | null>(null);

  const mount = (number: string) => {
    acts.submit(
      { kind: "mount", lot: number, position, quantity: isAmount(quantity) ? quantity : null },
      frame,
    );
    open(null);
  };
  useScanTarget((raw) => {
    if (raw.trim().startsWith("CMD-")) return false;
    // A label with more than a number (GS1) is for the agent to read.
    if (!frame && (/^\][A-Za-z]\d/.test(raw) || escapeRaw(raw) !== raw)) {
      acts.submit({ kind: "scan", raw: escapeRaw(raw), source: "wedge" });
      open(null);
    } else mount(raw.trim());
    return true;
  });

  if (leaving) return <UnmountDialog mounted={leaving} />;
  return (
    <Dialog
      title={text("mount.title")}
      foot={<Confirm label={text("mount.confirm")} disabled={!lot.trim()} onConfirm={() => mount(lot.trim())} />}
    >
      <p className="dialog__lead">{text("mount.hint")}</p>
      <ul className="people">
        {view.mounted.map((one) => (
          <li key={`${one.position}-${one.lot}`}>
            <span>
              <strong>
                {one.position} · {one.lot}
              </strong>{" "}
              <span className="muted">
                {one.item} · {text("mount.left", { quantity: quantityText(one.left, one.unit, language) })}
              </span>
            </span>
            <button type="button" className="button" onClick={() => setLeaving(one)}>
              {text("mount.unmount")}
            </button>
          </li>
        ))}
      </ul>
      <div className="dialog__row">
        <TextField label={text("mount.lot")} value={lot} onChange={setLot} />
        <AmountField label={text("mount.quantity")} value={quantity} onChange={setQuantity} />
      </div>
      {view.mounted.length > 0 && (
        <div className="choices" role="group" aria-label={text("mount.position")}>
          {[...new Set(view.mounted.map((one) => one.position))].map((place, index) => (
            <Choice
              key={place}
              code={`CMD-${index + 1}`}
              label={`${text("mount.position")} ${place}`}
              chosen={position === place}
              onChoose={() => setPosition(position === place ? "" : place)}
            />
          ))}
        </div>
      )}
    </Dialog>
  );
}

function UnmountDialog({ mounted }: { mounted: Mounted }) {
  const { acts, open } = useTerminal();
  const { language } = useLanguage();
  const text = useText();
  const [left, setLeft] = useState("");
  return (
    <Dialog
      title={text("mount.unmount_title", { lot: mounted.lot, position: mounted.position })}
      foot={
        <Confirm
          label={text("mount.unmount")}
          disabled={left !== "" && !isAmount(left, false)}
          onConfirm={() => {
            acts.submit({
              kind: "unmount",
              position: mounted.position,
              lot: mounted.lot,
              left: left === "" ? null : left,
            });
            open(null);
          }}
        />
      }
    >
      <p className="dialog__lead">
        {text("mount.left_hint", { quantity: quantityText(mounted.left, mounted.unit, language) })}
      </p>
      <AmountField label={text("mount.left_label")} value={left} onChange={setLeft} scannable />
    </Dialog>
  );
}
