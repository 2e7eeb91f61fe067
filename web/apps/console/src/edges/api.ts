/** What the pages of edges ask of central, and their acts. */
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { central, dataOf, within, writeHeaders } from "@lineside/client/central.ts";
import type { Schemas } from "@lineside/client/central.ts";
import { live, useAct } from "../app/queries.ts";

export type EdgeStanding = Schemas["EdgeStandingOut"];
export type Version = Schemas["VersionOut"];
export type VersionText = Schemas["VersionTextOut"];
export type TextProblem = Schemas["ProblemOut"];
export type Difference = Schemas["DifferenceOut"];

const VERSIONS_ROWS = 20;
const MOVING_MS = 2_000;
/** While a version is on its way, its edge is looked at more often. */
const moving = (state: string | undefined) => state === "sent" || state === "trial";

export function useEdges() {
  return useQuery({
    queryKey: ["edge-configurations"],
    queryFn: ({ signal }) => dataOf(central.GET("/api/v1/mes/edge-configurations", { signal: within(signal) })),
    refetchInterval: (query) =>
      query.state.data?.some((edge) => moving(edge.wanted?.state)) ? MOVING_MS : live.refetchInterval,
  });
}

export function useVersions(edge: string, hurry: boolean) {
  return useInfiniteQuery({
    queryKey: ["edge-versions", edge],
    initialPageParam: "",
    queryFn: ({ pageParam, signal }) =>
      dataOf(
        central.GET("/api/v1/mes/edges/{edge}/configurations", {
          params: { path: { edge }, query: { cursor: pageParam, limit: VERSIONS_ROWS } },
          signal: within(signal),
        }),
      ),
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval: hurry ? MOVING_MS : live.refetchInterval,
  });
}

/** A version with its text; 0 asks nothing. */
export function useVersion(edge: string, version: number) {
  return useQuery({
    queryKey: ["edge-version", edge, version],
    queryFn: ({ signal }) =>
      dataOf(
        central.GET("/api/v1/mes/edges/{edge}/configurations/{version}", {
          params: { path: { edge, version } },
          signal: within(signal),
        }),
      ),
    enabled: version > 0,
  });
}

/** What is wrong with a text and what it would change; nothing is stored. */
export function useCheck(edge: string, text: string, asked: boolean) {
  return useQuery({
    queryKey: ["edge-check", edge, text],
    queryFn: ({ signal }) =>
      dataOf(
        central.POST("/api/v1/mes/edges/{edge}/configurations/check", {
          params: { path: { edge } },
          body: { text, against: null },
          signal: within(signal),
        }),
      ),
    enabled: asked,
    placeholderData: (before) => before,
    gcTime: 10_000,
  });
}

/** What a version changes; `against` null: of what the edge runs. */
export function useDifference(edge: string, version: number, against: number | null) {
  return useQuery({
    queryKey: ["edge-difference", edge, version, against],
    queryFn: ({ signal }) =>
      dataOf(
        central.GET("/api/v1/mes/edges/{edge}/configurations/{version}/difference", {
          params: { path: { edge, version }, query: against === null ? {} : { against } },
          signal: within(signal),
        }),
      ),
  });
}

const REFRESH = [["edge-configurations"], ["edge-versions"], ["edge-version"], ["edge-difference"]];

export function useSave(edge: string, done: (version: VersionText) => void) {
  return useAct(
    (body: { text: string; note: string }, key) =>
      dataOf(
        central.POST("/api/v1/mes/edges/{edge}/configurations", {
          params: { path: { edge } },
          body,
          headers: writeHeaders(key),
        }),
      ),
    { refresh: REFRESH, done },
  );
}

/** Send a version; `seen` is the version that the person saw as sent last, 0 for none. */
export function useSend(edge: string, done: (version: Version) => void) {
  return useAct(
    ({ version, trial_s, seen }: { version: number; trial_s: number; seen: number }, key) =>
      dataOf(
        central.POST("/api/v1/mes/edges/{edge}/configurations/{version}/send", {
          params: { path: { edge, version } },
          body: { trial_s },
          headers: writeHeaders(key, seen),
        }),
      ),
    { refresh: REFRESH, done },
  );
}

export function useCopy(edge: string, done: (versions: VersionText[]) => void) {
  return useAct(
    ({ version, edges }: { version: number; edges: string[] }, key) =>
      dataOf(
        central.POST("/api/v1/mes/edges/{edge}/configurations/{version}/copy", {
          params: { path: { edge, version } },
          body: { edges },
          headers: writeHeaders(key),
        }),
      ),
    { refresh: REFRESH, done },
  );
}
