/** What the worker does with a request: pure, so that it can be tested without a browser. */

export interface Asked {
  method: string;
  /** `navigate` for a page that is opened or loaded again. */
  mode: string;
  url: string;
}

/**
 * `page`: the server's page, and the kept one where the server is away. `kept`: a file of this build,
 * from the store. `pass`: not ours, the browser asks the server as if there were no worker.
 */
export type Plan = "page" | "kept" | "pass";

/**
 * Decide about one request.
 *
 * @param asked The request.
 * @param scope Address of the app's start page, with a slash at the end.
 * @param files The app's own files, relative to the scope. Whatever is not among them passes: answers
 *   of the server are never kept, not even by mistake.
 */
export function planFor(asked: Asked, scope: string, files: readonly string[]): Plan {
  if (asked.method !== "GET") return "pass";
  const url = new URL(asked.url);
  const home = new URL(scope);
  if (url.origin !== home.origin || !url.pathname.startsWith(home.pathname)) return "pass";
  const path = url.pathname.slice(home.pathname.length);
  if (asked.mode === "navigate") return path === "" || path === "index.html" ? "page" : "pass";
  return path !== "index.html" && files.includes(path) ? "kept" : "pass";
}

/** Whether an answer to a page means that nobody is behind the door: what a gateway says then. */
export function isAway(status: number): boolean {
  return status === 502 || status === 503 || status === 504;
}
