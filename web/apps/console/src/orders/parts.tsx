/** Small parts that list and detail share. */
import { Space, Tooltip } from "antd";
import type { ReactNode } from "react";
import type { Order } from "@lineside/client/central.ts";
import { decimalText, percentText, quantityText } from "@lineside/format/numbers.ts";
import { useLanguage } from "@lineside/ui/language.tsx";
import { useNamed, useText } from "../app/words.ts";
import type { OrderRow } from "./api.ts";

const SHAPES: Record<string, string> = { created: "○", released: "▶", held: "❚❚", cancelled: "✕", finished: "✓" };
const LOOKS: Record<string, string> = {
  created: "planned",
  released: "running",
  held: "waiting",
  cancelled: "neutral",
  finished: "neutral",
};

/** A state with a word, a shape and its colour. */
export function StateTag({ state, look, shape }: { state: string; look?: string; shape?: string }) {
  const named = useNamed();
  return (
    <span className={`state-tag state-tag--${look ?? LOOKS[state] ?? "neutral"}`}>
      <span aria-hidden="true">{shape ?? SHAPES[state] ?? "●"}</span> {named("order_state", state)}
    </span>
  );
}

type Shown = Pick<OrderRow, "id" | "quantity" | "unit" | "made">;

/**
 * Delivered over ordered, live; beside it what is not known: pieces that somebody must decide about, and
 * the share of time of which nothing is known.
 */
export function ProgressCell({ order, unknown = 0 }: { order: Shown; unknown?: number }) {
  const text = useText();
  const { language } = useLanguage();
  if (order.made === null) return <span className="quiet">–</span>;
  const { delivered } = order.made;
  const share = Math.min(1, Number(delivered) / Math.max(1e-9, Number(order.quantity)));
  const scrap = Number(order.made.scrap);
  const suspect = Number(order.made.suspect);
  return (
    <div className="progress-cell">
      <div
        className="progress-cell__bar"
        role="progressbar"
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(share * 100)}
        aria-label={text("progress.of", { order: order.id })}
      >
        <div style={{ width: `${share * 100}%` }} />
      </div>
      <span>
        <b>{decimalText(delivered)}</b> / {quantityText(order.quantity, order.unit, language)}
        {scrap > 0 && <span className="quiet"> · {text("progress.scrap", { count: decimalText(scrap) })}</span>}
      </span>
      {(suspect > 0 || unknown >= 0.0005) && (
        <span className="progress-cell__unknown">
          {suspect > 0 && (
            <span className="state-tag state-tag--unknown">
              {text("progress.suspect", { count: decimalText(suspect) })}
            </span>
          )}
          {unknown >= 0.0005 && (
            <Tooltip title={text("progress.unknown_why")}>
              <span className="state-tag state-tag--unknown" tabIndex={0}>
                {text("progress.unknown", { share: percentText(unknown) })}
              </span>
            </Tooltip>
          )}
        </span>
      )}
    </div>
  );
}

/** How far each edge is with the order's document. */
export function EdgesCell({ order }: { order: Order }) {
  const text = useText();
  if (order.edges.length === 0) return <span className="quiet">–</span>;
  return (
    <Space size={[6, 2]} wrap>
      {order.edges.map((edge) => {
        const behind = edge.applied < edge.wanted;
        const look = edge.refused ? "failure" : behind ? "waiting" : "neutral";
        const words = edge.refused
          ? text("edges.refused", { edge: edge.edge, why: edge.refused })
          : behind
            ? text("edges.behind", { edge: edge.edge, applied: edge.applied, wanted: edge.wanted })
            : text("edges.applied", { edge: edge.edge, applied: edge.applied });
        return (
          <Tooltip key={edge.edge} title={words}>
            <span className={`state-tag state-tag--${look}`} tabIndex={0}>
              {edge.edge} r{edge.applied}
              {edge.refused ? " ✕" : behind ? ` → r${edge.wanted} …` : " ✓"}
            </span>
          </Tooltip>
        );
      })}
    </Space>
  );
}

/** A heading with what can be done beside it. */
export function PageHead({ title, children }: { title: ReactNode; children?: ReactNode }) {
  return (
    <div className="page-head">
      <h1>{title}</h1>
      <Space wrap>{children}</Space>
    </div>
  );
}
