/** Badges: signing on and off, releasing a first piece, allowing what a rule refused. */
import { useState } from "react";
import { clockTime } from "@lineside/format/time.ts";
import { useLanguage } from "@lineside/ui/language.tsx";
import { useTerminal } from "../app/terminal.ts";
import { useText } from "../app/words.ts";
import { escapeRaw } from "../scanning/escape.ts";
import { useScanTarget } from "../scanning/scans.tsx";
import { CANCEL_CODE, Confirm, Dialog } from "./Dialog.tsx";
import { TextField } from "./fields.tsx";

/** A badge that was scanned or typed; command codes are left to the dialog. */
function useBadge(onBadge: (badge: string) => void): void {
  useScanTarget((raw) => {
    const badge = raw.trim();
    if (badge === "" || badge === CANCEL_CODE || badge.startsWith("CMD-")) return false;
    onBadge(badge);
    return true;
  });
}

/** Who works here. */
export function PeopleDialog() {
  const { view, acts, open } = useTerminal();
  const { language } = useLanguage();
  const text = useText();
  const [badge, setBadge] = useState("");
  const signOn = (scanned: string) => {
    acts.submit({ kind: "scan", raw: escapeRaw(scanned), source: "wedge" });
    open(null);
  };
  useBadge(signOn);
  return (
    <Dialog
      title={text("people.title")}
      foot={
        <Confirm
          label={text("people.sign_on")}
          disabled={badge.trim() === ""}
          onConfirm={() => {
            acts.submit({ kind: "sign_on", badge: badge.trim() });
            open(null);
          }}
        />
      }
    >
      <p className="dialog__lead">{text("people.hint")}</p>
      <ul className="people">
        {view.people.map((one) => (
          <li key={one.person}>
            <span>
              <strong>{one.name || one.person}</strong>{" "}
              <span className="muted">
                {one.name && `${one.person} · `}
                {text("people.since", { time: clockTime(one.since, language, view.time_zone) })}
              </span>
            </span>
            <button
              type="button"
              className="button"
              onClick={() => {
                acts.submit({ kind: "sign_off", person: one.person });
                open(null);
              }}
            >
              {text("people.sign_off")}
            </button>
          </li>
        ))}
      </ul>
      <TextField label={text("people.badge")} value={badge} onChange={setBadge} />
    </Dialog>
  );
}

/** 首件: present the first piece, then a second person releases it. */
export function FirstPieceDialog({ order, operation }: { order: string; operation: string }) {
  const { view, acts, open } = useTerminal();
  const text = useText();
  const [badge, setBadge] = useState("");
  const job = view.jobs.find((one) => one.order === order && one.operation === operation);
  const presented = job?.first_piece === "presented";
  const serial = job?.units.at(-1)?.serial ?? "";
  const release = (by: string) => {
    acts.submit({ kind: "release_first_piece", order, operation, serial, badge: by });
    open(null);
  };
  useScanTarget((raw) => {
    const scanned = raw.trim();
    if (!presented || scanned === "" || scanned.startsWith("CMD-")) return false;
    release(scanned);
    return true;
  });
  return (
    <Dialog
      title={text("first_piece.title")}
      foot={
        presented ? (
          <Confirm label={text("first_piece.release")} disabled={!badge.trim()} onConfirm={() => release(badge.trim())} />
        ) : (
          <Confirm
            label={text("first_piece.present")}
            onConfirm={() => {
              acts.submit({ kind: "first_piece", order, operation, serial });
              open(null);
            }}
          />
        )
      }
    >
      <p className="dialog__lead">{text(presented ? "first_piece.hint_release" : "first_piece.hint_present")}</p>
      {presented && <TextField label={text("people.badge")} value={badge} onChange={setBadge} />}
    </Dialog>
  );
}

/** A person with the right badge allows the act that was refused. */
export function OverrideDialog() {
  const { acts, open } = useTerminal();
  const text = useText();
  const [badge, setBadge] = useState("");
  const refused = acts.verdict?.act ?? null;
  const allow = (by: string) => {
    if (refused) acts.again(refused, { override: by });
    open(null);
  };
  useBadge(allow);
  return (
    <Dialog
      title={text("override.title")}
      foot={<Confirm label={text("override.confirm")} disabled={!badge.trim()} onConfirm={() => allow(badge.trim())} />}
    >
      <p className="dialog__lead">{text("override.hint")}</p>
      <TextField label={text("people.badge")} value={badge} onChange={setBadge} />
    </Dialog>
  );
}
