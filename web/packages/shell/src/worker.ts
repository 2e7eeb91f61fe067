/// <reference lib="webworker" />
/**
 * Keeps one build of an app's own files, so that its page opens while the server is down.
 *
 * The server is asked first, so a new build shows at once; the kept page stands in where it does not
 * answer. All files of a build are kept together or not at all.
 */
import { isAway, planFor } from "./policy.ts";

/** Filled in after the build, by `plugin.ts`. */
declare const __SHELL__: { build: string; files: string[] };

const worker = self as unknown as ServiceWorkerGlobalScope;
const PREFIX = "lineside-shell:";
/** A frozen server holds the line open and says nothing. */
const PAGE_TIMEOUT_MS = 3_000;

const scope = worker.registration.scope;
const { build, files } = __SHELL__;
const storeName = `${PREFIX}${scope}:${build}`;

worker.addEventListener("install", (event) => {
  event.waitUntil(
    caches
      .open(storeName)
      .then((store) => store.addAll(files.map((file) => new Request(new URL(file, scope), { cache: "reload" }))))
      .then(() => worker.skipWaiting()),
  );
});

worker.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) =>
        Promise.all(
          names
            .filter((name) => name.startsWith(`${PREFIX}${scope}:`) && name !== storeName)
            .map((name) => caches.delete(name)),
        ),
      )
      .then(() => worker.clients.claim()),
  );
});

worker.addEventListener("fetch", (event) => {
  switch (planFor(event.request, scope, files)) {
    case "page":
      event.respondWith(page(event.request));
      return;
    case "kept":
      event.respondWith(kept(event.request));
      return;
    case "pass":
      return;
  }
});

async function page(request: Request): Promise<Response> {
  try {
    const answer = await fetch(request, { signal: AbortSignal.timeout(PAGE_TIMEOUT_MS), cache: "no-cache" });
    if (!isAway(answer.status)) return answer;
    return (await keptPage()) ?? answer;
  } catch (error) {
    const found = await keptPage();
    if (found) return found;
    throw error;
  }
}

async function keptPage(): Promise<Response | undefined> {
  return (await caches.open(storeName)).match(new URL("index.html", scope));
}

async function kept(request: Request): Promise<Response> {
  const found = await (await caches.open(storeName)).match(request, { ignoreSearch: true });
  return found ?? fetch(request);
}
