/** A strip of time: every instant has exactly one look; unknown is hatched. */
import { lookOf } from "./states.ts";
import type { MachineLook } from "./states.ts";
import "./state-bar.css";

export interface BarSpan {
  /** Milliseconds since 1970. */
  start: number;
  end: number;
  /** State or time category. */
  category: string;
  /** Words for the tooltip. */
  label?: string;
}

interface Props {
  spans: readonly BarSpan[];
  from: number;
  until: number;
  height?: number;
  /** What the strip says, for those who cannot see it. */
  summary: string;
}

/** Draws spans between two moments; what no span covers stays empty, it is still to come. */
export function StateBar({ spans, from, until, height = 26, summary }: Props) {
  const length = Math.max(1, until - from);
  return (
    <div className="state-bar" style={{ height }} role="img" aria-label={summary}>
      {spans.map((span, index) => {
        const left = (Math.max(span.start, from) - from) / length;
        const width = (Math.min(span.end, until) - Math.max(span.start, from)) / length;
        if (width <= 0) return null;
        return (
          <span
            key={`${span.start}-${index}`}
            className={`state-bar__span state-fill--${lookOf(span.category)}`}
            style={{ left: `${left * 100}%`, width: `${width * 100}%` }}
            title={span.label}
          />
        );
      })}
    </div>
  );
}

/** A small square in the colour of a state, hatched for unknown. */
export function StateSwatch({ look }: { look: MachineLook }) {
  return <span className={`state-swatch state-fill--${look}`} aria-hidden="true" />;
}
