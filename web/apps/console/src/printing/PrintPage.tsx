/** Travellers, badges and labels, as PDF for paper and ZPL for label printers. */
import { Button, Card, Form, Input, InputNumber, Select, Space } from "antd";
import { useQuery } from "@tanstack/react-query";
import { central, dataOf, within } from "@lineside/client/central.ts";
import { pick, useLanguage } from "@lineside/ui/language.tsx";
import { useFile } from "../app/files.ts";
import { useMay } from "../app/queries.ts";
import { useText } from "../app/words.ts";
import { useItems } from "../orders/api.ts";
import { PageHead } from "../orders/parts.tsx";

const LABELS_MAX = 500;

export default function PrintPage() {
  const text = useText();
  const may = useMay();
  return (
    <>
      <PageHead title={text("nav.print")} />
      <div className="prints">
        <Travellers />
        <Labels />
        <Commands />
        {may("people.read") && <Badges />}
      </div>
    </>
  );
}

function Travellers() {
  const text = useText();
  const { fetchFile, busy } = useFile();
  const orders = useQuery({
    queryKey: ["orders", "print"],
    queryFn: ({ signal }) =>
      dataOf(
        central.GET("/api/v1/mes/work-orders", {
          params: { query: { state: "released", limit: 500 } },
          signal: within(signal),
        }),
      ),
  });
  return (
    <Card title={text("print.travellers")} size="small">
      <Form<{ order: string }>
        layout="vertical"
        onFinish={({ order }) => fetchFile(`/api/v1/mes/prints/travellers/${encodeURIComponent(order)}`)}
      >
        <Form.Item name="order" label={text("orders.number")} rules={[{ required: true, message: text("required") }]}>
          <Select
            showSearch={{ optionFilterProp: "label" }}
            loading={orders.isPending}
            options={orders.data?.items.map((one) => ({ value: one.id, label: `${one.id} · ${one.item}` }))}
          />
        </Form.Item>
        <Button htmlType="submit" loading={busy}>
          PDF
        </Button>
      </Form>
    </Card>
  );
}

function Commands() {
  const text = useText();
  const { fetchFile, busy } = useFile();
  return (
    <Card title={text("print.commands")} size="small">
      <p className="note">{text("print.commands_what")}</p>
      <Form<{ code: string }>
        layout="vertical"
        initialValues={{ code: "qr" }}
        onFinish={({ code }) => fetchFile(`/api/v1/mes/prints/commands?${new URLSearchParams({ code }).toString()}`)}
      >
        <Form.Item name="code" label={text("print.code")}>
          <Select
            options={[
              { value: "qr", label: text("print.qr") },
              { value: "code128", label: text("print.code128") },
            ]}
          />
        </Form.Item>
        <Button htmlType="submit" loading={busy}>
          PDF
        </Button>
      </Form>
    </Card>
  );
}

function Badges() {
  const text = useText();
  const { fetchFile, busy } = useFile();
  const people = useQuery({
    queryKey: ["people", "print"],
    queryFn: ({ signal }) =>
      dataOf(central.GET("/api/v1/mes/persons", { params: { query: { limit: 500 } }, signal: within(signal) })),
  });
  return (
    <Card title={text("print.badges")} size="small">
      <Form<{ people: string[] }>
        layout="vertical"
        onFinish={({ people: chosen }) => {
          const query = new URLSearchParams(chosen.map((id) => ["person", id]));
          fetchFile(`/api/v1/mes/prints/badges?${query.toString()}`);
        }}
      >
        <Form.Item name="people" label={text("nav.people")} rules={[{ required: true, message: text("required") }]}>
          <Select
            mode="multiple"
            optionFilterProp="label"
            loading={people.isPending}
            options={people.data?.items
              .filter((one) => one.badge !== "")
              .map((one) => ({ value: one.id, label: `${one.name} · ${one.badge}` }))}
          />
        </Form.Item>
        <Button htmlType="submit" loading={busy}>
          PDF
        </Button>
      </Form>
    </Card>
  );
}

interface LabelFields {
  item: string;
  serials: string;
  prefix: string;
  first: number;
  count: number;
  width: number;
}

/** Serial numbers from the list, and from the range where a count is given. */
function serialsOf({ serials, prefix, first, count, width }: LabelFields): string[] {
  const listed = serials.split("\n").map((one) => one.trim()).filter(Boolean);
  const ranged = Array.from({ length: count }, (_, index) => prefix + String(first + index).padStart(width, "0"));
  return [...listed, ...ranged].slice(0, LABELS_MAX);
}

function Labels() {
  const text = useText();
  const { language } = useLanguage();
  const { fetchFile, busy } = useFile();
  const [form] = Form.useForm<LabelFields>();
  const items = useItems();
  const print = async (format: "pdf" | "zpl") => {
    const fields = await form.validateFields().catch(() => null);
    if (!fields) return;
    const query = new URLSearchParams([["item", fields.item], ["format", format]]);
    for (const serial of serialsOf(fields)) query.append("serial", serial);
    fetchFile(`/api/v1/mes/prints/unit-labels?${query.toString()}`, format === "zpl" ? "unit-labels.zpl" : undefined);
  };
  return (
    <Card title={text("print.labels")} size="small">
      <Form<LabelFields>
        form={form}
        layout="vertical"
        initialValues={{ serials: "", prefix: "", first: 1, count: 0, width: 8 }}
      >
        <Form.Item name="item" label={text("orders.item")} rules={[{ required: true, message: text("required") }]}>
          <Select
            showSearch={{ optionFilterProp: "label" }}
            loading={items.isPending}
            options={items.data?.items.map((one) => ({
              value: one.id,
              label: `${one.id} · ${pick(language, one.name_zh, one.name)}`,
            }))}
          />
        </Form.Item>
        <Form.Item
          name="serials"
          label={text("print.serials")}
          dependencies={["count"]}
          rules={[
            ({ getFieldValue }) => ({
              validator: (_, value: string) =>
                value.trim() !== "" || (getFieldValue("count") as number) > 0
                  ? Promise.resolve()
                  : Promise.reject(new Error(text("required"))),
            }),
          ]}
        >
          <Input.TextArea rows={4} />
        </Form.Item>
        <div className="form-row form-row--four">
          <Form.Item name="prefix" label={text("print.prefix")}>
            <Input maxLength={40} />
          </Form.Item>
          <Form.Item name="first" label={text("print.first")}>
            <InputNumber min={0} precision={0} style={{ width: "100%" }} />
          </Form.Item>
          <Form.Item name="count" label={text("print.count")}>
            <InputNumber min={0} max={LABELS_MAX} precision={0} style={{ width: "100%" }} />
          </Form.Item>
          <Form.Item name="width" label={text("print.width")}>
            <InputNumber min={1} max={18} precision={0} style={{ width: "100%" }} />
          </Form.Item>
        </div>
        <Space>
          <Button loading={busy} onClick={() => void print("pdf")}>
            PDF
          </Button>
          <Button loading={busy} onClick={() => void print("zpl")}>
            ZPL
          </Button>
        </Space>
      </Form>
    </Card>
  );
}
