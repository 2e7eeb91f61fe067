"use strict";
// Renders /openapi.json without anything from the internet: plants are offline.
const element = (tag, text, cls) => {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (cls) made.className = cls;
  return made;
};

const resolve = (api, schema, depth = 0) => {
  if (!schema || depth > 6) return "…";
  if (schema.$ref) return resolve(api, api.components.schemas[schema.$ref.split("/").pop()], depth + 1);
  if (schema.anyOf) return schema.anyOf.map((part) => resolve(api, part, depth + 1)).filter((x) => x !== "null")[0];
  if (schema.type === "array") return [resolve(api, schema.items, depth + 1)];
  if (schema.type === "object" || schema.properties) {
    return Object.fromEntries(
      Object.entries(schema.properties || {}).map(([name, part]) => [name, resolve(api, part, depth + 1)]),
    );
  }
  if (schema.enum) return schema.enum.join(" | ");
  return schema.format ? `${schema.type} (${schema.format})` : schema.type || "any";
};

const parameters = (list) => {
  const table = element("table");
  for (const parameter of list) {
    const row = element("tr");
    row.append(element("td", parameter.name + (parameter.required ? " *" : "")), element("td", parameter.in));
    row.append(element("td", parameter.description || ""));
    table.append(row);
  }
  return table;
};

const block = (title, value) => {
  const part = element("div");
  part.append(element("strong", title), element("pre", JSON.stringify(value, null, 2)));
  return part;
};

const route = (api, path, method, operation) => {
  const details = element("details");
  const summary = element("summary");
  summary.append(element("span", method.toUpperCase(), `method ${method}`), element("code", path));
  summary.append(element("span", operation.summary || ""));
  const body = element("div", undefined, "body");
  body.append(element("p", operation.description || ""));
  if (operation.parameters) body.append(parameters(operation.parameters));
  const sent = operation.requestBody && operation.requestBody.content["application/json"];
  if (sent) body.append(block("Body", resolve(api, sent.schema)));
  for (const [status, answer] of Object.entries(operation.responses)) {
    const json = answer.content && answer.content["application/json"];
    if (json && status.startsWith("2")) body.append(block(`${status}`, resolve(api, json.schema)));
    else body.append(element("p", `${status}: ${answer.description}`));
  }
  details.append(summary, body);
  details.dataset.words = `${method} ${path} ${operation.summary} ${operation.tags}`.toLowerCase();
  return details;
};

const show = (api) => {
  const main = document.getElementById("routes");
  main.textContent = "";
  const tags = new Map();
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const tag = (operation.tags || ["other"])[0];
      if (!tags.has(tag)) tags.set(tag, []);
      tags.get(tag).push(route(api, path, method, operation));
    }
  }
  for (const [tag, routes] of tags) main.append(element("h2", tag), ...routes);
  document.getElementById("filter").addEventListener("input", (event) => {
    const word = event.target.value.toLowerCase();
    for (const details of main.querySelectorAll("details")) details.hidden = !details.dataset.words.includes(word);
  });
};

fetch("/openapi.json").then((answer) => answer.json()).then(show);
