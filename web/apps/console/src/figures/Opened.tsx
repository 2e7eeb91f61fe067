/** A figure opened: formula, elements, and how delay splits. */
import { decimalText, percentText } from "@lineside/format/numbers.ts";
import { dateTime, durationText } from "@lineside/format/time.ts";
import { useLanguage } from "@lineside/ui/language.tsx";
import { useNamed, useText } from "../app/words.ts";
import type { Group } from "./api.ts";

/** Ratios and the elements that they divide; the keys are those of the KPI model. */
const FORMULAS: readonly { kpi: "availability" | "effectiveness" | "quality_ratio" | "first_pass_yield"; top: string; bottom: string }[] = [
  { kpi: "availability", top: "APT_s", bottom: "PBT_s" },
  { kpi: "effectiveness", top: "ideal_s", bottom: "APT_s" },
  { kpi: "quality_ratio", top: "GQ", bottom: "PQ" },
  { kpi: "first_pass_yield", top: "GP", bottom: "IP" },
];
const KPIS_BELOW = ["nee", "utilisation_efficiency", "allocation_efficiency", "technical_efficiency", "setup_ratio", "scrap_ratio", "rework_ratio"] as const;

export function Opened({ group, zone }: { group: Group; zone: string }) {
  const text = useText();
  const named = useNamed();
  const { language } = useLanguage();
  const amount = (name: string) => {
    const value = group.elements[name];
    if (value === null || value === undefined) return "–";
    return name.endsWith("_s") ? `${decimalText(Math.round(value * 10) / 10)} s` : decimalText(value);
  };
  const percent = (name: string) => {
    const ratio = group.kpis[name];
    return ratio ? `${percentText(ratio.value)} %` : "–";
  };
  const seconds = (value: number) => durationText(value, language);
  return (
    <div className="opened">
      <section>
        <h2>{text("opened.formulas")}</h2>
        <p>
          OEE = {text("kpi.availability")} × {text("kpi.effectiveness")} × {text("kpi.quality_ratio")} ={" "}
          <b>{percent("oee")}</b>
        </p>
        <ul className="plain">
          {FORMULAS.map(({ kpi, top, bottom }) => (
            <li key={kpi}>
              {text(`kpi.${kpi}`)} = {named("element", top)} / {named("element", bottom)} = {amount(top)} / {amount(bottom)} ={" "}
              <b>{percent(kpi)}</b>
            </li>
          ))}
          {KPIS_BELOW.map((kpi) => (
            <li key={kpi} className="quiet">
              {text(`kpi.${kpi}`)} {percent(kpi)}
            </li>
          ))}
        </ul>
      </section>
      <section>
        <h2>{text("opened.elements")}</h2>
        <dl className="elements">
          {Object.keys(group.elements).map((name) => (
            <div key={name}>
              <dt>
                {named("element", name)} <code>{name}</code>
              </dt>
              <dd>{amount(name)}</dd>
            </div>
          ))}
        </dl>
      </section>
      <section>
        <h2>{text("opened.delay")}</h2>
        <dl className="elements">
          {Object.entries(group.delay.by_kind).map(([kind, value]) => (
            <div key={`k-${kind}`}>
              <dt>{named("delay", kind)}</dt>
              <dd>{seconds(value)}</dd>
            </div>
          ))}
          {Object.entries(group.delay.by_reason).map(([reason, value]) => (
            <div key={`r-${reason}`}>
              <dt>
                {text("opened.reason")} {reason || "–"}
              </dt>
              <dd>{seconds(value)}</dd>
            </div>
          ))}
          <div>
            <dt>{text("opened.unexplained")}</dt>
            <dd>{seconds(group.delay.unexplained_s)}</dd>
          </div>
        </dl>
        <p className="quiet">
          {dateTime(group.start, language, zone)} – {dateTime(group.end, language, zone)}
          <br />
          {text("stations")}: {group.units.join(", ")}
          {group.anomalies > 0 && (
            <>
              <br />
              {text("opened.anomalies", { count: group.anomalies })}
            </>
          )}
        </p>
      </section>
    </div>
  );
}
