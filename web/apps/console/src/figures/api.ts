/** What the figures page asks of central. */
import { useQuery } from "@tanstack/react-query";
import { central, dataOf, within } from "@lineside/client/central.ts";
import type { Schemas } from "@lineside/client/central.ts";

export type Kpi = Schemas["KpiOut"];
export type Group = Schemas["KpiRowOut"];
export type Ratio = Schemas["RatioOut"];

export const GROUPINGS = ["machine", "line", "order", "operation", "product", "shift", "day"] as const;
export type Grouping = (typeof GROUPINGS)[number];

export interface Question {
  from: string;
  /** Empty: until now, asked anew each time. */
  to: string;
  by: readonly Grouping[];
  line: string;
  /** Empty: all that is known. */
  asOf: string;
}

const LIVE_MS = 10_000;

function queryOf({ from, to, by, line, asOf }: Question) {
  return {
    from,
    to: to || new Date().toISOString(),
    by: by.join(","),
    ...(line ? { line } : {}),
    ...(asOf ? { as_of: asOf } : {}),
  };
}

export function useKpi(question: Question) {
  return useQuery({
    queryKey: ["kpi", question],
    queryFn: ({ signal }) =>
      dataOf(central.GET("/api/v1/mes/kpi", { params: { query: queryOf(question) }, signal: within(signal) })),
    refetchInterval: question.to === "" && question.asOf === "" ? LIVE_MS : false,
    placeholderData: (before) => before,
  });
}

/** Address of the same figures as CSV. */
export function csvPath(question: Question): string {
  return `/api/v1/mes/kpi?${new URLSearchParams({ ...queryOf(question), format: "csv" }).toString()}`;
}

/** Address of the production report of the span as CSV. */
export function reportPath(question: Question): string {
  const { from, to } = queryOf(question);
  return `/api/v1/mes/production-report?${new URLSearchParams({ by: "order", from, to, format: "csv" }).toString()}`;
}
