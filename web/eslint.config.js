import js from "@eslint/js";
import hooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

/** Zones: apps never know each other, packages never know apps, and nobody reaches into the other's folder. */
const zone = (files, forbidden, message) => ({
  files,
  rules: {
    "no-restricted-imports": ["error", { patterns: [{ group: forbidden, message }] }],
  },
});

export default tseslint.config(
  { ignores: ["**/node_modules/**", "**/dist/**", "packages/client/src/*.d.ts"] },
  js.configs.recommended,
  {
    files: ["**/*.mjs", "*.js"],
    languageOptions: { globals: { console: "readonly", process: "readonly", URL: "readonly" } },
  },
  {
    files: ["**/*.ts", "**/*.tsx"],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { project: ["./tsconfig.json"], tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-misused-promises": ["error", { checksVoidReturn: { attributes: false } }],
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      "max-lines": ["error", { max: 400 }],
    },
  },
  { files: ["**/*.tsx"], ...hooks.configs.flat.recommended },
  zone(
    ["apps/terminal/**"],
    ["**/console/**", "**/board/**", "@lineside/console*", "@lineside/board*", "antd", "react-router"],
    "The terminal knows neither board nor console nor the console's libraries.",
  ),
  zone(
    ["apps/console/**"],
    ["**/terminal/**", "**/board/**", "@lineside/terminal*", "@lineside/board*", "@lineside/client/edge*"],
    "The console knows neither terminal nor board nor an edge.",
  ),
  zone(
    ["apps/board/**"],
    ["**/terminal/**", "**/console/**", "@lineside/terminal*", "@lineside/console*", "antd", "react-router"],
    "The board knows neither terminal nor console nor the console's libraries.",
  ),
  zone(
    ["packages/client/**"],
    ["**/apps/**", "@lineside/ui*", "@lineside/terminal*", "@lineside/console*"],
    "The clients know neither looks nor apps.",
  ),
  zone(
    ["packages/ui/**"],
    ["**/apps/**", "@lineside/client*", "@lineside/terminal*", "@lineside/console*"],
    "Looks know neither servers nor apps.",
  ),
  zone(
    ["packages/shell/**"],
    ["**/apps/**", "@lineside/client*", "@lineside/ui*", "@lineside/format*", "react"],
    "The kept shell knows neither servers nor looks nor apps.",
  ),
  zone(
    ["packages/format/**"],
    ["**/apps/**", "@lineside/ui*", "@lineside/client*", "@lineside/terminal*", "@lineside/console*", "react"],
    "Formatting is pure.",
  ),
);
