/** What went wrong and what to do, in the place where the data would stand. */
import { Alert, Button } from "antd";
import { useCallback } from "react";
import { Refusal } from "@lineside/client/central.ts";
import { useNamed, useText } from "./words.ts";

/** What an error says and what to do: in our words where we have some, else in central's. */
export function useSayError(): (error: unknown) => { what: string; todo: string } {
  const text = useText();
  const named = useNamed();
  return useCallback(
    (error: unknown) => {
      if (!(error instanceof Refusal)) return { what: text("unreachable.title"), todo: text("unreachable.hint") };
      const { code, detail, hint } = error.problem;
      const own = named("problem", code);
      return own === code ? { what: detail, todo: hint || code } : { what: own, todo: named("problem_todo", code) };
    },
    [text, named],
  );
}

/** `again` offers another try. */
export function Problem({ error, again }: { error: Error; again?: () => void }) {
  const text = useText();
  const say = useSayError();
  const { what, todo } = say(error);
  return (
    <Alert
      type={error instanceof Refusal ? "error" : "warning"}
      showIcon
      title={what}
      description={todo}
      action={again && <Button onClick={again}>{text("again")}</Button>}
    />
  );
}
