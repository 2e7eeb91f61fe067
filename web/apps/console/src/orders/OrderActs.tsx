/** What may be done with an order in its state; the next step is a button, the rest a menu. */
import { App, Button, Dropdown, Input, InputNumber, Modal, Space } from "antd";
import { useState } from "react";
import type { Order } from "@lineside/client/central.ts";
import { useMay } from "../app/queries.ts";
import { useText } from "../app/words.ts";
import type { Word } from "../app/words.ts";
import { useOrderAct } from "./api.ts";
import { MoveOperation } from "./MoveOperation.tsx";

type Kind = "release" | "resume" | "hold" | "prioritise" | "move" | "finish" | "cancel";

const POSSIBLE: Record<string, readonly Kind[]> = {
  created: ["release", "prioritise", "cancel"],
  released: ["hold", "prioritise", "move", "finish", "cancel"],
  held: ["resume", "prioritise", "move", "finish", "cancel"],
};

export function OrderActs({ order, size = "small" }: { order: Order; size?: "small" | "medium" }) {
  const text = useText();
  const may = useMay();
  const { message } = App.useApp();
  const [asking, setAsking] = useState<Kind | null>(null);
  const act = useOrderAct((_, done) => {
    void message.success(text(`act_done.${done.act}` satisfies Word, { order: order.id }));
    setAsking(null);
  });
  const [first, ...rest] = may("orders.write") ? (POSSIBLE[order.state] ?? []) : [];
  if (!first) return <span className="quiet">–</span>;
  const begin = (kind: Kind) => {
    if (kind === "release" || kind === "resume") act.mutate({ act: kind, order });
    else setAsking(kind);
  };
  return (
    <Space.Compact>
      <Button size={size} loading={act.isPending && asking === null} onClick={() => begin(first)}>
        {text(`act.${first}`)}
      </Button>
      <Dropdown
        trigger={["click"]}
        menu={{
          items: rest.map((kind) => ({ key: kind, label: text(`act.${kind}`), danger: kind === "cancel" })),
          onClick: ({ key }) => begin(key as Kind),
        }}
      >
        <Button size={size} aria-label={text("act.more", { order: order.id })}>
          ▾
        </Button>
      </Dropdown>
      {asking === "move" && <MoveOperation order={order} close={() => setAsking(null)} />}
      {asking !== null && asking !== "move" && (
        <Ask
          kind={asking}
          order={order}
          busy={act.isPending}
          close={() => setAsking(null)}
          go={(value) => {
            if (asking === "hold") act.mutate({ act: "hold", order, reason: value });
            else if (asking === "prioritise") act.mutate({ act: "prioritise", order, priority: Number(value) });
            else act.mutate({ act: asking, order });
          }}
        />
      )}
    </Space.Compact>
  );
}

interface AskProps {
  kind: Exclude<Kind, "move">;
  order: Order;
  busy: boolean;
  close: () => void;
  go: (value: string) => void;
}

/** One question before an act: a reason, a number, or whether it is meant. */
function Ask({ kind, order, busy, close, go }: AskProps) {
  const text = useText();
  const [value, setValue] = useState(kind === "prioritise" ? String(order.priority) : "");
  const missing = kind === "hold" && value.trim() === "";
  return (
    <Modal
      open
      title={`${text(`act.${kind}`)} · ${order.id}`}
      okText={text(`act.${kind}`)}
      okButtonProps={{ danger: kind === "cancel", disabled: missing }}
      confirmLoading={busy}
      onOk={() => go(value.trim())}
      onCancel={close}
    >
      <p>{text(`ask.${kind}`)}</p>
      {kind === "hold" && (
        <Input
          autoFocus
          aria-label={text("ask.reason")}
          placeholder={text("ask.reason")}
          value={value}
          maxLength={500}
          onChange={(event) => setValue(event.target.value)}
          onPressEnter={() => !missing && go(value.trim())}
        />
      )}
      {kind === "prioritise" && (
        <InputNumber
          autoFocus
          aria-label={text("orders.priority")}
          min={0}
          max={10000}
          precision={0}
          value={Number(value)}
          onChange={(next) => setValue(String(next ?? 0))}
          onPressEnter={() => go(value)}
        />
      )}
    </Modal>
  );
}
