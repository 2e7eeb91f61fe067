/** Builds `sw.js` beside an app, with the list of the files of this very build in it. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import type { Plugin } from "vite";

const WORKER = fileURLToPath(new URL("worker.ts", import.meta.url));
const OUT = "sw.js";

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .filter((name) => name !== OUT && !name.endsWith(".map"))
    .sort();
}

/** To be used by an app's `vite.config.ts`; the worker's scope is the folder of the app. */
export function keptShell(): Plugin {
  let folder = "";
  return {
    name: "lineside-kept-shell",
    apply: "build",
    config: (config) => ({
      build: {
        rollupOptions: {
          input: { main: join(config.root ?? process.cwd(), "index.html"), sw: WORKER },
          output: {
            entryFileNames: (chunk) => (chunk.name === "sw" ? OUT : "assets/[name]-[hash].js"),
          },
        },
      },
    }),
    configResolved(config) {
      folder = join(config.root, config.build.outDir);
    },
    writeBundle() {
      const files = filesIn(folder);
      const digest = createHash("sha256");
      for (const file of files) digest.update(file).update(readFileSync(join(folder, file)));
      const shell = JSON.stringify({ build: digest.digest("hex").slice(0, 16), files });
      const path = join(folder, OUT);
      const code = readFileSync(path, "utf8");
      if (!code.includes("__SHELL__")) throw new Error("The worker does not name its list of files.");
      writeFileSync(path, code.replace("__SHELL__", () => shell));
    },
  };
}
