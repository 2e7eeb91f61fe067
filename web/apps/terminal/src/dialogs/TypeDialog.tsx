/** A number that cannot be scanned is typed, and treated as a scan. */
import { useState } from "react";
import { useTerminal } from "../app/terminal.ts";
import { useText } from "../app/words.ts";
import { escapeRaw } from "../scanning/escape.ts";
import { Confirm, Dialog } from "./Dialog.tsx";
import { TextField } from "./fields.tsx";

/** With its own keyboard for screens without one. */
export function TypeDialog() {
  const { acts, open } = useTerminal();
  const text = useText();
  const [value, setValue] = useState("");
  return (
    <Dialog
      title={text("type.title")}
      foot={
        <Confirm
          label={text("type.confirm")}
          disabled={value.trim() === ""}
          onConfirm={() => {
            acts.submit({ kind: "scan", raw: escapeRaw(value.trim()), source: "wedge" });
            open(null);
          }}
        />
      }
    >
      <TextField label={text("type.label")} value={value} onChange={setValue} keyboard />
    </Dialog>
  );
}
