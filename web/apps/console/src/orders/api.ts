/** What the order pages ask of central. */
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { central, dataOf, within, writeHeaders } from "@lineside/client/central.ts";
import type { Order, Schemas } from "@lineside/client/central.ts";
import { live, useAct } from "../app/queries.ts";

export type OrderState = "created" | "released" | "held" | "cancelled" | "finished";
const PAGE_ROWS = 25;

/** Orders in pages; the shown ones are asked again every few seconds. */
export function useOrders(state: OrderState | "") {
  return useInfiniteQuery({
    queryKey: ["orders", state],
    initialPageParam: "",
    queryFn: ({ pageParam, signal }) =>
      dataOf(
        central.GET("/api/v1/mes/work-orders", {
          params: { query: { state, cursor: pageParam, limit: PAGE_ROWS } },
          signal: within(signal),
        }),
      ),
    getNextPageParam: (page) => page.next_cursor,
    ...live,
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
