import { describe, expect, it } from "vitest";
import { escapeRaw } from "./escape.ts";
import { Wedge, WEDGE_DEFAULTS } from "./wedge.ts";
import type { Key } from "./wedge.ts";

const plain = (key: string, at: number, more: Partial<Key> = {}): Key => ({
  key,
  code: "",
  ctrl: false,
  alt: false,
  shift: false,
  meta: false,
  at,
  ...more,
});

function type(wedge: Wedge, text: string, everyMs: number, from = 0): number {
  let at = from;
  for (const character of text) {
    wedge.take(plain(character, at));
    at += everyMs;
  }
  return at;
}

describe("wedge", () => {
  it("takes a fast burst ended by Enter for a scan", () => {
    const wedge = new Wedge();
    const at = type(wedge, "SP18-00004127", 8);
    expect(wedge.take(plain("Enter", at))).toEqual({ step: "scan", raw: "SP18-00004127" });
  });

  it("leaves a person who types to the page", () => {
    const wedge = new Wedge();
    const at = type(wedge, "SP18", 180);
    expect(wedge.take(plain("Enter", at))).toEqual({ step: "ignore" });
  });

  it("does not mix what was typed before with a scan that follows", () => {
    const wedge = new Wedge();
    const at = type(wedge, "ab", 10);
    const end = type(wedge, "WO-1", 10, at + 500);
    expect(wedge.take(plain("Enter", end))).toEqual({ step: "scan", raw: "WO-1" });
  });

  it("keeps GS that comes as Ctrl+]", () => {
    const wedge = new Wedge();
    let at = type(wedge, "]d210LOT7", 8);
    wedge.take(plain("Control", at));
    wedge.take(plain("]", at, { ctrl: true, code: "BracketRight" }));
    at = type(wedge, "21S1", 8, at + 8);
    expect(wedge.take(plain("Enter", at))).toEqual({ step: "scan", raw: "]d210LOT7\x1d21S1" });
  });

  it("keeps GS that comes as Alt+029", () => {
    const wedge = new Wedge();
    let at = type(wedge, "10A", 8);
    for (const digit of "029") {
      wedge.take(plain(digit, at, { alt: true, code: `Numpad${digit}` }));
      at += 8;
    }
    at = type(wedge, "21B", 8, at);
    expect(wedge.take(plain("Enter", at))).toEqual({ step: "scan", raw: "10A\x1d21B" });
  });

  it("turns a configured separator into GS", () => {
    const wedge = new Wedge({ ...WEDGE_DEFAULTS, separator: "|" });
    const at = type(wedge, "10A|21B", 8);
    expect(wedge.take(plain("Enter", at))).toEqual({ step: "scan", raw: "10A\x1d21B" });
  });

  it("reads the keys behind a Chinese input method", () => {
    const wedge = new Wedge();
    wedge.take(plain("Process", 0, { code: "KeyS", shift: true }));
    wedge.take(plain("Process", 8, { code: "KeyP", shift: true }));
    wedge.take(plain("Process", 16, { code: "Digit1" }));
    expect(wedge.take(plain("Enter", 24))).toEqual({ step: "scan", raw: "SP1" });
  });
});

describe("escapeRaw", () => {
  it("writes control characters and the backslash as hexadecimal", () => {
    expect(escapeRaw("]d201\x1d21a\\b\x7f")).toBe("]d201\\x1d21a\\x5cb\\x7f");
  });
});
