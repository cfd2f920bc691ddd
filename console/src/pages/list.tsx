// The definitions of one kind: found by the gateway, page by page, and only what is seen is drawn.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { api } from "../api";
import { day, number, t, type TextKey } from "../i18n";
import type { Document, Finding, Kind, UpstreamState } from "../model";
import { useMay } from "../rights";
import { go, link } from "../route";
import { Icon } from "../ui/icons";
import { useLoad, useSettled } from "../ui/load";
import { Badge, Failure, Loading } from "../ui/parts";
import { VirtualList } from "../ui/virtual-list";
import { CreateKey } from "./key";
import { SecretDialog } from "./secret-dialog";
import { stateTone } from "./upstream";
import { usableByText } from "./usable-by";

const PAGE = 200;

export function ListPage({ kind, query, total }: { kind: Kind; query: URLSearchParams; total: number | undefined }) {
  const [text, setText] = useState(query.get("q") ?? "");
  const tag = query.get("tag") ?? undefined;
  const [creating, setCreating] = useState(false);
  const may = useMay();
  const q = useSettled(text.trim(), 200);
  const { rows, next, busy, error, more, reload } = usePages(kind, q, tag);
  const findings = useLoad(() => api.quarantine(), [kind]);
  const states = useLoad(() => (kind === "uds" ? api.upstreams() : Promise.resolve(undefined)), [kind]);
  const bad = new Map((findings.value?.data ?? []).filter((one) => one.kind?.toLowerCase() === kindWord(kind)).map((one) => [one.id, one]));
  const live = new Map((states.value?.data ?? []).map((state) => [state.id, state]));
  // What has no good version is not in the gateway's list, but it is what somebody looks for.
  const missing = q === "" && tag === undefined ? [...bad.values()].filter((one) => one.serving_revision === null && !rows.some((row) => row.id === one.id)) : [];
  const all: Document[] = [...missing.map((one) => ({ id: one.id, revision: one.revision, description: one.reason })), ...rows];
  const count = next === undefined || total === undefined ? t("list.count", { n: number(all.length) }) : t("list.countOf", { n: number(all.length), all: number(total) });
  return (
    <div class="page fill">
      <div class="head">
        <div class="titles"><h1>{t(`nav.${kind}` as TextKey)}</h1></div>
        {may(kind, "write") && (
          <div class="actions">
            {kind === "keys" || kind === "secrets"
              ? <button class="primary" onClick={() => setCreating(true)}><Icon name="plus" /> {t(`list.new.${kind}`)}</button>
              : <a class="button primary" href={link("new", kind)}><Icon name="plus" /> {t(`list.new.${kind}` as TextKey)}</a>}
          </div>
        )}
      </div>
      <div class="toolbar">
        <div class="search">
          <Icon name="search" />
          <input type="search" value={text} aria-label={t("common.search")} placeholder={t(`list.search.${kind}` as TextKey)} onInput={(event) => setText(event.currentTarget.value)} />
        </div>
        {tag !== undefined && (
          <button class="badge accent" onClick={() => go(link(kind))}>{t("list.tag", { tag })} ✕ <span class="visually-hidden">{t("list.tag.clear")}</span></button>
        )}
        <span class="muted small" role="status">{busy && rows.length === 0 ? t("common.loading") : count}</span>
      </div>
      {error !== undefined ? <div><Failure error={error} retry={reload} /></div>
        : all.length === 0 ? (busy ? <Loading /> : <div class="card empty">{q === "" ? t("list.empty") : t("list.nothing", { q })}</div>)
        : (
          <VirtualList label={t(`nav.${kind}` as TextKey)} rows={all} rowHeight={62} keyOf={(row) => row.id} href={(row) => link(kind, row.id)} more={more}>
            {(row) => <Row kind={kind} row={row} finding={bad.get(row.id)} state={live.get(row.id)} />}
          </VirtualList>
        )}
      {creating && kind === "keys" && <CreateKey close={() => setCreating(false)} made={reload} />}
      {creating && kind === "secrets" && <SecretDialog part="new" close={() => setCreating(false)} saved={(id) => go(link("secrets", id))} />}
    </div>
  );
}

const WORDS: Partial<Record<Kind, string>> = { keys: "kds", roles: "rds", secrets: "sds" };

/** `tds` for findings that say `TDS`. */
export function kindWord(kind: Kind): string {
  return WORDS[kind] ?? kind;
}

export function kindOf(word: string | null): Kind | null {
  const lower = word?.toLowerCase();
  if (lower === "tds" || lower === "ids" || lower === "uds") return lower;
  if (lower === "rds") return "roles";
  if (lower === "sds") return "secrets";
  return lower === "kds" || lower === "key" || lower === "keys" ? "keys" : null;
}

function usePages(kind: Kind, q: string, tag: string | undefined) {
  const [state, set] = useState<{ rows: Document[]; next?: string; busy: boolean; error?: unknown }>({ rows: [], busy: true });
  const asking = useRef<AbortController | null>(null);
  const ask = useCallback(async (cursor: string | undefined, before: Document[]) => {
    asking.current?.abort();
    const mine = new AbortController();
    asking.current = mine;
    set((now) => ({ ...now, busy: true, error: undefined }));
    try {
      const page = await api.list(kind, { q, tag, cursor, limit: PAGE }, mine.signal);
      if (!mine.signal.aborted) set({ rows: [...before, ...page.data], next: page.next, busy: false });
    } catch (error) {
      if (!mine.signal.aborted) set((now) => ({ ...now, busy: false, error }));
    }
  }, [kind, q, tag]);
  const reload = useCallback(() => void ask(undefined, []), [ask]);
  useEffect(() => {
    reload();
    return () => asking.current?.abort();
  }, [reload]);
  const { rows, next, busy } = state;
  const more = useCallback(() => {
    if (!busy && next !== undefined) void ask(next, rows);
  }, [busy, next, rows, ask]);
  return { ...state, more, reload };
}

function Row({ kind, row, finding, state }: { kind: Kind; row: Document; finding: Finding | undefined; state: UpstreamState | undefined }) {
  const text = (value: unknown) => (typeof value === "string" ? value : "");
  return (
    <>
      <span class="first">
        <strong class="cut">{text(row.title) || text(row.name) || row.id}</strong>
        <span class="small muted mono cut">{kind === "tds" ? target(row) : kind === "secrets" ? usableByText(row) || "–" : row.id}</span>
      </span>
      <span class="second muted cut">{text(row.description)}</span>
      <span class="marks">
        {finding !== undefined && <Badge tone="bad">{t("list.quarantined")}</Badge>}
        {kind === "ids" && <Badge>{Array.isArray(row["tool_ids"]) ? t("list.tools", { n: row["tool_ids"].length }) : t("list.allTools")}</Badge>}
        {kind === "secrets" && <SecretMarks row={row} />}
        {kind === "uds" && state?.login_needed && <Badge tone="warn">{t("upstream.login.needed")}</Badge>}
        {kind === "uds" && (state === undefined ? <Badge>{t("upstream.off")}</Badge> : <Badge tone={stateTone(state.state)} dot>{t(`upstream.state.${state.state}` as TextKey)}</Badge>)}
        {kind === "keys" && <KeyMarks row={row} />}
        {Array.isArray(row.tags) && row.tags.slice(0, 2).map((tag) => <Badge key={String(tag)} tone="accent">{String(tag)}</Badge>)}
      </span>
    </>
  );
}

function SecretMarks({ row }: { row: Document }) {
  const since = typeof row["value_at"] === "string" ? row["value_at"] : undefined;
  return usableByText(row) === "" ? <Badge tone="warn">{t("secret.unused")}</Badge> : <span class="small muted">{day(since)}</span>;
}

function KeyMarks({ row }: { row: Document }) {
  const ends = typeof row["expires_at"] === "string" ? new Date(row["expires_at"]) : null;
  const admin = Array.isArray(row["roles"]) && row["roles"].includes("admin");
  return (
    <>
      {admin && <Badge tone="accent">{t("key.opens.admin")}</Badge>}
      {row["status"] === "inactive" ? <Badge tone="warn">{t("key.inactive")}</Badge>
        : ends !== null && ends.getTime() < Date.now() ? <Badge tone="warn">{t("key.ended")}</Badge>
        : <Badge tone="good">{t("key.active")}</Badge>}
    </>
  );
}

/** `GET api.example.com/orders`. */
function target(row: Document): string {
  const http = row["tds_ext_info"] as { domain?: unknown; method?: unknown; path?: unknown } | undefined;
  if (typeof http !== "object" || http === null) return row.id;
  const said = (value: unknown) => (typeof value === "string" ? value : "");
  const place = `${said(http.method) || "GET"} ${said(http.domain)}${said(http.path)}`.trim();
  return said(http.domain) === "" && said(http.path) === "" ? row.id : place;
}
