/** The line's shift in four figures, what is unknown beside the first of them. */
import type { BoardView } from "@lineside/client/edge.ts";
import { decimalText, percentText, quantityText } from "@lineside/format/numbers.ts";
import { clockTime } from "@lineside/format/time.ts";
import { pick, useLanguage } from "@lineside/ui/language.tsx";
import { useText } from "./words.ts";

interface Props {
  view: BoardView;
  title: string;
  /** Business time, milliseconds. */
  now: number;
}

export function Head({ view, title, now }: Props) {
  const text = useText();
  const { language, choose } = useLanguage();
  const { figures, shift } = view;
  const unknown = figures.unknown_share ?? 0;
  const last = view.stations.find((one) => one.id === figures.output_station);
  const lastName = last ? pick(language, last.name.zh, last.name.en) : "";
  return (
    <header className="head">
      <h1 className="head__line">
        {title}
        {view.simulation && <small>{text("simulation")}</small>}
      </h1>
      <dl className="head__figures">
        <Figure
          name={text("oee")}
          value={percentText(figures.oee)}
          unit={figures.oee === null ? "" : "%"}
          below={
            unknown >= 0.0005 ? (
              <span className="unknown">
                <i className="state-swatch state-fill--unknown" aria-hidden="true" />{" "}
                {text(figures.provisional ? "unknown.much" : "unknown", { share: percentText(unknown) })}
              </span>
            ) : (
              text("oee.pooled")
            )
          }
          main
        />
        <Figure name={text("good")} value={decimalText(figures.good)} below={lastName} />
        <Figure name={text("scrap")} value={decimalText(figures.scrap)} below={text("scrap.line")} />
        <Figure
          name={text("plan")}
          value={figures.planned === null ? "–" : `${decimalText(figures.made)} / ${decimalText(figures.planned)}`}
          below={figures.planned === null ? text("plan.none") : figures.order}
          label={figures.planned === null ? "" : quantityText(figures.planned, figures.unit, language)}
        />
        <div className="figure figure--clock">
          <dt>{shift ? text("shift", { shift: shift.id }) : text("shift.none")}</dt>
          <dd>{clockTime(now * 1000, language, view.time_zone)}</dd>
          <dd className="figure__below">
            <button
              type="button"
              className="language"
              lang={language === "zh" ? "en" : "zh-CN"}
              onClick={() => choose(language === "zh" ? "en" : "zh")}
            >
              {text("language.other")}
            </button>
          </dd>
        </div>
      </dl>
    </header>
  );
}

interface FigureProps {
  name: string;
  value: string;
  unit?: string;
  below: React.ReactNode;
  label?: string;
  main?: boolean;
}

function Figure({ name, value, unit, below, label, main }: FigureProps) {
  return (
    <div className={main ? "figure figure--main" : "figure"}>
      <dt>{name}</dt>
      <dd title={label}>
        {value}
        {unit && <small> {unit}</small>}
      </dd>
      <dd className="figure__below">{below}</dd>
    </div>
  );
}
