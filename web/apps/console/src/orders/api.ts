/** What the order pages ask of central. */
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { central, dataOf, within, writeHeaders } from "@lineside/client/central.ts";
import type { Order, Schemas } from "@lineside/client/central.ts";
import { live, useAct } from "../app/queries.ts";

export type OrderState = "created" | "released" | "held" | "cancelled" | "finished";
export type OrderRow = Schemas["OrderRowOut"];
const PAGE_ROWS = 25;
const DAY_MS = 86_400_000;
const UNKNOWN_EVERY_MS = 60_000;

/** Which orders are shown; `sought` is part of an order's or item's number. */
export interface OrderFilter {
  state: OrderState | "";
  sought: string;
}

/** Orders in pages; the shown ones are asked again every few seconds. */
export function useOrders({ state, sought }: OrderFilter) {
  return useInfiniteQuery({
    queryKey: ["orders", state, sought],
    initialPageParam: "",
    queryFn: ({ pageParam, signal }) =>
      dataOf(
        central.GET("/api/v1/mes/work-orders", {
          params: { query: { state, q: sought, cursor: pageParam, limit: PAGE_ROWS } },
          signal: within(signal),
        }),
      ),
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: (before) => before,
    ...live,
  });
}

/** Address of the same orders as CSV, all pages of them, with their progress. */
export function ordersCsvPath({ state, sought }: OrderFilter): string {
  return `/api/v1/mes/work-orders?${new URLSearchParams({ state, q: sought, format: "csv" }).toString()}`;
}

/** A station's planned busy time and the part of it of which nothing is known, seconds. */
export interface KnownTime {
  busy: number;
  unknown: number;
}

/** When the oldest of the orders was released, milliseconds; undefined when none was. */
export function firstRelease(orders: readonly Pick<Order, "released_at">[]): number | undefined {
  const released = orders.flatMap((order) => (order.released_at ? [Date.parse(order.released_at)] : []));
  return released.length > 0 ? Math.min(...released) : undefined;
}

/** How much of each station's time since `since` is known, a day at most: what was before an order was
 *  released says nothing about it. An order has no unknown time of its own: nobody knows what ran then.
 *  So its progress is as sure as its stations are. */
export function useKnownTimes(asked: boolean, since: number | undefined) {
  return useQuery({
    queryKey: ["kpi", "known-times", since],
    queryFn: async ({ signal }) => {
      const now = Date.now();
      const kpi = await dataOf(
        central.GET("/api/v1/mes/kpi", {
          params: {
            query: {
              by: "machine",
              from: new Date(Math.max(now - DAY_MS, since ?? 0)).toISOString(),
              to: new Date(now).toISOString(),
            },
          },
          signal: within(signal),
        }),
      );
      return new Map<string, KnownTime>(
        kpi.rows.map((row) => [
          row.group["machine"] ?? row.key,
          { busy: row.elements["PBT_s"] ?? 0, unknown: row.elements["unknown_s"] ?? 0 },
        ]),
      );
    },
    enabled: asked && since !== undefined,
    refetchInterval: UNKNOWN_EVERY_MS,
    staleTime: UNKNOWN_EVERY_MS,
    retry: false,
  });
}

export function useOrder(order: string) {
  return useQuery({
    queryKey: ["order", order],
    queryFn: ({ signal }) =>
      dataOf(
        central.GET("/api/v1/mes/work-orders/{order}", { params: { path: { order } }, signal: within(signal) }),
      ),
    ...live,
  });
}

/** Progress of an order; a closed one does not change any more. */
export function useProgress(order: string, state: string) {
  const moving = state === "released" || state === "held";
  return useQuery({
    queryKey: ["progress", order],
    queryFn: ({ signal }) =>
      dataOf(
        central.GET("/api/v1/mes/work-orders/{order}/progress", {
          params: { path: { order } },
          signal: within(signal),
        }),
      ),
    refetchInterval: moving ? live.refetchInterval : false,
    enabled: state !== "created",
  });
}

/** What was made of an order, as the list of orders tells it. */
export function madeOf(progress: Schemas["OrderProgressOut"]): NonNullable<OrderRow["made"]> {
  const sum = (what: "scrap" | "suspect") =>
    String(progress.operations.reduce((total, one) => total + Number(one[what]), 0));
  return { delivered: progress.delivered, scrap: sum("scrap"), suspect: sum("suspect") };
}

export function useItems() {
  return useQuery({
    queryKey: ["items"],
    queryFn: ({ signal }) =>
      dataOf(central.GET("/api/v1/mes/items", { params: { query: { limit: 500 } }, signal: within(signal) })),
  });
}

export function useStations() {
  return useQuery({
    queryKey: ["stations"],
    queryFn: ({ signal }) =>
      dataOf(central.GET("/api/v1/mes/stations", { params: { query: { limit: 500 } }, signal: within(signal) })),
  });
}

/** The unknown share of an order's stations together; zero for an order that nobody works on. */
export function unknownShare(order: Pick<Order, "state" | "steps">, times: ReadonlyMap<string, KnownTime>): number {
  if (order.state !== "released" && order.state !== "held") return 0;
  const stations = new Set(order.steps.flatMap((step) => step.stations));
  const known = [...stations].flatMap((station) => times.get(station) ?? []);
  const busy = known.reduce((sum, one) => sum + one.busy, 0);
  return busy > 0 ? known.reduce((sum, one) => sum + one.unknown, 0) / busy : 0;
}

const REFRESH = [["orders"], ["order"], ["progress"]];

export function useCreateOrder(done: (order: Order) => void) {
  return useAct(
    (body: Schemas["OrderIn"], key) =>
      dataOf(central.POST("/api/v1/mes/work-orders", { body, headers: writeHeaders(key) })),
    { refresh: REFRESH, done },
  );
}

/** One act on an order, with the revision that the planner saw. */
export type OrderAct =
  | { act: "release" | "resume" | "cancel" | "finish"; order: Order }
  | { act: "hold"; order: Order; reason: string }
  | { act: "prioritise"; order: Order; priority: number }
  | { act: "move"; order: Order; operation: string; stations: string[]; force: boolean; reason: string };

function send(act: OrderAct, key: string): Promise<Order> {
  const order = act.order.id;
  const headers = writeHeaders(key, act.order.revision);
  const params = { path: { order } };
  switch (act.act) {
    case "release":
      return dataOf(central.POST("/api/v1/mes/work-orders/{order}/release", { params, headers }));
    case "resume":
      return dataOf(central.POST("/api/v1/mes/work-orders/{order}/resume", { params, headers }));
    case "cancel":
      return dataOf(central.POST("/api/v1/mes/work-orders/{order}/cancel", { params, headers }));
    case "finish":
      return dataOf(central.POST("/api/v1/mes/work-orders/{order}/finish", { params, headers }));
    case "hold":
      return dataOf(
        central.POST("/api/v1/mes/work-orders/{order}/hold", { params, headers, body: { reason: act.reason } }),
      );
    case "prioritise":
      return dataOf(
        central.POST("/api/v1/mes/work-orders/{order}/prioritise", {
          params,
          headers,
          body: { priority: act.priority },
        }),
      );
    case "move":
      return dataOf(
        central.POST("/api/v1/mes/work-orders/{order}/operations/{operation}/move", {
          params: { path: { order, operation: act.operation } },
          headers,
          body: { stations: act.stations, force: act.force, reason: act.reason },
        }),
      );
  }
}

export function useOrderAct(done?: (order: Order, act: OrderAct) => void) {
  return useAct(send, { refresh: REFRESH, ...(done ? { done } : {}) });
}
