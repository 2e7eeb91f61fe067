/** Before a version goes out: what it changes; and to which other edges it is copied. */
import { App, Form, InputNumber, Modal, Select } from "antd";
import { useState } from "react";
import { useText } from "../app/words.ts";
import { useCopy, useEdges, useSend } from "./api.ts";
import { DifferenceOf } from "./Difference.tsx";

const TRIAL_S = 60;

interface Sending {
  edge: string;
  version: number;
  /** The version that was sent last as the person saw it, 0 for none. */
  seen: number;
  close: () => void;
}

export function SendDialog({ edge, version, seen, close }: Sending) {
  const text = useText();
  const { message } = App.useApp();
  const [trial, setTrial] = useState(TRIAL_S);
  const send = useSend(edge, (sent) => {
    void message.success(text("config.is_sent", { version: sent.version, edge }));
    close();
  });
  return (
    <Modal
      open
      width={760}
      title={text("config.send_title", { version, edge })}
      okText={text("config.send")}
      confirmLoading={send.isPending}
      onOk={() => send.mutate({ version, trial_s: trial, seen })}
      onCancel={close}
    >
      <DifferenceOf edge={edge} version={version} against={null} />
      <Form layout="vertical" className="config__trial">
        <Form.Item label={text("config.trial_s")} extra={text("config.trial_hint")}>
          <InputNumber
            aria-label={text("config.trial_s")}
            min={1}
            max={3600}
            precision={0}
            value={trial}
            onChange={(value) => setTrial(value ?? TRIAL_S)}
          />
        </Form.Item>
      </Form>
    </Modal>
  );
}

export function CopyDialog({ edge, version, close }: { edge: string; version: number; close: () => void }) {
  const text = useText();
  const { message } = App.useApp();
  const edges = useEdges();
  const [chosen, setChosen] = useState<string[]>([]);
  const copy = useCopy(edge, (copies) => {
    void message.success(text("config.copied", { edges: copies.map((one) => one.edge).join(", ") }));
    close();
  });
  return (
    <Modal
      open
      title={text("config.copy_title", { version, edge })}
      okText={text("config.copy")}
      okButtonProps={{ disabled: chosen.length === 0 }}
      confirmLoading={copy.isPending}
      onOk={() => copy.mutate({ version, edges: chosen })}
      onCancel={close}
    >
      <p className="note">{text("config.copy_hint")}</p>
      <Select
        mode="multiple"
        className="config__edges"
        aria-label={text("config.copy_to")}
        placeholder={text("config.copy_to")}
        value={chosen}
        onChange={setChosen}
        options={(edges.data ?? [])
          .filter((one) => one.edge !== edge && !one.revoked)
          .map((one) => ({ value: one.edge, label: one.name ? `${one.edge} · ${one.name}` : one.edge }))}
      />
    </Modal>
  );
}

/** What a version changes against the one before it. */
export function DifferenceDialog({ edge, version, close }: { edge: string; version: number; close: () => void }) {
  const text = useText();
  return (
    <Modal open width={760} footer={null} title={text("config.difference_title", { version })} onCancel={close}>
      <DifferenceOf edge={edge} version={version} against={version - 1} />
    </Modal>
  );
}
