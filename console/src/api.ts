// The public admin API, and nothing else. The gateway is where the page comes from, also under a path of a proxy's.

import { end, session } from "./session";
import type {
  AccessAnswer, AuditRecord, Change, Diff, Document, Explanation, Finding, Grant, ImportReport, Inventory, IssuedKey, KeyUsage, Kind, LogLine, LoginBegun, PastState, PlanReport, RemoteExplanation, Snippet,
  Status, UpstreamCheck, UpstreamLogin, UpstreamState,
} from "./model";

export const base = location.pathname.replace(/\/console\/?$/, "").replace(/\/$/, "");

/** What the gateway, or the way to it, said no to. Status 0: nothing answered. */
export class ApiError extends Error {
  constructor(readonly status: number, message: string) {
    super(message);
  }
}

export interface Answer<T> {
  data: T;
  revision?: number;
  warnings: string[];
  next?: string;
}

type Query = Record<string, string | number | boolean | string[] | undefined>;

export interface Provider {
  name: string;
  label: string;
}

interface Options {
  query?: Query;
  json?: unknown;
  text?: string;
  accept?: string;
  match?: string;
  onlyNew?: boolean;
  signal?: AbortSignal;
  /** Of a session that is not there yet. */
  key?: string;
}

/** The answer as it comes, also where it says no. Status 0: nothing answered. */
async function send(method: string, path: string, options: Options): Promise<Response> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(options.query ?? {})) {
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined && one !== "") query.append(name, String(one));
  }
  const headers: Record<string, string> = {};
  const key = options.key ?? session()?.key ?? "";
  if (key !== "") headers["Authorization"] = `Bearer ${key}`;
  else headers["X-DynMCP-Console"] = "1";
  if (options.json !== undefined) headers["Content-Type"] = "application/json";
  if (options.text !== undefined) headers["Content-Type"] = "text/plain";
  if (options.match !== undefined) headers["If-Match"] = options.match;
  if (options.accept !== undefined) headers["Accept"] = options.accept;
  if (options.onlyNew) headers["If-None-Match"] = "*";
  const asked = query.toString();
  try {
    return await fetch(`${base}${path}${asked === "" ? "" : `?${asked}`}`, {
      method,
      headers,
      body: options.text ?? (options.json === undefined ? null : JSON.stringify(options.json)),
      signal: options.signal ?? null,
      cache: "no-store",
      credentials: key === "" ? "same-origin" : "omit",
      redirect: "error",
    });
  } catch (error) {
    throw away(error, options.signal);
  }
}

function away(error: unknown, signal: AbortSignal | undefined): unknown {
  return signal?.aborted ? error : new ApiError(0, String(error instanceof Error ? error.message : error));
}

/** Why it said no; a key that is not good any more ends the session. */
function refusal(response: Response, text: string | undefined, options: Options): ApiError {
  if (response.status === 401 && options.key === undefined) end(true);
  return new ApiError(response.status, text ?? `${response.status} ${response.statusText}`.trim());
}

interface Envelope<T> {
  data?: T;
  error?: string;
  revision?: number;
  warnings?: string[];
  next_cursor?: string;
}

async function text(response: Response, options: Options): Promise<string> {
  try {
    return await response.text();
  } catch (error) {
    throw away(error, options.signal);
  }
}

function read<T>(body: string): Envelope<T> | undefined {
  try {
    return JSON.parse(body) as Envelope<T>;
  } catch {
    return undefined;
  }
}

async function ask<T>(method: string, path: string, options: Options = {}): Promise<Answer<T>> {
  const response = await send(method, path, options);
  const envelope = read<T>(await text(response, options));
  if (envelope === undefined) throw new ApiError(response.status, `${response.status} ${response.statusText}`.trim());
  if (!response.ok) throw refusal(response, envelope.error, options);
  return {
    data: envelope.data as T,
    revision: envelope.revision,
    warnings: envelope.warnings ?? [],
    next: envelope.next_cursor,
  };
}

/** Something else than an envelope. */
async function open(path: string, options: Options): Promise<Response> {
  const response = await send("GET", path, options);
  if (!response.ok) throw refusal(response, read(await text(response, options))?.error, options);
  return response;
}

/** Those with whom people can sign in; none where the gateway does not say. */
export async function providers(): Promise<Provider[]> {
  try {
    const answer = await fetch(`${base}/sign-in`, { credentials: "omit", cache: "no-store" });
    return answer.ok ? (read<Provider[]>(await answer.text())?.data ?? []) : [];
  } catch {
    return [];
  }
}

/** Where signing in with one of them begins. */
export const signInAt = (name: string) => `${base}/sign-in/${encodeURIComponent(name)}?to=/console`;

/** Ends what the gateway knows of this browser; a key of the tab is only forgotten. */
export async function signOut(): Promise<void> {
  if (session()?.key === "") {
    await fetch(`${base}/sign-in/out`, { method: "POST", credentials: "same-origin", cache: "no-store" }).catch(() => undefined);
  }
  end(false);
}

const at = (kind: Kind, id: string, rest = "") => `/admin/${kind}/${encodeURIComponent(id)}${rest}`;

export const api = {
  /** What whoever uses the console may do, by action. */
  access: (actions: string[]) => ask<{ principal: string; actions: Record<string, boolean> }>("GET", "/admin/access", { query: { actions: actions.join(",") } }),
  status: (key?: string) => ask<Status>("GET", "/admin/status", { key }),
  list: (kind: Kind, query: { q?: string; tag?: string; cursor?: string; limit?: number }, signal?: AbortSignal) =>
    ask<Document[]>("GET", `/admin/${kind}`, { query, signal }),
  item: (kind: Kind, id: string) => ask<Document>("GET", at(kind, id)),
  put: (kind: Kind, id: string, text: string, options: { revision?: number; onlyNew?: boolean; dryRun?: boolean; signal?: AbortSignal }) =>
    ask<Document>("PUT", at(kind, id), {
      text,
      query: { dry_run: options.dryRun },
      match: options.revision === undefined ? undefined : `"${options.revision}"`,
      onlyNew: options.onlyNew,
      signal: options.signal,
    }),
  remove: (kind: Kind, id: string, revision?: number, dryRun = false) =>
    ask<string>("DELETE", at(kind, id), { query: { dry_run: dryRun || undefined }, match: revision === undefined ? undefined : `"${revision}"` }),
  plan: (kind: Kind, id: string, document: unknown) =>
    ask<PlanReport>("POST", "/admin/plan", { json: { definitions: [{ kind, id, document }] } }),
  schema: async (kind: Kind): Promise<unknown> => (await fetch(`${base}/admin/schema/${kind}.json`, { credentials: "omit" })).json(),
  explain: (id: string, request: unknown, signal?: AbortSignal) =>
    ask<Explanation>("POST", at("tds", id, "/explain"), { json: request, signal }),
  explainRemote: (id: string, request: unknown, signal?: AbortSignal) =>
    ask<RemoteExplanation>("POST", at("uds", id, "/explain"), { json: request, signal }),
  explainAccess: (question: unknown, signal?: AbortSignal) => ask<AccessAnswer>("POST", "/admin/access/explain", { json: question, signal }),
  events: (query: { types?: string; since?: number }, signal: AbortSignal) => open("/admin/events", { query, signal, accept: "text/event-stream" }),
  metrics: async () => text(await open("/metrics", { accept: "text/plain" }), {}),
  audit: (query: Query) => ask<AuditRecord[]>("GET", "/admin/audit", { query }),
  history: (kind: Kind, id: string) => ask<PastState[]>("GET", at(kind, id, "/history")),
  past: (kind: Kind, id: string, revision: number) => ask<PastState>("GET", at(kind, id, `/history/${revision}`)),
  diff: (kind: Kind, id: string, revision: number, to: number | "current") =>
    ask<Diff>("GET", at(kind, id, `/history/${revision}/diff`), { query: { to } }),
  rollback: (kind: Kind, id: string, revision: number, dryRun: boolean) =>
    ask<Document>("POST", at(kind, id, "/rollback"), { json: { revision }, query: { dry_run: dryRun } }),
  quarantine: () => ask<Finding[]>("GET", "/admin/quarantine"),
  upstreams: () => ask<UpstreamState[]>("GET", "/admin/upstreams"),
  check: (id: string) => ask<UpstreamCheck>("POST", at("uds", id, "/check")),
  refresh: (id: string) => ask<UpstreamState>("POST", at("uds", id, "/refresh")),
  restart: (id: string) => ask<UpstreamState>("POST", at("uds", id, "/restart")),
  /** `null` where nobody logs in to it. */
  login: async (id: string): Promise<UpstreamLogin | null> => {
    try {
      return (await ask<UpstreamLogin>("GET", at("uds", id, "/login"))).data;
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return null;
      throw error;
    }
  },
  beginLogin: (id: string) => ask<LoginBegun>("POST", at("uds", id, "/login")),
  endLogin: (id: string) => ask<UpstreamLogin>("DELETE", at("uds", id, "/login")),
  grants: () => ask<Grant[]>("GET", "/admin/grants"),
  removeGrant: (id: string) => ask<{ revoked: boolean }>("DELETE", `/admin/grants/${encodeURIComponent(id)}`),
  inventory: (id: string) => ask<Inventory | null>("GET", at("uds", id, "/inventory")),
  logs: (id: string) => ask<LogLine[]>("GET", at("uds", id, "/logs")),
  createKey: (wanted: unknown) => ask<IssuedKey>("POST", "/admin/keys", { json: wanted }),
  rotateKey: (id: string, graceSeconds: number) => ask<IssuedKey>("POST", at("keys", id, "/rotate"), { json: { grace_seconds: graceSeconds } }),
  switchKey: (id: string, on: boolean) => ask<Document>("POST", at("keys", id, on ? "/activate" : "/inactivate")),
  keyUsage: (id: string) => ask<KeyUsage>("GET", at("keys", id, "/usage")),
  clients: (id: string) => ask<Snippet[]>("GET", at("ids", id, "/clients"), { query: { url: `${location.origin}${base}` } }),
  importAs: (format: string, text: string, query: Query) => ask<ImportReport>("POST", `/admin/import/${format}`, { text, query }),
};

export type { Change };
