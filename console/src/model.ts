// What the admin API answers with, as far as the console reads it.

export const KINDS = ["tds", "ids", "uds", "roles", "keys", "secrets"] as const;
export type Kind = (typeof KINDS)[number];

export interface Document {
  id: string;
  revision: number;
  updated_at?: string;
  name?: string;
  title?: string;
  description?: string;
  tags?: string[];
  [member: string]: unknown;
}

export interface Task {
  name: string;
  running: number;
  restarts: number;
  in_trouble: boolean;
}

export interface Status {
  source: string;
  revision: number;
  lag_ms: number;
  stale: boolean;
  ready: boolean;
  quarantined: number;
  held_back: number;
  disabled: number | null;
  definitions: Record<string, number>;
  tasks: Task[];
  started_at: string;
  version: string;
}

export interface Finding {
  kind: string | null;
  id: string;
  revision: number;
  reason: string;
  at: string;
  serving_revision: number | null;
}

export interface UpstreamLogin {
  grant: "client_credentials" | "authorization_code" | "user";
  logged_in: boolean;
  login_needed: boolean;
  issuer?: string;
  scopes: string[];
  /** The seconds for which the token is good. */
  expires_in?: number;
}

export interface LoginBegun {
  url: string;
  redirect_uri: string;
}

/** An account that a caller has connected to an upstream. */
export interface Grant {
  id: string;
  upstream: string;
  principal: string;
  key?: string;
  connected_at: string;
  issuer?: string;
  scopes: string[];
  login_needed: boolean;
  expires_in?: number;
}

export interface UpstreamState {
  id: string;
  state: string;
  since: string;
  transport: string;
  protocol?: string;
  tools: number;
  resources: number;
  prompts: number;
  attempts: number;
  last_error?: string;
  login_needed?: boolean;
  next_attempt_ms?: number;
  strays: number;
  endpoints?: Endpoint[];
}

export interface Endpoint {
  url: string;
  breaker: "closed" | "open" | "half_open";
  retry_in_ms?: number;
  healthy?: boolean;
  weight: number;
  priority: number;
  region?: string;
  under_way: number;
  requests: number;
  failures: number;
  latency_ms?: number;
  last_error?: string;
  last_error_at?: string;
}

export interface UpstreamCheck {
  protocol: string;
  handshake_ms: number;
  list_ms: number;
  tools: number;
  resources: number;
  prompts: number;
}

export interface Inventory {
  epoch: number;
  at: string;
  protocol: string;
  server_info: unknown;
  instructions: string | null;
  tools: Listed[];
  resources: Listed[];
  resource_templates: Listed[];
  prompts: Listed[];
  skipped: Record<string, unknown>[];
}

export interface Listed {
  name?: string;
  title?: string;
  uri?: string;
  uriTemplate?: string;
  description?: string;
  inputSchema?: unknown;
}

/** A call of an upstream's tool: which server would get which message, and what becomes of its answer. */
export interface RemoteExplanation {
  server: string;
  transport: string;
  protocol: string;
  connected: boolean;
  held_back: boolean;
  problem?: string;
  message?: unknown;
  headers: Record<string, string>;
  output?: { said_by: "upstream" | "instance"; jq?: string; template?: string };
  max_result_bytes: number;
}

/** Whether something is allowed, and which rule says so. */
export interface AccessVerdict {
  allowed: boolean;
  rule?: string;
  reason?: string;
  /** What a policy service says. */
  external?: "allow" | "refuse" | "fail_open" | "fail_closed";
}

/** What the holder of a key, or of a role, may do. */
export interface AccessAnswer {
  key?: string;
  roles: string[];
  broken?: string;
  limits?: string[];
  instance?: { open: boolean; tools: string[]; hidden: number };
  tool?: AccessVerdict;
  action?: AccessVerdict;
}

/** Something that happened; the other members depend on what. */
export interface Happening {
  id: number;
  type: string;
  at: string;
  [member: string]: unknown;
}

export interface AuditRecord {
  seq: number;
  at: string;
  event?: string;
  principal?: string;
  action?: string;
  instance?: string;
  tool?: string;
  target?: string;
  decision?: "allow" | "refuse";
  outcome?: string;
  reason?: string;
  ms?: number;
  [member: string]: unknown;
}

export interface LogLine {
  at: string;
  from: string;
  text: string;
}

export interface PastState {
  revision: number;
  at: string | null;
  principal: string | null;
  deleted: boolean;
  document?: Record<string, unknown>;
  text?: string;
}

export interface Change {
  pointer: string;
  change: "added" | "removed" | "changed";
  from?: unknown;
  to?: unknown;
}

export interface Diff {
  from: PastState;
  to: PastState;
  changes: Change[];
}

export interface Notice {
  text: string;
  breaking: boolean;
}

export interface InstanceNotice {
  instance: string;
  change: string;
  appear: string[];
  disappear: string[];
  renamed: { from: string; to: string }[];
  changed: { name: string; changes: Notice[] }[];
  reordered: boolean;
  other: Notice[];
  before: { tools: number; bytes: number; tokens: number };
  after: { tools: number; bytes: number; tokens: number };
  breaking: boolean;
}

export interface PlanFinding {
  definition: string;
  field: string;
  reason: string;
}

export interface PlanReport {
  created: string[];
  changed: string[];
  unchanged: string[];
  removed: string[];
  skipped: { operation: string; reason: string }[];
  changes: { definition: string; members: string[] }[];
  problems: PlanFinding[];
  warnings: PlanFinding[];
  clients: InstanceNotice[];
  breaking: boolean;
  fingerprint: string;
}

export interface ImportReport {
  instance: string;
  created: string[];
  changed: string[];
  unchanged: string[];
  removed: string[];
  disappeared: string[];
  skipped: { operation: string; reason: string }[];
  conflicts: { id: string; operation: string; reason: string }[];
  notes: string[];
  warnings: PlanFinding[];
  clients: InstanceNotice[];
  breaking: boolean;
}

export interface Body {
  bytes: number;
  tokens?: number;
  text?: string;
  base64?: string;
  parts?: { headers?: unknown; bytes?: number; text?: string }[];
  truncated: boolean;
}

export interface Header {
  name: string;
  value: string;
}

export interface Placement {
  arguments?: string[];
  source: string;
  in?: string;
  as?: string;
  rule: string;
  style?: string;
  written?: string;
  left_out?: string;
  given_by?: string;
}

export interface Explanation {
  instance?: string;
  target: string;
  method?: string;
  endpoint?: string;
  valid: boolean;
  problems: { path: string; reason: string }[];
  request?: { method: string; url: string; headers: Header[]; body?: Body };
  curl?: { line: string; variables?: { name: string; from?: string; set?: boolean }[]; note?: string };
  placements: Placement[];
  egress?: { host?: string; allowed?: boolean; reason?: string };
  answer?: unknown;
  sent?: {
    answer?: { status: number; headers: Header[]; body: Body };
    result: {
      content?: { type: string; text?: string; mimeType?: string; data?: string }[];
      structuredContent?: unknown;
      isError?: boolean;
      outcome?: string;
      mismatch?: unknown;
      content_cost?: { bytes: number; tokens: number };
      structured_cost?: { bytes: number; tokens: number };
    };
    timings: { upstream_ms?: number; shape_ms?: number };
  };
}

export interface IssuedKey {
  id: string;
  key: string;
  document: Document;
}

export interface KeyUsage {
  since: string;
  requests: number;
  last_used_at?: string;
}

export interface Snippet {
  client: string;
  place: string;
  text: string;
}
