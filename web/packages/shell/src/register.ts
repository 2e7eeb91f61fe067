/** Lets the browser keep this page's files, and tells when a newer build has been kept. */

const ASK_FOR_BUILD_MS = 30 * 60_000;

let registration: ServiceWorkerRegistration | null = null;
let fresh = false;
const watchers = new Set<() => void>();

/**
 * Register the worker of the app at this address. Browsers allow it over https and on the machine
 * itself; elsewhere the page works as before, only that it cannot be opened while the server is down.
 */
export function keepShell(): void {
  if (!("serviceWorker" in navigator) || !window.isSecureContext) return;
  const container = navigator.serviceWorker;
  const hadOne = container.controller !== null;
  let changes = 0;
  container.addEventListener("controllerchange", () => {
    changes += 1;
    // The first worker of this browser brings no newer build than the page itself.
    if (!hadOne && changes === 1) return;
    fresh = true;
    for (const watcher of watchers) watcher();
  });
  const address = new URL("sw.js", document.baseURI);
  container
    .register(address, { updateViaCache: "none" })
    .then((found) => {
      registration = found;
    })
    .catch((error: unknown) => console.warn("The page cannot be kept for when the server is down.", error));
  window.setInterval(askForBuild, ASK_FOR_BUILD_MS);
}

/** Look whether the server has a newer build; after an update it was away for a moment. */
export function askForBuild(): void {
  registration?.update().catch(() => undefined); // away again: asked later
}

/** Whether a newer build than the one on the screen is ready; loading the page again shows it. */
export const newBuild = {
  ready: (): boolean => fresh,
  subscribe: (watcher: () => void): (() => void) => {
    watchers.add(watcher);
    return () => watchers.delete(watcher);
  },
};
