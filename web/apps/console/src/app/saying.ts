/** Errors as sentences: what is wrong, what to do, and the code for whoever is asked about it. */
import { useCallback } from "react";
import { Refusal } from "@lineside/client/central.ts";
import { useNamed, useText } from "./words.ts";

export interface Said {
  what: string;
  todo: string;
  /** Name of the problem for whoever is asked about it; empty where central did not answer. */
  code: string;
  /** Fields that are wrong, one sentence each. */
  fields: readonly string[];
}

/** What an error says and what to do: in our words where we have some, else in central's. */
export function useSayError(): (error: unknown) => Said {
  const text = useText();
  const named = useNamed();
  return useCallback(
    (error: unknown) => {
      if (!(error instanceof Refusal)) {
        return { what: text("unreachable.title"), todo: text("unreachable.hint"), code: "", fields: [] };
      }
      const { code, detail, hint, errors } = error.problem;
      const fields = (errors ?? []).map((one) => `${one.field.replace(/^(body|query|path)\./, "")}: ${one.message}`);
      const own = named("problem", code);
      const known = own !== code;
      // Our words are shorter; what central says names the thing, so it stays where it says more.
      return known
        ? { what: own, todo: named("problem_todo", code), code, fields }
        : { what: detail, todo: hint, code, fields: fields.length > 1 ? fields : [] };
    },
    [text, named],
  );
}

/** One line for a message that goes by itself: `What. What to do. (code)`. */
export function sentence({ what, todo, code, fields }: Said): string {
  return [what, todo, ...fields, code && `(${code})`].filter(Boolean).join(" ");
}
