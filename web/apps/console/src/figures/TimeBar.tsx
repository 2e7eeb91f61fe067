/** Where the time of a group went, as one strip. */
import { StateBar } from "@lineside/ui/StateBar.tsx";
import type { BarSpan } from "@lineside/ui/StateBar.tsx";
import { durationText } from "@lineside/format/time.ts";
import { useLanguage } from "@lineside/ui/language.tsx";
import { useText } from "../app/words.ts";
import type { Word } from "../app/words.ts";
import type { Group } from "./api.ts";

interface Part {
  word: Word;
  category: string;
  seconds: number;
}

/** The partition of the group's time: parts that add up to planned operation time. */
export function partsOf(group: Group): Part[] {
  const of = (name: string) => group.elements[name] ?? 0;
  const failure = Math.min(group.delay.by_kind["failure"] ?? 0, of("ADET_s"));
  return [
    { word: "element.APT_s", category: "running", seconds: of("APT_s") },
    { word: "element.AUST_s", category: "setup", seconds: of("AUST_s") },
    { word: "time.failure", category: "failure", seconds: failure },
    { word: "time.delay", category: "waiting", seconds: of("ADET_s") - failure },
    { word: "element.ADOT_s", category: "waiting", seconds: of("ADOT_s") },
    { word: "element.unknown_s", category: "unknown", seconds: of("unknown_s") },
    { word: "element.planned_downtime_s", category: "planned", seconds: of("planned_downtime_s") },
  ];
}

export function TimeBar({ group }: { group: Group }) {
  const text = useText();
  const { language } = useLanguage();
  const parts = partsOf(group).filter((part) => part.seconds > 0);
  const spans: BarSpan[] = [];
  let at = 0;
  for (const part of parts) {
    spans.push({
      start: at,
      end: at + part.seconds,
      category: part.category,
      label: `${text(part.word)} ${durationText(part.seconds, language)}`,
    });
    at += part.seconds;
  }
  const summary = spans.map((span) => span.label).join(", ");
  return <StateBar spans={spans} from={0} until={at} height={18} summary={summary || text("figures.empty")} />;
}
