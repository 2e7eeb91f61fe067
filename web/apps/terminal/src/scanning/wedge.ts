/**
 * Tells a scanner that types like a keyboard from a person: a fast burst of keys, ended by Enter.
 *
 * Pure: keys and their times in, what to do with each key out. The hook beside it owns the page's events.
 */

export interface Key {
  key: string;
  code: string;
  ctrl: boolean;
  alt: boolean;
  shift: boolean;
  meta: boolean;
  /** Milliseconds, from any fixed start. */
  at: number;
}

export interface WedgeSettings {
  /** Longest pause between two keys of one scan. */
  gapMs: number;
  /** Shortest scan; fewer keys before Enter are a person. */
  charsMin: number;
  /** A character that the scanner sends where the symbol holds GS; empty: it sends GS itself. */
  separator: string;
}

export const WEDGE_DEFAULTS: WedgeSettings = { gapMs: 60, charsMin: 1, separator: "" };

export type WedgeStep =
  | { step: "ignore" } // not a key of a scan
  | { step: "begin" } // may be the first key of a scan
  | { step: "swallow" } // inside a burst: the page must not act on it
  | { step: "scan"; raw: string }; // complete

const GS = "\x1d";
const SCAN_CHARS_MAX = 4096;
const CONTROL_KEYS: Record<string, string> = {
  BracketRight: GS,
  BracketLeft: "\x1b",
  Backslash: "\x1c",
  Digit6: "\x1e",
  Minus: "\x1f",
};
const SHIFTED_DIGITS = ")!@#$%^&*(";
const SYMBOLS: Record<string, string> = {
  Minus: "-_",
  Equal: "=+",
  BracketLeft: "[{",
  BracketRight: "]}",
  Backslash: "\\|",
  Semicolon: ";:",
  Quote: "'\"",
  Comma: ",<",
  Period: ".>",
  Slash: "/?",
  Backquote: "`~",
  Space: "  ",
};

/** The character that a control combination stands for: Ctrl+] is GS. */
function controlCharacter(key: Key): string | null {
  const named = CONTROL_KEYS[key.code];
  if (named) return named;
  if (key.key === "]") return GS;
  if (/^Key[A-Z]$/.test(key.code)) return String.fromCharCode(key.code.charCodeAt(3) & 0x1f);
  return null;
}

/** What the key would type on a US layout; scanners type one, and an input method hides `key`. */
function behindInputMethod(key: Key): string | null {
  const upper = key.shift ? 1 : 0;
  if (/^Key[A-Z]$/.test(key.code)) {
    const letter = key.code.charAt(3);
    return key.shift ? letter : letter.toLowerCase();
  }
  if (/^(Digit|Numpad)\d$/.test(key.code)) {
    const digit = key.code.slice(-1);
    return key.shift && key.code.startsWith("Digit") ? SHIFTED_DIGITS.charAt(Number(digit)) : digit;
  }
  return SYMBOLS[key.code]?.charAt(upper) ?? null;
}

/** Collects the keys of one page. */
export class Wedge {
  private chars: string[] = [];
  private altDigits = "";
  private lastAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly settings: WedgeSettings = WEDGE_DEFAULTS) {}

  /** Take one key and say what it was. */
  take(key: Key): WedgeStep {
    if (["Shift", "Control", "CapsLock", "NumLock", "Meta"].includes(key.key)) {
      return { step: "ignore" };
    }
    if (key.at - this.lastAt > this.settings.gapMs) this.forget();
    const burst = this.chars.length > 0;
    if (key.key === "Alt") return { step: burst ? "swallow" : "ignore" };
    if (key.key === "Enter" || (key.key === "Tab" && this.chars.length >= this.settings.charsMin)) {
      return this.finish();
    }
    if (key.alt && /^Numpad\d$/.test(key.code)) {
      this.altDigits += key.code.slice(-1);
      this.lastAt = key.at;
      return { step: burst ? "swallow" : "begin" };
    }
    const character = this.characterOf(key);
    if (character === null) return { step: "ignore" };
    this.flushAlt();
    this.chars.push(character);
    this.lastAt = key.at;
    if (this.chars.length > SCAN_CHARS_MAX) this.forget();
    return { step: burst ? "swallow" : "begin" };
  }

  private characterOf(key: Key): string | null {
    if (key.meta) return null;
    if (key.ctrl && !key.alt) return this.chars.length > 0 ? controlCharacter(key) : null;
    if (key.key === "Process" || key.key === "Unidentified") return behindInputMethod(key);
    if (key.key === "F8") return this.chars.length > 0 ? GS : null;
    return key.key.length === 1 ? key.key : null;
  }

  private flushAlt(): void {
    if (this.altDigits) this.chars.push(String.fromCharCode(Number(this.altDigits) & 0xff));
    this.altDigits = "";
  }

  private finish(): WedgeStep {
    this.flushAlt();
    const typed = this.chars.join("");
    this.forget();
    if (typed.length < this.settings.charsMin) return { step: "ignore" };
    const { separator } = this.settings;
    return { step: "scan", raw: separator ? typed.replaceAll(separator, GS) : typed };
  }

  private forget(): void {
    this.chars = [];
    this.altDigits = "";
  }
}
