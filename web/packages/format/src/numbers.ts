/** Numbers on screens: tabular, with unit, as many digits as matter. */
import type { Language } from "./time.ts";

/** A decimal string of the API as people write it: `124`, `1,250.5`; digits are never made up. */
export function decimalText(value: string | number | null | undefined): string {
  if (value === null || value === undefined || value === "") return "–";
  const text = String(value);
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text);
  if (!match) return text;
  const [, sign = "", whole = "", part = ""] = match;
  const grouped = whole.length > 4 ? whole.replace(/\B(?=(\d{3})+(?!\d))/g, ",") : whole;
  const fraction = part.replace(/0+$/, "");
  return `${sign}${grouped}${fraction ? `.${fraction}` : ""}`;
}

const UNIT_NAMES: Record<string, { zh: string; en: string }> = {
  pcs: { zh: "件", en: "pcs" },
};

/** The unit as people of this language write it. */
export function unitText(unit: string | null | undefined, language: Language): string {
  if (!unit) return "";
  return UNIT_NAMES[unit]?.[language] ?? unit;
}

/** Quantity with unit, `124 件`. */
export function quantityText(
  value: string | number | null | undefined,
  unit: string | null | undefined,
  language: Language,
): string {
  const name = unitText(unit, language);
  return name ? `${decimalText(value)} ${name}` : decimalText(value);
}

/** A ratio in [0, 1] as percent without the sign; a missing ratio is a dash, never zero. */
export function percentText(ratio: number | string | null | undefined, digits = 1): string {
  if (ratio === null || ratio === undefined || ratio === "") return "–";
  const value = Number(ratio);
  return Number.isFinite(value) ? (value * 100).toFixed(digits) : "–";
}

/** Seconds with as many digits as matter for a cycle: `96 s`, `9.6 s`. */
export function secondsText(seconds: number | string | null | undefined): string {
  if (seconds === null || seconds === undefined || seconds === "") return "–";
  const value = Number(seconds);
  if (!Number.isFinite(value)) return "–";
  return `${value >= 20 || Number.isInteger(value) ? value.toFixed(0) : value.toFixed(1)} s`;
}
