// One definition: written, tried, connected, and its past.

import { useEffect, useState } from "preact/hooks";
import { api, ApiError } from "../api";
import { CodeEditor, parse } from "../editor/code-editor";
import { moment, t, type TextKey } from "../i18n";
import type { Document, Finding, Kind } from "../model";
import { useMay } from "../rights";
import { go, link, setGuard } from "../route";
import { Confirm } from "../ui/confirm";
import { useLoad } from "../ui/load";
import { Badge, Card, Failure, json, Loading, Note, say, Warnings } from "../ui/parts";
import { ConnectTab } from "./connect";
import { HistoryTab } from "./history";
import { KeyTab } from "./key";
import { kindWord } from "./list";
import { ExplainTab } from "./explain";
import { Review } from "./review";
import { SecretTab } from "./secret";
import { TryTab } from "./try";
import { InventoryTab, LogTab, StateTab } from "./upstream";

const TABS: Record<Kind, string[]> = {
  tds: ["definition", "try", "history"],
  ids: ["definition", "connect", "history"],
  uds: ["state", "inventory", "explain", "log", "definition", "history"],
  roles: ["definition", "history"],
  keys: ["key", "definition", "history"],
  secrets: ["secret", "history"],
};

/** Others are made in dialogs. */
const BLANK: Partial<Record<Kind, unknown>> = {
  tds: {
    id: "", name: "", description: "",
    input_schema: { type: "object", properties: {}, additionalProperties: false },
    tds_ext_info: { domain: "", method: "GET", path: "/" },
  },
  ids: { id: "", name: "", description: "", tool_ids: [] },
  uds: { id: "", transport: "streamable_http", url: "" },
  roles: { id: "", description: "" },
};

interface Stored {
  document: Document | null;
  text: string;
  revision: number | undefined;
  warnings: string[];
  finding: Finding | undefined;
}

/** What is stored, also where it cannot be used: then its history has it. */
async function load(kind: Kind, id: string): Promise<Stored> {
  const [item, findings] = await Promise.all([
    api.item(kind, id).catch((error: unknown) => {
      if (error instanceof ApiError && error.status === 404) return null;
      throw error;
    }),
    api.quarantine(),
  ]);
  const finding = findings.data.find((one) => one.id === id && one.kind?.toLowerCase() === kindWord(kind));
  if (finding !== undefined) {
    const past = await api.past(kind, id, finding.revision).catch(() => null);
    if (past !== null) {
      const text = past.data.text ?? json(written(past.data.document ?? {}));
      return { document: item?.data ?? null, text, revision: finding.revision, warnings: [], finding };
    }
  }
  if (item === null) return { document: null, text: "", revision: undefined, warnings: [], finding };
  return { document: item.data, text: json(written(item.data)), revision: item.revision, warnings: item.warnings, finding };
}

/** Without what the gateway maintains. */
function written(document: Record<string, unknown>): Record<string, unknown> {
  const { revision: _, updated_at: __, ...rest } = document;
  return rest;
}

export function DocumentPage({ kind, id, tab, query }: { kind: Kind; id: string | null; tab: string | undefined; query: URLSearchParams }) {
  const blank = json(BLANK[kind]);
  const stored = useLoad<Stored>(() => (id === null ? Promise.resolve({ document: null, text: blank, revision: undefined, warnings: [], finding: undefined }) : load(kind, id)), [kind, id]);
  const [draft, setDraft] = useState<string | null>(null);
  const [reviewing, setReviewing] = useState(false);
  const [deleting, setDeleting] = useState(false);
  const may = useMay();
  const value = stored.value;
  const text = draft ?? value?.text ?? "";
  const changed = draft !== null && draft !== value?.text;
  useGuard(changed);
  if (value === undefined) return <div class="page">{stored.error === undefined ? <Loading /> : <Failure error={stored.error} retry={stored.reload} />}</div>;
  const isThere = value.document !== null || value.finding !== undefined;
  const tabs = id === null ? ["definition"] : isThere ? TABS[kind] : ["history"];
  const shown = tab !== undefined && tabs.includes(tab) ? tab : value.finding !== undefined && kind !== "secrets" ? "definition" : tabs[0];
  const title = id === null ? t(`list.new.${kind}` as TextKey) : value.document?.title ?? value.document?.name ?? id;
  const review = () => setReviewing(true);
  const saved = (savedId: string) => {
    setReviewing(false);
    setDraft(null);
    setGuard(null);
    if (id === null) go(link(kind, savedId));
    else stored.reload();
  };
  return (
    <div class="page">
      <div class="head">
        <div class="titles">
          <a class="crumb" href={link(kind)}>← {t(`nav.${kind}` as TextKey)}</a>
          <h1 class="break">{String(title)}</h1>
          <div class="row small muted">
            {id !== null && <code class="break">{id}</code>}
            {value.document !== null && <span>{t("item.revision", { n: value.document.revision })}{value.document.updated_at !== undefined && `, ${moment(value.document.updated_at)}`}</span>}
            {value.document?.tags?.map((tag) => <a key={tag} href={`${link(kind)}?tag=${encodeURIComponent(tag)}`}><Badge tone="accent">{tag}</Badge></a>)}
            {changed && <Badge tone="warn" dot>{t("item.unsaved")}</Badge>}
          </div>
        </div>
        {id !== null && isThere && may(kind, "delete") && <div class="actions"><button class="danger" onClick={() => setDeleting(true)}>{t("common.delete")}</button></div>}
      </div>
      {value.finding !== undefined && (
        <Note tone="bad">
          <strong>{t("item.quarantined", { reason: value.finding.reason })}</strong>
          <span>{value.finding.serving_revision === null ? t("item.servingNone") : t("item.serving", { n: value.finding.serving_revision })} {t(kind === "secrets" ? "secret.mend" : "item.mend")}</span>
        </Note>
      )}
      {tabs.length > 1 && (
        <nav class="tabs" aria-label={String(title)}>
          {tabs.map((name) => <a key={name} href={link(kind, id ?? "", name)} aria-current={name === shown ? "page" : undefined}>{t(`item.${name}` as TextKey)}</a>)}
        </nav>
      )}
      {shown === "definition" && (
        <Card
          title={t("item.definition")}
          actions={
            <div class="row">
              <button class="quiet" onClick={() => { const read = parse(text); if (read.problem === undefined) setDraft(json(read.value)); }}>{t("item.format")}</button>
              {changed && id !== null && <button class="quiet" onClick={() => setDraft(null)}>{t("item.discard")}</button>}
              {may(kind, "write") && <button class="primary" disabled={!changed && id !== null} onClick={review}>{t("item.save")}</button>}
            </div>
          }
        >
          <Warnings texts={value.warnings} />
          <CodeEditor kind={kind} id={id} text={text} changed={setDraft} save={review} />
        </Card>
      )}
      {shown === "try" && id !== null && <TryTab id={id} text={text} isDraft={changed} instance={query.get("instance") ?? undefined} />}
      {shown === "connect" && id !== null && <ConnectTab id={id} />}
      {shown === "history" && id !== null && <HistoryTab kind={kind} id={id} current={value.revision} broughtBack={stored.reload} />}
      {shown === "state" && id !== null && <StateTab id={id} />}
      {shown === "inventory" && id !== null && <InventoryTab id={id} />}
      {shown === "explain" && id !== null && <ExplainTab id={id} asked={query} />}
      {shown === "log" && id !== null && <LogTab id={id} />}
      {shown === "secret" && id !== null && <SecretTab document={value.document ?? unusable(id, value.text)} revision={value.revision} warnings={value.warnings} changed={stored.reload} />}
      {shown === "key" && id !== null && value.document !== null && <KeyTab document={value.document} changed={stored.reload} />}
      {reviewing && <Review kind={kind} id={id} text={text} revision={value.revision} close={() => setReviewing(false)} saved={saved} reload={() => { setReviewing(false); setDraft(null); stored.reload(); }} />}
      {deleting && id !== null && <Delete kind={kind} id={id} revision={value.revision} close={() => setDeleting(false)} />}
    </div>
  );
}

/** What is stored and cannot be used, as far as it can be read. */
function unusable(id: string, text: string): Document {
  const read = parse(text).value;
  return { ...(typeof read === "object" && read !== null ? read : {}), id, revision: 0 };
}

/** What is not saved is not lost by a click. */
function useGuard(changed: boolean): void {
  useEffect(() => {
    if (!changed) return;
    const before = location.hash.split("/").slice(0, 3).join("/");
    setGuard(() => location.hash.split("?")[0]?.split("/").slice(0, 3).join("/") === before || confirm(t("item.unsaved")));
    const leaving = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener("beforeunload", leaving);
    return () => { setGuard(null); removeEventListener("beforeunload", leaving); };
  }, [changed]);
}

function Delete({ kind, id, revision, close }: { kind: Kind; id: string; revision: number | undefined; close: () => void }) {
  // Who goes on without it.
  const tried = useLoad(() => api.remove(kind, id, revision, true), [kind, id, revision]);
  const remove = async () => {
    await api.remove(kind, id, revision);
    setGuard(null);
    say(t("item.deleted", { id }));
    go(link(kind));
  };
  return (
    <Confirm title={t("item.delete.title", { id })} verb={t("common.delete")} close={close} act={remove}>
      <p>{t(kind === "secrets" ? "secret.delete.text" : "item.delete.text")}</p>
      {tried.value !== undefined && tried.value.warnings.length > 0 && <Note tone="warn" live><ul>{tried.value.warnings.map((one) => <li key={one}>{one}</li>)}</ul></Note>}
    </Confirm>
  );
}
