/** An operation goes to other stations: after its edge has confirmed, or by force. */
import { Alert, App, Checkbox, Form, Input, Modal, Select } from "antd";
import type { Order } from "@lineside/client/central.ts";
import { pick, useLanguage } from "@lineside/ui/language.tsx";
import { useText } from "../app/words.ts";
import { useOrderAct, useStations } from "./api.ts";

interface Fields {
  operation: string;
  stations: string[];
  reason: string;
  force: boolean;
}

export function MoveOperation({ order, close }: { order: Order; close: () => void }) {
  const text = useText();
  const { language } = useLanguage();
  const { message } = App.useApp();
  const [form] = Form.useForm<Fields>();
  const stations = useStations();
  const force = Form.useWatch("force", form);
  const move = useOrderAct(() => {
    void message.success(text("act_done.move", { order: order.id }));
    close();
  });
  const required = [{ required: true, message: text("required") }];
  const edges = [...new Set(stations.data?.items.map((one) => one.edge))];
  return (
    <Modal
      open
      title={`${text("act.move")} · ${order.id}`}
      okText={text("act.move")}
      okButtonProps={{ danger: force }}
      confirmLoading={move.isPending}
      onOk={() => form.submit()}
      onCancel={close}
    >
      <Form<Fields>
        form={form}
        layout="vertical"
        initialValues={{ operation: order.steps[0]?.operation, force: false, reason: "" }}
        onFinish={(fields) => move.mutate({ act: "move", order, ...fields })}
      >
        <Form.Item name="operation" label={text("operation")} rules={required}>
          <Select
            options={order.steps.map((step) => ({
              value: step.operation,
              label: `${step.operation} ${pick(language, step.name_zh, step.name)} (${step.edge}: ${step.stations.join(", ")})`,
            }))}
          />
        </Form.Item>
        <Form.Item name="stations" label={text("move.stations")} rules={required}>
          <Select
            mode="multiple"
            loading={stations.isPending}
            options={edges.map((edge) => ({
              label: edge,
              options: (stations.data?.items ?? [])
                .filter((one) => one.edge === edge)
                .map((one) => ({ value: one.id, label: `${one.id} ${pick(language, one.name_zh, one.name)}` })),
            }))}
          />
        </Form.Item>
        <Form.Item name="reason" label={text("ask.reason")}>
          <Input maxLength={500} />
        </Form.Item>
        <Form.Item name="force" valuePropName="checked">
          <Checkbox>{text("move.force")}</Checkbox>
        </Form.Item>
        {force && <Alert type="warning" showIcon title={text("move.force_warning")} />}
      </Form>
    </Modal>
  );
}
