/** The configuration of an edge as text: checked while it is written, saved as a version. */
import { App, Button, Card, Collapse, Input, Skeleton, Space } from "antd";
import { useEffect, useState } from "react";
import { Problem } from "../app/Problem.tsx";
import { useMay } from "../app/queries.ts";
import { useText } from "../app/words.ts";
import { useCheck, useSave, useVersion } from "./api.ts";
import { Changes } from "./Difference.tsx";
import { TextEditor } from "./TextEditor.tsx";

const PAUSE_MS = 500;
const BEGINNING = "# [scan], [[device]], [[station]]\n";

/** What was typed and not saved, by edge: it outlives a walk to another page. */
const unsaved = new Map<string, { base: number; text: string }>();

interface Props {
  edge: string;
  /** The version that is shown, 0 for the beginning of a new text. */
  base: number;
  /** A version was saved; `send` says that it shall be looked at and sent now. */
  saved: (version: number, send: boolean) => void;
}

export function Editor({ edge, base, saved }: Props) {
  const text = useText();
  const may = useMay();
  const loaded = useVersion(edge, base);
  if (base > 0 && !loaded.data) {
    return loaded.error ? (
      <Problem error={loaded.error} again={() => void loaded.refetch()} />
    ) : (
      <Skeleton active paragraph={{ rows: 10 }} />
    );
  }
  const stored = loaded.data?.text ?? "";
  if (!may("edges.admin")) {
    return (
      <Card size="small" className="block" title={text("config.version_n", { version: base })}>
        <TextEditor value={stored} problems={loaded.data?.problems ?? []} />
      </Card>
    );
  }
  return <Writing key={`${edge} ${base}`} {...{ edge, base, saved }} stored={stored || BEGINNING} />;
}

function Writing({ edge, base, stored, saved }: Props & { stored: string }) {
  const text = useText();
  const { message } = App.useApp();
  const kept = unsaved.get(edge);
  const [value, setValue] = useState(kept?.base === base ? kept.text : stored);
  const [note, setNote] = useState("");
  const [quiet, setQuiet] = useState(value);
  const [sending, setSending] = useState(false);
  const changed = value !== stored;
  useEffect(() => {
    const timer = window.setTimeout(() => setQuiet(value), PAUSE_MS);
    return () => window.clearTimeout(timer);
  }, [value]);
  useEffect(() => {
    if (!changed) {
      unsaved.delete(edge);
      return undefined;
    }
    unsaved.set(edge, { base, text: value });
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", warn);
    return () => window.removeEventListener("beforeunload", warn);
  }, [edge, base, value, changed]);
  const check = useCheck(edge, quiet, quiet.trim() !== "");
  const save = useSave(edge, (version) => {
    unsaved.delete(edge);
    void message.success(text("config.saved", { version: version.version }));
    saved(version.version, sending);
  });
  const store = (andSend: boolean) => {
    setSending(andSend);
    save.mutate({ text: value, note });
  };
  const current = check.data && quiet === value && !check.isPlaceholderData;
  const errors = check.data?.problems.filter((one) => one.severity === "error").length ?? 0;
  return (
    <Card
      size="small"
      className="block"
      title={base > 0 ? text("config.from_version", { version: base }) : text("config.new_text")}
    >
      <TextEditor value={value} problems={check.data?.problems ?? []} onChange={setValue} />
      {check.error && <Problem error={check.error} again={() => void check.refetch()} />}
      <p className="note" role="status">
        {!current
          ? text("config.checking")
          : errors > 0
            ? text("config.errors", { count: errors })
            : text("config.sound")}
      </p>
      <div className="config__save">
        <Input
          aria-label={text("config.note")}
          placeholder={text("config.note")}
          maxLength={1000}
          value={note}
          onChange={(event) => setNote(event.target.value)}
        />
        <Space wrap>
          <Button disabled={!changed} onClick={() => setValue(stored)}>
            {text("config.discard")}
          </Button>
          <Button disabled={!changed} loading={save.isPending && !sending} onClick={() => store(false)}>
            {text("config.save")}
          </Button>
          <Button
            type="primary"
            disabled={!changed || !current || errors > 0}
            loading={save.isPending && sending}
            onClick={() => store(true)}
          >
            {text("config.save_send")}
          </Button>
        </Space>
      </div>
      {check.data && (
        <Collapse
          ghost
          size="small"
          items={[
            {
              key: "changes",
              label: text("config.changes_n", { count: check.data.difference.changes.length }),
              children: <Changes difference={check.data.difference} />,
            },
          ]}
        />
      )}
    </Card>
  );
}
