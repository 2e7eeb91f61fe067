/** A new order; no edge knows of it before its release. */
import { DatePicker, Form, Input, InputNumber, Modal, Select, Switch } from "antd";
import type { Dayjs } from "dayjs";
import { App } from "antd";
import { pick, useLanguage } from "@lineside/ui/language.tsx";
import { useText } from "../app/words.ts";
import { useCreateOrder, useItems } from "./api.ts";

interface Fields {
  id: string;
  item: string;
  quantity: string;
  priority: number;
  due: Dayjs | null;
  serial_tracked: boolean;
}

export function CreateOrder({ close }: { close: () => void }) {
  const text = useText();
  const { language } = useLanguage();
  const { message } = App.useApp();
  const [form] = Form.useForm<Fields>();
  const items = useItems();
  const create = useCreateOrder((order) => {
    void message.success(text("orders.created", { order: order.id }));
    close();
  });
  const required = [{ required: true, message: text("required") }];
  return (
    <Modal
      open
      title={text("orders.create")}
      okText={text("orders.create_ok")}
      onCancel={close}
      onOk={() => form.submit()}
      confirmLoading={create.isPending}
      destroyOnHidden
    >
      <Form<Fields>
        form={form}
        layout="vertical"
        initialValues={{ priority: 100, serial_tracked: true, due: null }}
        onFinish={(fields) =>
          create.mutate({
            id: fields.id.trim(),
            item: fields.item,
            quantity: String(fields.quantity),
            priority: fields.priority,
            due_at: fields.due ? fields.due.toISOString() : null,
            serial_tracked: fields.serial_tracked,
          })
        }
      >
        <Form.Item name="id" label={text("orders.number")} rules={required}>
          <Input autoFocus maxLength={100} />
        </Form.Item>
        <Form.Item name="item" label={text("orders.item")} rules={required}>
          <Select
            showSearch={{ optionFilterProp: "label" }}
            loading={items.isPending}
            options={items.data?.items.map((item) => ({
              value: item.id,
              label: `${item.id} · ${pick(language, item.name_zh, item.name)}`,
            }))}
          />
        </Form.Item>
        <div className="form-row">
          <Form.Item name="quantity" label={text("orders.quantity")} rules={required}>
            <InputNumber<string> stringMode min="0.000001" style={{ width: "100%" }} />
          </Form.Item>
          <Form.Item name="priority" label={text("orders.priority_hint")} rules={required}>
            <InputNumber min={0} max={10000} precision={0} style={{ width: "100%" }} />
          </Form.Item>
        </div>
        <div className="form-row">
          <Form.Item name="due" label={text("orders.due")}>
            <DatePicker showTime={{ format: "HH:mm" }} style={{ width: "100%" }} />
          </Form.Item>
          <Form.Item name="serial_tracked" label={text("orders.serial_tracked")} valuePropName="checked">
            <Switch />
          </Form.Item>
        </div>
      </Form>
    </Modal>
  );
}
