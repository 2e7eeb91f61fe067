// Every text exists in Chinese and English, with the same places for values, and none is empty.
import { readFileSync, readdirSync, existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const faults = [];

function* textFolders(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (!entry.isDirectory() || entry.name === "node_modules") continue;
    const path = join(folder, entry.name);
    if (entry.name === "texts") yield path;
    else yield* textFolders(path);
  }
}

const places = (text) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort().join(",");

for (const folder of [...textFolders(join(root, "apps")), ...textFolders(join(root, "packages"))]) {
  const files = { zh: join(folder, "zh.json"), en: join(folder, "en.json") };
  if (!existsSync(files.zh) || !existsSync(files.en)) {
    faults.push(`${folder}: zh.json and en.json must stand side by side.`);
    continue;
  }
  const zh = JSON.parse(readFileSync(files.zh, "utf8"));
  const en = JSON.parse(readFileSync(files.en, "utf8"));
  for (const key of new Set([...Object.keys(zh), ...Object.keys(en)])) {
    if (!(key in zh)) faults.push(`${files.zh}: ${key} is missing.`);
    else if (!(key in en)) faults.push(`${files.en}: ${key} is missing.`);
    else if (!zh[key].trim() || !en[key].trim()) faults.push(`${folder}: ${key} is empty.`);
    else if (places(zh[key]) !== places(en[key])) {
      faults.push(`${folder}: ${key} has places {${places(zh[key])}} in zh, {${places(en[key])}} in en.`);
    }
  }
}

if (faults.length > 0) {
  console.error(faults.join("\n"));
  process.exit(1);
}
console.log("Texts: zh and en agree.");
