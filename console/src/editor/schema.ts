// What a published schema says about a place in a document: names and values to choose from, and their description.

import type { Path } from "./locate";

interface Schema {
  $ref?: string;
  properties?: Record<string, Schema | boolean>;
  additionalProperties?: Schema | boolean;
  items?: Schema | boolean;
  prefixItems?: (Schema | boolean)[];
  anyOf?: (Schema | boolean)[];
  oneOf?: (Schema | boolean)[];
  allOf?: (Schema | boolean)[];
  enum?: unknown[];
  const?: unknown;
  type?: string | string[];
  description?: string;
  default?: unknown;
  required?: string[];
  examples?: unknown[];
}

export interface Named {
  name: string;
  description: string;
  required: boolean;
  /** What to write for it at first. */
  blank: string;
  detail: string;
}

/** Every schema that speaks about the path. */
export function at(root: unknown, path: Path): Schema[] {
  let here = spread(root, [root]);
  for (const step of path) here = spread(root, here.map((schema) => below(schema, step)));
  return here;
}

/** The schemas with all that they are made of, each once: schemas refer to themselves. */
function spread(root: unknown, schemas: unknown[]): Schema[] {
  const found = new Set<Schema>();
  const waiting = [...schemas];
  while (waiting.length > 0) {
    const schema = waiting.shift();
    if (typeof schema !== "object" || schema === null || found.has(schema)) continue;
    const own = schema as Schema;
    found.add(own);
    waiting.push(...(own.allOf ?? []), ...(own.anyOf ?? []), ...(own.oneOf ?? []));
    if (own.$ref !== undefined) waiting.push(follow(root, own.$ref));
  }
  return [...found];
}

function follow(root: unknown, reference: string): unknown {
  if (!reference.startsWith("#")) return undefined;
  let at = root;
  for (const part of reference.slice(1).split("/").filter((part) => part !== "")) {
    at = (at as Record<string, unknown> | undefined)?.[decodeURIComponent(part).replace(/~1/g, "/").replace(/~0/g, "~")];
  }
  return at;
}

function below(schema: Schema, step: string | number): unknown {
  if (typeof step === "number") return schema.prefixItems?.[step] ?? schema.items;
  return schema.properties?.[step] ?? schema.additionalProperties;
}

export function names(root: unknown, path: Path): Named[] {
  const found = new Map<string, Named>();
  for (const schema of at(root, path)) {
    for (const [name, member] of Object.entries(schema.properties ?? {})) {
      const all = spread(root, [member]);
      found.set(name, {
        name,
        description: all.find((one) => one.description !== undefined)?.description ?? "",
        required: schema.required?.includes(name) ?? false,
        blank: blank(all),
        detail: types(all).join(" | "),
      });
    }
  }
  return [...found.values()];
}

export function values(root: unknown, path: Path): { text: string; description: string }[] {
  const found = new Map<string, string>();
  for (const schema of at(root, path)) {
    for (const value of [...(schema.enum ?? []), ...(schema.const === undefined ? [] : [schema.const])]) found.set(JSON.stringify(value), schema.description ?? "");
    if (schema.type === "boolean") for (const value of ["true", "false"]) found.set(value, "");
  }
  return [...found].map(([text, description]) => ({ text, description }));
}

export function description(root: unknown, path: Path): string {
  return at(root, path).find((schema) => schema.description !== undefined)?.description ?? "";
}

function types(schemas: Schema[]): string[] {
  return [...new Set(schemas.flatMap((schema) => schema.type ?? []))].filter((type) => type !== "null");
}

function blank(schemas: Schema[]): string {
  const type = types(schemas)[0];
  if (type === "object") return "{}";
  if (type === "array") return "[]";
  if (type === "string") return '""';
  if (type === "boolean") return "true";
  return type === "integer" || type === "number" ? "0" : "";
}
