/** What the trace page asks of central: a number may be a unit's, a lot's or a carrier's. */
import { useQuery } from "@tanstack/react-query";
import { central, dataOf, Refusal, within } from "@lineside/client/central.ts";
import type { Schemas } from "@lineside/client/central.ts";

export type Trace = Schemas["TraceOut"];
export type History = Schemas["HistoryOut"];
export type Thing = Schemas["ThingOut"];
export type Node = Schemas["NodeOut"];
export type Link = Schemas["LinkOut"];
export type Graph = Schemas["GraphOut"];
export type Line = Schemas["LineOut"];
export type Operation = Node["operations"][number];
export type Evidence = Schemas["EvidenceOut"];
export type EdgeKnown = Schemas["EdgeKnownOut"];
export type Neighbour = Schemas["NeighbourOut"];
export type Beside = Schemas["BesideOut"];
export type Companions = Schemas["CompanionsOut"];
export type Content = Schemas["ContentOut"];

const ASK_AGAIN_MS = 15_000;
const KINDS = ["unit", "lot", "carrier"] as const;

/** What is sought; kind, item and issuer narrow a number that several things have. */
export interface Sought {
  number: string;
  kind: string | null;
  item: string | null;
  issuer: string | null;
}

function ask(kind: (typeof KINDS)[number], { number, item, issuer }: Sought, signal: AbortSignal) {
  const narrowed = { ...(item === null ? {} : { item }), ...(issuer === null ? {} : { issuer }) };
  const rest = { signal: within(signal) };
  switch (kind) {
    case "unit":
      return dataOf(central.GET("/api/v1/trace/units", { params: { query: { serial: number, ...narrowed } }, ...rest }));
    case "lot":
      return dataOf(central.GET("/api/v1/trace/lots", { params: { query: { lot: number, ...narrowed } }, ...rest }));
    case "carrier":
      return dataOf(
        central.GET("/api/v1/trace/carriers", { params: { query: { carrier: number, ...narrowed } }, ...rest }),
      );
  }
}

async function seek(sought: Sought, signal: AbortSignal): Promise<Trace> {
  const kinds = KINDS.filter((kind) => sought.kind === null || sought.kind === kind);
  const answers = await Promise.allSettled(kinds.map((kind) => ask(kind, sought, signal)));
  const found = answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
  const failed = answers.flatMap((answer) => (answer.status === "rejected" ? [answer.reason as Error] : []));
  const serious = failed.find((error) => !(error instanceof Refusal) || error.problem.status !== 404);
  if (serious) throw serious;
  const [first] = found;
  if (!first) throw failed[0] ?? new Error("trace");
  if (found.length === 1) return first;
  return { candidates: found.flatMap((one) => one.candidates), history: null, as_of: first.as_of };
}

/** The life of a number, or the candidates. */
export function useTrace(sought: Sought) {
  return useQuery({
    queryKey: ["trace", sought],
    queryFn: ({ signal }) => seek(sought, signal),
    enabled: sought.number !== "",
    refetchInterval: ASK_AGAIN_MS,
  });
}

/** What was made just before and after a unit at each of its stations. */
export function useNeighbours(thing: Thing) {
  const { item, id, issuer } = thing;
  return useQuery({
    queryKey: ["neighbours", item, id, issuer],
    queryFn: ({ signal }) =>
      dataOf(
        central.GET("/api/v1/trace/neighbours", {
          params: { query: { serial: id, item, issuer } },
          signal: within(signal),
        }),
      ),
    enabled: thing.kind === "unit",
    refetchInterval: ASK_AGAIN_MS,
  });
}

/** What is in a carrier now. */
export function useCarrier(carrier: string) {
  return useQuery({
    queryKey: ["carrier", carrier],
    queryFn: ({ signal }) =>
      dataOf(central.GET("/api/v1/mes/carriers", { params: { query: { carrier } }, signal: within(signal) })),
    refetchInterval: ASK_AGAIN_MS,
  });
}

const CSV_PLACES: Record<string, [path: string, name: string]> = {
  lot: ["lots", "lot"],
  carrier: ["carriers", "carrier"],
};

/** Address of the CSV of a thing. */
export function csvPath(thing: Thing): string {
  const [path, name] = CSV_PLACES[thing.kind] ?? ["units", "serial"];
  const query = new URLSearchParams({ [name]: thing.id, item: thing.item, issuer: thing.issuer, format: "csv" });
  return `/api/v1/trace/${path}?${query.toString()}`;
}

/** Address of a thing's own page. */
export function traceAddress(thing: Thing): string {
  const query = new URLSearchParams({ q: thing.id, kind: thing.kind, item: thing.item, issuer: thing.issuer });
  return `/trace?${query.toString()}`;
}
