import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** Built pages are served by central itself; nothing is loaded from elsewhere. */
export default defineConfig({
  plugins: [react()],
  build: {
    outDir: "../../../lineside/web_dist/console",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1500,
  },
  server: { proxy: { "/api": "http://127.0.0.1:8400" } },
});
