// Renders openapi.json and sends the requests that its reader tries. Text is only ever set as text, never as markup.
"use strict";

function el(name, properties, ...children) {
  const node = Object.assign(document.createElement(name), properties);
  node.append(...children.filter((child) => child !== undefined && child !== null));
  return node;
}

function resolve(api, node) {
  if (!node || !node.$ref) return node || {};
  return node.$ref.slice(2).split("/").reduce((at, name) => at[name], api);
}

function describe(api, node) {
  const schema = resolve(api, node);
  const parts = [];
  if (node && node.$ref) parts.push(node.$ref.split("/").pop());
  else if (schema.oneOf || schema.anyOf) parts.push((schema.oneOf || schema.anyOf).map((one) => describe(api, one)).join(" | "));
  else if (schema.const !== undefined) parts.push(JSON.stringify(schema.const));
  else if (schema.type === "array") parts.push("array of " + describe(api, schema.items));
  else if (schema.type) parts.push([].concat(schema.type).join(" or "));
  if (schema.enum) parts.push(schema.enum.map((value) => JSON.stringify(value)).join(" | "));
  if (schema.maxLength) parts.push("at most " + schema.maxLength + " characters");
  if (schema.minimum !== undefined && schema.maximum !== undefined) parts.push(schema.minimum + " to " + schema.maximum);
  if (schema.default !== undefined) parts.push("default " + JSON.stringify(schema.default));
  return parts.join(", ");
}

function membersOf(api, reference) {
  const schema = resolve(api, reference);
  const table = el("table");
  for (const [name, member] of Object.entries(schema.properties || {})) {
    const required = (schema.required || []).includes(name) ? " (required)" : "";
    table.append(el("tr", {},
      el("td", {}, el("code", {}, name), required),
      el("td", {}, describe(api, member)),
      el("td", {}, member.description || resolve(api, member).description || "")));
  }
  return table;
}

function exampleOf(api, media) {
  if (!media) return undefined;
  const schema = resolve(api, media.schema);
  return media.example || schema.example || (schema.examples || [])[0];
}

function headersFor(values) {
  const headers = {};
  const key = document.getElementById("key").value.trim();
  if (key) headers.Authorization = "Bearer " + key;
  for (const [name, value] of values) headers[name] = value;
  return headers;
}

// `basePath` is where this gateway is mounted: the page is at <mount>/admin/docs.
const basePath = location.pathname.replace(/\/admin\/docs\/?$/, "");

async function send(method, path, inputs, body, output) {
  const query = new URLSearchParams();
  const headers = [];
  let url = path;
  for (const { parameter, input } of inputs) {
    if (parameter.in === "path") url = url.replace("{" + parameter.name + "}", encodeURIComponent(input.value));
    else if (input.value === "") continue;
    else if (parameter.in === "query") query.set(parameter.name, input.value);
    else headers.push([parameter.name, input.value]);
  }
  if (body) headers.push(["Content-Type", "application/json"]);
  const target = basePath + url + (query.size ? "?" + query : "");
  output.replaceChildren(el("p", {}, "…"));
  try {
    const started = performance.now();
    const answer = await fetch(target, { method, headers: headersFor(headers), body: body ? body.value : undefined });
    const text = await answer.text();
    let shown = text;
    try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch { /* shown as it came */ }
    const etag = answer.headers.get("ETag");
    const summary = method + " " + target + " → " + answer.status + (etag ? ", ETag " + etag : "") +
      ", " + Math.round(performance.now() - started) + " ms";
    output.replaceChildren(el("p", { className: answer.ok ? "good" : "bad" }, summary), el("pre", {}, shown));
  } catch (error) {
    output.replaceChildren(el("p", { className: "bad" }, String(error)));
  }
}

function trial(api, method, path, operation) {
  const inputs = (operation.parameters || []).map((parameter) => ({
    parameter,
    input: el("input", { required: parameter.required === true, placeholder: describe(api, parameter.schema) }),
  }));
  const media = operation.requestBody && operation.requestBody.content["application/json"];
  const example = exampleOf(api, media);
  const body = media && el("textarea", { spellcheck: false, value: JSON.stringify(example || {}, null, 2) });
  const output = el("div");
  const fields = el("div", { className: "fields" });
  for (const { parameter, input } of inputs) {
    const label = parameter.name + (parameter.required ? " (required)" : "");
    fields.append(el("label", { title: parameter.description || "" }, label + " · " + parameter.in, input));
  }
  if (body) fields.append(el("label", { className: "wide" }, "body", body));
  const form = el("form", {}, fields, el("button", { type: "submit" }, "Send"), output);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(method.toUpperCase(), path, inputs, body, output);
  });
  return form;
}

function operationOf(api, method, path, operation) {
  const responses = el("table");
  for (const [status, response] of Object.entries(operation.responses || {})) {
    responses.append(el("tr", {}, el("td", {}, el("code", {}, status)), el("td", {}, response.description)));
  }
  const media = operation.requestBody && operation.requestBody.content["application/json"];
  const card = el("details", {},
    el("summary", {}, el("b", { className: "method " + method }, method), el("code", {}, path),
      el("span", {}, operation.summary || operation.description || "")),
    el("div", { className: "body" },
      media && el("details", {}, el("summary", {}, "Body: " + describe(api, media.schema)),
        el("div", { className: "body" }, membersOf(api, media.schema))),
      el("details", {}, el("summary", {}, "Answers"), el("div", { className: "body" }, responses)),
      trial(api, method, path, operation)));
  return card;
}

function render(api) {
  document.getElementById("about").textContent = api.info.description + " Version " + api.info.version + ".";
  const sections = new Map((api.tags || []).map((tag) =>
    [tag.name, el("section", {}, el("h2", {}, tag.name, " ", el("small", {}, tag.description || "")))]));
  for (const [path, item] of Object.entries(api.paths)) {
    for (const method of ["get", "put", "post", "delete"]) {
      const operation = item[method];
      if (operation) sections.get(operation.tags[0]).append(operationOf(api, method, path, operation));
    }
  }
  const schemas = el("section", {}, el("h2", {}, "Schemas"));
  for (const [name, schema] of Object.entries(api.components.schemas)) {
    if (!schema.properties || name.startsWith("Success")) continue;
    schemas.append(el("details", {}, el("summary", {}, el("b", {}, name), el("span", {}, schema.description || "")),
      el("div", { className: "body" }, membersOf(api, schema))));
  }
  document.getElementById("operations").replaceChildren(...sections.values(), schemas);
}

fetch("openapi.json")
  .then((answer) => answer.json())
  .then(render)
  .catch((error) => {
    const main = document.getElementById("operations");
    main.replaceChildren(el("p", { className: "bad" }, "openapi.json could not be read: " + error));
  });
