import { makeUseText } from "@lineside/ui/language.tsx";
import en from "../texts/en.json";
import zh from "../texts/zh.json";

export type Word = keyof typeof zh;
/** The terminal's own words. */
export const useText = makeUseText(zh, en);
