import { makeUseText } from "@lineside/ui/language.tsx";
import { useCallback } from "react";
import en from "./texts/en.json";
import zh from "./texts/zh.json";

/** The board's own words. */
export const useText = makeUseText(zh, en);

/** The word of a name that the agent chose, or the name itself where we have no word. */
export function useNamed(): (prefix: string, name: string) => string {
  const text = useText();
  return useCallback(
    (prefix, name) => {
      const key = `${prefix}.${name}`;
      return key in zh ? text(key as keyof typeof zh) : name;
    },
    [text],
  );
}
