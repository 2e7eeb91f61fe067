/** People and their badges; events hold only the opaque id. */
import { App, Button, Empty, Form, Input, Modal, Popconfirm, Select, Skeleton, Space, Table } from "antd";
import type { TableColumnsType } from "antd";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { central, dataOf, within, writeHeaders } from "@lineside/client/central.ts";
import type { Person } from "@lineside/client/central.ts";
import { useFile } from "../app/files.ts";
import { Problem } from "../app/Problem.tsx";
import { useAct, useMay } from "../app/queries.ts";
import { useNamed, useText } from "../app/words.ts";
import { PageHead, StateTag } from "../orders/parts.tsx";

const ROLES = ["operator", "shift_leader", "setter", "inspector", "quality", "maintenance"];
const REFRESH = [["people"]];

export default function PeoplePage() {
  const text = useText();
  const named = useNamed();
  const may = useMay();
  const { fetchFile } = useFile();
  const [editing, setEditing] = useState<Person | "new" | null>(null);
  const people = useInfiniteQuery({
    queryKey: ["people"],
    initialPageParam: "",
    queryFn: ({ pageParam, signal }) =>
      dataOf(
        central.GET("/api/v1/mes/persons", {
          params: { query: { cursor: pageParam, limit: 100 } },
          signal: within(signal),
        }),
      ),
    getNextPageParam: (page) => page.next_cursor,
  });
  const forget = useAct(
    (person: Person, key) =>
      dataOf(
        central.DELETE("/api/v1/mes/persons/{person}", {
          params: { path: { person: person.id } },
          headers: writeHeaders(key),
        }),
      ),
    { refresh: REFRESH },
  );
  const columns: TableColumnsType<Person> = [
    { title: text("people.name"), dataIndex: "name" },
    { title: text("people.id"), dataIndex: "id" },
    { title: text("people.badge"), dataIndex: "badge", render: (badge: string) => badge || "–" },
    {
      title: text("people.roles"),
      dataIndex: "roles",
      render: (roles: string[]) => roles.map((role) => named("role", role)).join(", "),
    },
    {
      title: text("orders.state"),
      dataIndex: "active",
      render: (active: boolean) => (
        <StateTag state={active ? "active" : "inactive"} look="neutral" shape={active ? "✓" : "–"} />
      ),
    },
    {
      title: text("orders.acts"),
      key: "acts",
      render: (_, person) => (
        <Space>
          {may("people.write") && (
            <Button size="small" onClick={() => setEditing(person)}>
              {text("edit")}
            </Button>
          )}
          {may("labels.print") && person.badge && (
            <Button
              size="small"
              onClick={() => fetchFile(`/api/v1/mes/prints/badges?person=${encodeURIComponent(person.id)}`)}
            >
              {text("print.badge")}
            </Button>
          )}
          {may("people.write") && (
            <Popconfirm
              title={text("people.forget_title")}
              description={text("people.forget_hint")}
              okText={text("people.forget")}
              onConfirm={() => forget.mutate(person)}
            >
              <Button size="small" danger>
                {text("people.forget")}
              </Button>
            </Popconfirm>
          )}
        </Space>
      ),
    },
  ];
  return (
    <>
      <PageHead title={text("nav.people")}>
        {may("people.write") && (
          <Button type="primary" onClick={() => setEditing("new")}>
            {text("people.create")}
          </Button>
        )}
      </PageHead>
      {people.error && <Problem error={people.error} again={() => void people.refetch()} />}
      {people.isPending && !people.error ? (
        <Skeleton active paragraph={{ rows: 8 }} />
      ) : (
        <Table<Person>
          rowKey="id"
          size="middle"
          columns={columns}
          dataSource={people.data?.pages.flatMap((page) => page.items) ?? []}
          pagination={false}
          scroll={{ x: 800 }}
          locale={{ emptyText: <Empty description={text("people.empty")} /> }}
        />
      )}
      {people.hasNextPage && (
        <div className="more">
          <Button onClick={() => void people.fetchNextPage()}>{text("more")}</Button>
        </div>
      )}
      {editing && <EditPerson person={editing === "new" ? null : editing} close={() => setEditing(null)} />}
    </>
  );
}

interface Fields {
  name: string;
  badge: string;
  roles: string[];
  active: boolean;
}

function EditPerson({ person, close }: { person: Person | null; close: () => void }) {
  const text = useText();
  const named = useNamed();
  const { message } = App.useApp();
  const [form] = Form.useForm<Fields>();
  const save = useAct(
    (fields: Fields, key) =>
      person
        ? dataOf(
            central.PATCH("/api/v1/mes/persons/{person}", {
              params: { path: { person: person.id } },
              body: fields,
              headers: writeHeaders(key, person.revision),
            }),
          )
        : dataOf(
            central.POST("/api/v1/mes/persons", {
              body: { name: fields.name, badge: fields.badge, roles: fields.roles },
              headers: writeHeaders(key),
            }),
          ),
    {
      refresh: REFRESH,
      done: () => {
        void message.success(text("saved"));
        close();
      },
    },
  );
  return (
    <Modal
      open
      title={text(person ? "people.change" : "people.create")}
      okText={text("save")}
      confirmLoading={save.isPending}
      onOk={() => form.submit()}
      onCancel={close}
    >
      <Form<Fields>
        form={form}
        layout="vertical"
        initialValues={person ?? { name: "", badge: "", roles: ["operator"], active: true }}
        onFinish={(fields) => save.mutate({ ...fields, active: fields.active ?? true })}
      >
        <Form.Item name="name" label={text("people.name")} rules={[{ required: true, message: text("required") }]}>
          <Input autoFocus maxLength={200} />
        </Form.Item>
        <Form.Item name="badge" label={text("people.badge")} extra={text("people.badge_hint")}>
          <Input maxLength={100} />
        </Form.Item>
        <Form.Item name="roles" label={text("people.roles")}>
          <Select mode="tags" options={ROLES.map((role) => ({ value: role, label: named("role", role) }))} />
        </Form.Item>
        {person && (
          <Form.Item name="active" label={text("orders.state")}>
            <Select
              options={[
                { value: true, label: named("order_state", "active") },
                { value: false, label: named("order_state", "inactive") },
              ]}
            />
          </Form.Item>
        )}
      </Form>
    </Modal>
  );
}
