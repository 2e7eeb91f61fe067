/** The edge's interface as the terminal uses it. Types come from the edge's own schema. */
import createClient from "openapi-fetch";
import type { components, operations, paths } from "./edge-schema";

type Schemas = components["schemas"];
export type Text = Schemas["Text"];
export type Label = Schemas["Label"];
export type Command = Schemas["Command"];
export type Texts = Schemas["Texts"];
export type Stations = Schemas["Stations"];
export type StationRow = Schemas["StationRow"];
export type StationView = Schemas["StationView"];
export type Job = Schemas["Job"];
export type OrderRow = Schemas["OrderRow"];
export type UnitInWork = Schemas["UnitInWork"];
export type Entry = Schemas["Entry"];
export type SpannedCountView = Schemas["SpannedCountView"];
export type Figures = Schemas["Figures"];
export type Segment = Schemas["Segment"];
export type UnexplainedStop = Schemas["UnexplainedStop"];
export type Mounted = Schemas["Mounted"];
export type CallView = Schemas["CallView"];
export type Answer = Schemas["Answer"];
export type Option = Schemas["Option"];
export type Booked = Schemas["Booked"];
export type Problem = Schemas["Problem"];
export type StateMessage = Schemas["StateMessage"];
export type VerdictMessage = Schemas["VerdictMessage"];

export type BoardView = Schemas["BoardView"];
export type BoardStation = Schemas["BoardStation"];

export type Act = operations["post_act"]["requestBody"]["content"]["application/json"];
export type PlainAct = Exclude<Act, { kind: "correct" } | { kind: "back_entry" }>;

type WithoutClientParts<T> = T extends unknown ? Omit<T, "id" | "station"> : never;
/** An act before the client gave it its id and station. */
export type ActWish = WithoutClientParts<Act>;
export type PlainWish = WithoutClientParts<PlainAct>;

/** What came back from posting an act; `unsure` means that nobody here knows whether it was booked. */
export type Posted =
  | { outcome: "answer"; answer: Answer }
  | { outcome: "problem"; problem: Problem }
  | { outcome: "unsure" };

const POST_TIMEOUT_MS = 8_000;
const READ_TIMEOUT_MS = 5_000;
const client = createClient<paths>({ baseUrl: window.location.origin });

client.use({
  onRequest({ request }) {
    request.headers.set("Accept-Language", document.documentElement.lang || "zh-CN");
    return request;
  },
});

function within(ms: number): AbortSignal {
  return AbortSignal.timeout(ms);
}

function isProblem(value: unknown): value is Problem {
  return typeof value === "object" && value !== null && "detail" in value && "code" in value;
}

/** A fresh id; the plain generator serves pages that came over http. */
export function newActId(): string {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Post an act once. Sending again is a decision of the caller, and carries the same id. */
export async function postAct(act: Act): Promise<Posted> {
  try {
    const { data, error, response } = await client.POST("/api/acts", {
      body: act,
      signal: within(POST_TIMEOUT_MS),
    });
    if (data) return { outcome: "answer", answer: data };
    const refusedForSure = response.status < 500 || response.status === 503;
    if (refusedForSure && isProblem(error)) return { outcome: "problem", problem: error };
    return { outcome: "unsure" };
  } catch {
    return { outcome: "unsure" };
  }
}

/** Was it booked? Null while nobody answers. */
export async function askBooked(id: string): Promise<Booked | null> {
  try {
    const { data } = await client.GET("/api/acts/{act_id}", {
      params: { path: { act_id: id } },
      signal: within(READ_TIMEOUT_MS),
    });
    return data ?? null;
  } catch {
    return null;
  }
}

/** All stations of this edge. */
export async function listStations(): Promise<Stations> {
  const { data, error } = await client.GET("/api/stations", { signal: within(READ_TIMEOUT_MS) });
  if (!data) throw new Error(isProblem(error) ? error.detail : "stations");
  return data;
}

/** The whole screen of a station; null while nobody answers. */
export async function getStation(station: string): Promise<StationView | null> {
  try {
    const { data } = await client.GET("/api/stations/{station}", {
      params: { path: { station } },
      signal: within(READ_TIMEOUT_MS),
    });
    return data ?? null;
  } catch {
    return null;
  }
}

/** Labels of reasons, defects, commands and call topics. */
export async function getTexts(): Promise<Texts> {
  const { data, error } = await client.GET("/api/texts", { signal: within(READ_TIMEOUT_MS) });
  if (!data) throw new Error(isProblem(error) ? error.detail : "texts");
  return data;
}

/** The agent answers, and does not serve what was asked for. */
export class Unserved extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
  }
}

/** What a wall display shows of a line; null: the first one. Throws `Unserved` for a line of elsewhere. */
export async function getBoard(line: string | null, signal: AbortSignal): Promise<BoardView> {
  const { data, error } = await client.GET("/api/board", {
    params: { query: line === null ? {} : { line } },
    signal: AbortSignal.any([signal, within(READ_TIMEOUT_MS)]),
  });
  if (data) return data;
  if (isProblem(error) && error.status === 404) throw new Unserved(error);
  throw new Error(isProblem(error) ? error.detail : "board");
}

/** Whether the agent answers at all; an unhealthy one (503) is alive. */
export async function isAlive(timeoutMs: number): Promise<boolean> {
  try {
    const response = await fetch("/healthz", { cache: "no-store", signal: within(timeoutMs) });
    return response.status === 200 || response.status === 503;
  } catch {
    return false;
  }
}

/** Where a station's changes are streamed from. */
export function streamUrl(station: string): string {
  return `/api/stations/${encodeURIComponent(station)}/stream`;
}
