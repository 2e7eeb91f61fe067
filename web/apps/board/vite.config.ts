import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { keptShell } from "../../packages/shell/src/plugin.ts";

/** Built pages are served by the edge agent at `/board/`; nothing is loaded from elsewhere. */
export default defineConfig({
  base: "/board/",
  plugins: [react(), keptShell()],
  build: {
    outDir: "../../../lineside/web_dist/board",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
  },
  server: { proxy: { "/api": "http://127.0.0.1:8601" } },
});
