/** The way in. The first administrator is made with the code that central printed. */
import { Alert, Button, Card, Form, Input } from "antd";
import { useState } from "react";
import { central, dataOf, session } from "@lineside/client/central.ts";
import { LanguageSwitch } from "./LanguageSwitch.tsx";
import { ProblemRest } from "./Problem.tsx";
import { useSayError } from "./saying.ts";
import type { Said } from "./saying.ts";
import { useText } from "./words.ts";

interface Fields {
  user: string;
  password: string;
  code?: string;
}

/** Name and password; a wrong pair says nothing about which of the two. */
export function SignIn() {
  const text = useText();
  const say = useSayError();
  const [first, setFirst] = useState(false);
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<Said | null>(null);
  const submit = async ({ user, password, code }: Fields) => {
    setBusy(true);
    setFault(null);
    try {
      const { token } = await dataOf(
        first
          ? central.POST("/api/v1/auth/first-run", { body: { user, password, code: code ?? "" } })
          : central.POST("/api/v1/auth/login", { body: { user, password } }),
      );
      session.start(token);
    } catch (error) {
      setFault(say(error));
      setBusy(false);
    }
  };
  return (
    <main className="sign-in">
      <Card className="sign-in__card">
        <div className="sign-in__head">
          <h1>Lineside</h1>
          <LanguageSwitch />
        </div>
        <Form<Fields> layout="vertical" requiredMark={false} onFinish={submit} disabled={busy}>
          {first && (
            <Form.Item name="code" label={text("sign_in.code")} rules={[{ required: true, message: text("required") }]}>
              <Input autoComplete="one-time-code" />
            </Form.Item>
          )}
          <Form.Item name="user" label={text("sign_in.user")} rules={[{ required: true, message: text("required") }]}>
            <Input autoComplete="username" autoFocus />
          </Form.Item>
          <Form.Item
            name="password"
            label={text("sign_in.password")}
            rules={[{ required: true, message: text("required") }]}
          >
            <Input.Password autoComplete={first ? "new-password" : "current-password"} />
          </Form.Item>
          <div className="sign-in__fault" aria-live="polite">
            {fault && <Alert type="error" showIcon title={fault.what} description={<ProblemRest said={fault} />} />}
          </div>
          <Button type="primary" htmlType="submit" block size="large" loading={busy}>
            {text(first ? "sign_in.create" : "sign_in.go")}
          </Button>
        </Form>
        <Button type="link" block onClick={() => setFirst(!first)}>
          {text(first ? "sign_in.known" : "sign_in.first")}
        </Button>
      </Card>
    </main>
  );
}
