/** Words in two languages. Keys are typed; a missing one does not compile. */
import { createContext, useCallback, useContext, useEffect, useMemo, useState } from "react";
import type { ReactNode } from "react";
import type { Language } from "@lineside/format/time.ts";

export type { Language };
export type Texts = Readonly<Record<string, string>>;
export type Params = Readonly<Record<string, string | number>>;

const STORED_AS = "lineside.language";

function firstLanguage(): Language {
  const asked = new URLSearchParams(window.location.search).get("lang");
  if (asked) return asked.toLowerCase().startsWith("zh") ? "zh" : "en";
  try {
    const stored = window.localStorage.getItem(STORED_AS);
    if (stored === "zh" || stored === "en") return stored;
  } catch {
    // A browser without storage still has a language of its own.
  }
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

interface LanguageChoice {
  language: Language;
  choose: (language: Language) => void;
}

const LanguageContext = createContext<LanguageChoice>({ language: "zh", choose: () => undefined });

/** The document says which language it is in: to browsers, to readers, and to our own requests. */
function tell(language: Language): void {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
}

/** Holds the language for everything below and tells the browser about it. */
export function LanguageProvider({ children }: { children: ReactNode }) {
  const [language, setLanguage] = useState<Language>(() => {
    const first = firstLanguage();
    tell(first); // before anything below asks a server
    return first;
  });
  useEffect(() => {
    tell(language);
  }, [language]);
  const choose = useCallback((next: Language) => {
    setLanguage(next);
    try {
      window.localStorage.setItem(STORED_AS, next);
    } catch {
      // The choice lives until the page is closed.
    }
  }, []);
  const value = useMemo(() => ({ language, choose }), [language, choose]);
  return <LanguageContext.Provider value={value}>{children}</LanguageContext.Provider>;
}

/** The language in force and how to change it. */
export function useLanguage(): LanguageChoice {
  return useContext(LanguageContext);
}

/** Put values into `{name}` places of a text. */
export function fill(text: string, params: Params = {}): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(params[name] ?? whole));
}

/** Make the text hook of an app from its two dictionaries. */
export function makeUseText<T extends Texts>(zh: T, en: { [K in keyof T]: string }) {
  return function useText() {
    const { language } = useLanguage();
    return useCallback(
      (key: keyof T & string, params?: Params): string => {
        const text: string = (language === "zh" ? zh : en)[key];
        return fill(text, params);
      },
      [language],
    );
  };
}

/** Pick the label of the language from a pair, falling back to the other one. */
export function pick(language: Language, zh: string | null | undefined, en: string | null | undefined): string {
  return (language === "zh" ? zh || en : en || zh) ?? "";
}
