/** Central's interface as the console uses it. Types come from central's own schema. */
import createClient from "openapi-fetch";
import type { components, paths } from "./central-schema";

export type Schemas = components["schemas"];
export type Problem = Schemas["Problem"];
export type Me = Schemas["MeOut"];
export type Order = Schemas["OrderOut"];
export type OrderProgress = Schemas["OrderProgressOut"];
export type Person = Schemas["PersonOut"];
export type Item = Schemas["ItemOut"];
export type Routing = Schemas["RoutingOut"];
export type Station = Schemas["StationOut"];

const TOKEN_KEPT_AS = "lineside.token";
const READ_TIMEOUT_MS = 30_000;

/** Central refused, and says why and what to do. */
export class Refusal extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
  }
}

/** Central did not answer: nobody knows whether a write was done; its key makes trying again safe. */
export class Unreachable extends Error {}

type Listener = () => void;
const listeners = new Set<Listener>();

/** The token of this tab. */
export const session = {
  token: (): string | null => window.sessionStorage.getItem(TOKEN_KEPT_AS),
  start: (token: string): void => {
    window.sessionStorage.setItem(TOKEN_KEPT_AS, token);
    for (const listener of listeners) listener();
  },
  end: (): void => {
    window.sessionStorage.removeItem(TOKEN_KEPT_AS);
    for (const listener of listeners) listener();
  },
  subscribe: (listener: Listener): (() => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};

/** The language in which central's words are wanted: that of the page. */
export function wantedLanguage(): string {
  return document.documentElement.lang || "zh-CN";
}

/** The typed client; every request carries the token and the language of the page. */
export const central = createClient<paths>({ baseUrl: window.location.origin });

central.use({
  onRequest({ request }) {
    const token = session.token();
    if (token) request.headers.set("Authorization", `Bearer ${token}`);
    request.headers.set("Accept-Language", wantedLanguage());
    return request;
  },
});

/** A key for one act of a person; sending the act again with it changes nothing twice. */
export function newKey(): string {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Headers of a write: its key, and the revision that the person saw. */
export function writeHeaders(key: string, revision?: number): Record<string, string> {
  return {
    "Idempotency-Key": key,
    ...(revision === undefined ? {} : { "If-Match": `"${revision}"` }),
  };
}

function isProblem(value: unknown): value is Problem {
  return typeof value === "object" && value !== null && "detail" in value && "code" in value;
}

function problemOf(status: number, error: unknown): Problem {
  if (isProblem(error)) return error;
  return {
    type: "about:blank",
    title: String(status),
    status,
    detail: `HTTP ${status}`,
    code: `http.${status}`,
    hint: "",
    instance: "",
    errors: [],
  };
}

interface Fetched<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** What is not the CSV form of the same answer. */
type Json<T> = Exclude<T, string>;

/** The data of an answer. Throws `Refusal` or `Unreachable`; an expired sign-in ends the session. */
export async function dataOf<T>(asked: Promise<Fetched<T>>): Promise<Json<T>> {
  let fetched: Fetched<T>;
  try {
    fetched = await asked;
  } catch (error) {
    throw new Unreachable(String(error));
  }
  const { data, error, response } = fetched;
  if (response.ok) return data as Json<T>;
  if (response.status === 401 && session.token()) session.end();
  if (response.status === 502 || response.status === 504) throw new Unreachable(String(response.status));
  throw new Refusal(problemOf(response.status, error));
}

/** A time limit for reading. */
export function within(signal?: AbortSignal): AbortSignal {
  const limit = AbortSignal.timeout(READ_TIMEOUT_MS);
  return signal ? AbortSignal.any([signal, limit]) : limit;
}

/** Fetch a file with the token and hand it to the browser, to be saved or printed. */
export async function openFile(
  path: string,
  init: { method?: string; body?: unknown; saveAs?: string } = {},
): Promise<void> {
  let response: Response;
  try {
    response = await fetch(path, {
      method: init.method ?? "GET",
      headers: {
        "Accept-Language": wantedLanguage(),
        ...(session.token() ? { Authorization: `Bearer ${session.token()}` } : {}),
        ...(init.body === undefined
          ? {}
          : { "Content-Type": "application/json", "Idempotency-Key": newKey() }),
      },
      body: init.body === undefined ? undefined : JSON.stringify(init.body),
    });
  } catch (error) {
    throw new Unreachable(String(error));
  }
  if (!response.ok) {
    if (response.status === 401) session.end();
    throw new Refusal(problemOf(response.status, await response.json().catch(() => null)));
  }
  const address = URL.createObjectURL(await response.blob());
  const link = document.createElement("a");
  link.href = address;
  if (init.saveAs) link.download = init.saveAs;
  else link.target = "_blank";
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
