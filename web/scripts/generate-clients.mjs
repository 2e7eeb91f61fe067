// Writes the types of both servers' interfaces from their OpenAPI documents.
// `--check` changes nothing and fails where the checked-in types are out of date; `edge` or `central`
// does one of them.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const web = fileURLToPath(new URL("..", import.meta.url));
const python = process.env.PYTHON ?? join(web, "..", ".venv", "bin", "python");
const check = process.argv.includes("--check");
const only = process.argv.slice(2).filter((word) => !word.startsWith("--"));
const modules = { edge: "lineside.edge_agent.openapi", central: "lineside.central.openapi" };

/** Names of the schemas that a part of the document leads to. */
function reached(part, schemas, found = new Set()) {
  for (const [, name] of JSON.stringify(part ?? null).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
    if (found.has(name)) continue;
    found.add(name);
    reached(schemas[name], schemas, found);
  }
  return found;
}

/** What only answers carry is always sent whole: a default there does not make a field optional. */
function withWholeAnswers(document) {
  const schemas = document.components?.schemas ?? {};
  const bodies = Object.values(document.paths).flatMap((path) =>
    Object.values(path).map((operation) => operation.requestBody),
  );
  const asked = reached(bodies, schemas);
  for (const [name, schema] of Object.entries(schemas)) {
    if (!asked.has(name) && schema.properties) schema.required = Object.keys(schema.properties);
  }
  return document;
}

const scratch = mkdtempSync(join(tmpdir(), "lineside-openapi-"));
let stale = false;

try {
  for (const [name, module] of Object.entries(modules)) {
    if (only.length > 0 && !only.includes(name)) continue;
    const document = join(scratch, `${name}.json`);
    const made = join(scratch, `${name}.d.ts`);
    const kept = join(web, "packages", "client", "src", `${name}-schema.d.ts`);
    const printed = execFileSync(python, ["-m", module], {
      cwd: join(web, ".."),
      encoding: "utf8",
      maxBuffer: 64 * 1024 * 1024,
    });
    writeFileSync(document, JSON.stringify(withWholeAnswers(JSON.parse(printed))));
    execFileSync(
      join(web, "node_modules", ".bin", "openapi-typescript"),
      [document, "-o", made, "--default-non-nullable=false", "--export-type"],
      { stdio: ["ignore", "ignore", "inherit"] },
    );
    const text = readFileSync(made, "utf8");
    if (existsSync(kept) && readFileSync(kept, "utf8") === text) continue;
    if (check) {
      console.error(`${kept} is out of date: run npm run generate.`);
      stale = true;
    } else {
      writeFileSync(kept, text);
      console.log(`${name}: types written.`);
    }
  }
} finally {
  rmSync(scratch, { recursive: true });
}
if (stale) process.exit(1);
