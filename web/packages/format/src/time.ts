/** Times on screens: the API speaks UTC, people read the clock of the site. */

export type Language = "zh" | "en";
/** RFC 3339 text, or whole microseconds UTC. */
export type Moment = string | number;

const LOCALES: Record<Language, string> = { zh: "zh-CN", en: "en-GB" };
const formatters = new Map<string, Intl.DateTimeFormat>();

function formatter(
  language: Language,
  zone: string | undefined,
  options: Intl.DateTimeFormatOptions,
): Intl.DateTimeFormat {
  const key = `${language}|${zone ?? ""}|${JSON.stringify(options)}`;
  let found = formatters.get(key);
  if (!found) {
    found = new Intl.DateTimeFormat(LOCALES[language], {
      hourCycle: "h23",
      timeZone: zone || undefined,
      ...options,
    });
    formatters.set(key, found);
  }
  return found;
}

/** Milliseconds since 1970 of an API moment. */
export function millis(moment: Moment): number {
  return typeof moment === "number" ? moment / 1000 : Date.parse(moment);
}

/** `10:42`, or `10:42:07` with seconds. */
export function clockTime(
  moment: Moment,
  language: Language,
  zone?: string,
  seconds = false,
): string {
  return formatter(language, zone, {
    hour: "2-digit",
    minute: "2-digit",
    ...(seconds ? { second: "2-digit" } : {}),
  }).format(millis(moment));
}

/** `14 Nov` / `11月14日`. */
export function dayText(moment: Moment, language: Language, zone?: string): string {
  return formatter(language, zone, { day: "numeric", month: "short" }).format(millis(moment));
}

/** Date and time with seconds, for evidence and lists. */
export function dateTime(moment: Moment, language: Language, zone?: string): string {
  return formatter(language, zone, {
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  }).format(millis(moment));
}

/** The local date `2026-11-14` of a moment in a zone. */
export function isoDate(moment: Moment, zone?: string): string {
  const parts = formatter("en", zone, { year: "numeric", month: "2-digit", day: "2-digit" })
    .formatToParts(millis(moment));
  const of = (type: string) => parts.find((part) => part.type === type)?.value ?? "";
  return `${of("year")}-${of("month")}-${of("day")}`;
}

/** A duration as people say it: `45 s`, `14 min`, `2 h 05`. */
export function durationText(seconds: number, language: Language): string {
  const zh = language === "zh";
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return zh ? `${whole} 秒` : `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return zh ? `${minutes} 分钟` : `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  const rest = String(minutes % 60).padStart(2, "0");
  return zh ? `${hours} 小时 ${rest} 分` : `${hours} h ${rest}`;
}

/** The UTC moment of a wall-clock time in a zone; the earlier one where the clock is set back. */
export function wallTime(date: string, time: string, zone?: string): Date {
  const guess = Date.parse(`${date}T${time}:00Z`);
  const offsetAt = (at: number) => {
    const parts = formatter("en", zone, {
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    }).formatToParts(at);
    const of = (type: string) => Number(parts.find((part) => part.type === type)?.value ?? 0);
    const local = Date.UTC(
      of("year"),
      of("month") - 1,
      of("day"),
      of("hour"),
      of("minute"),
      of("second"),
    );
    return local - Math.floor(at / 1000) * 1000;
  };
  const candidates = [guess - offsetAt(guess - 86_400_000), guess - offsetAt(guess + 86_400_000)];
  const fitting = candidates.filter((at) => at + offsetAt(at) === guess);
  return new Date(Math.min(...(fitting.length > 0 ? fitting : candidates)));
}
