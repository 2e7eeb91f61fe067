/** What went wrong and what to do, in the place where the data would stand. */
import { Alert, Button } from "antd";
import { Refusal } from "@lineside/client/central.ts";
import { useSayError } from "./saying.ts";
import type { Said } from "./saying.ts";
import { useText } from "./words.ts";

/** What to do, the fields that are wrong, and the code, under the sentence that says what. */
export function ProblemRest({ said }: { said: Said }) {
  const text = useText();
  return (
    <>
      {said.todo && <span>{said.todo}</span>}
      {said.fields.length > 0 && (
        <ul className="problem__fields">
          {said.fields.map((one) => (
            <li key={one}>{one}</li>
          ))}
        </ul>
      )}
      {said.code && <span className="problem__code">{text("problem.code", { code: said.code })}</span>}
    </>
  );
}

/** `again` offers another try. */
export function Problem({ error, again }: { error: Error; again?: () => void }) {
  const text = useText();
  const said = useSayError()(error);
  return (
    <Alert
      type={error instanceof Refusal ? "error" : "warning"}
      showIcon
      title={said.what}
      description={<ProblemRest said={said} />}
      action={again && <Button onClick={again}>{text("again")}</Button>}
    />
  );
}
