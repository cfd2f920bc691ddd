// Who may what: somebody, an instance, one of its tools and what it would be called with; whether that is allowed, and by which rule. Nothing is called.

import { useEffect, useMemo, useState } from "preact/hooks";
import { api } from "../api";
import { parse } from "../editor/code-editor";
import { SchemaForm, type ArgumentSchema } from "../forms/schema-form";
import { number, t, type TextKey } from "../i18n";
import type { AccessAnswer, AccessVerdict, Document } from "../model";
import { useIsKnown, useMay } from "../rights";
import { go, link } from "../route";
import { useLoad, useSettled } from "../ui/load";
import { Badge, Card, Choices, Failure, Field, json, Loading, Note } from "../ui/parts";

/** Always there, and in no store. */
const BUILT_IN = ["admin", "editor", "viewer", "agent"];
const NAMES = ["key", "role", "instance", "tool", "action"] as const;
type Asked = Record<(typeof NAMES)[number], string>;

/** What is asked about stands in the address, so that it can be handed on; arguments may be secret, and do not. */
function asked(query: URLSearchParams): Asked {
  return Object.fromEntries(NAMES.map((name) => [name, query.get(name) ?? ""])) as Asked;
}

export function AccessPage({ query }: { query: URLSearchParams }) {
  const may = useMay();
  const isKnown = useIsKnown();
  return (
    <div class="page">
      <div class="head"><div class="titles"><h1>{t("nav.access")}</h1><p class="muted">{t("access.intro")}</p></div></div>
      {may("access", "write") ? <Question query={query} /> : isKnown ? <Note tone="warn">{t("access.forbidden")}</Note> : <Loading />}
    </div>
  );
}

function Question({ query }: { query: URLSearchParams }) {
  const now = asked(query);
  const change = (next: Partial<Asked>) => {
    const said = Object.entries({ ...now, ...next }).filter(([, value]) => value !== "");
    go(`${link("access")}${said.length === 0 ? "" : `?${new URLSearchParams(said).toString()}`}`);
  };
  const keys = useLoad(() => api.list("keys", { limit: 1000 }), []);
  const roles = useLoad(() => api.list("roles", { limit: 1000 }), []);
  const instances = useLoad(() => api.list("ids", { limit: 1000 }), []);
  const [given, setGiven] = useState<unknown>({});
  useEffect(() => setGiven({}), [now.instance, now.tool]);
  const who = now.key !== "" ? { key: now.key } : now.role !== "" ? { role: now.role } : undefined;
  const rest = { ...(now.instance === "" ? {} : { instance: now.instance }), ...(now.action === "" ? {} : { action: now.action.trim() }) };
  const call = now.instance === "" || now.tool === "" ? {} : { tool: now.tool, arguments: given };
  const request = useMemo(() => (who === undefined ? "" : json({ ...who, ...rest, ...call })), [query.toString(), given]);
  const { answer, error, request: answered } = useAnswer(useSettled(request, 250));
  // A verdict on another question would be read as one on this.
  const isAnswered = answered === request;
  const stored = (list: typeof roles) => (list.value?.data ?? []).map((one) => one.id);
  const allRoles = [...new Set([...stored(roles), ...BUILT_IN])];
  const failed = keys.error ?? roles.error ?? instances.error;
  return (
    <div class="split">
      <div class="stack">
        {failed !== undefined && <Failure error={failed} />}
        <Card title={t("access.question")}>
          <form class="stack" onSubmit={(event) => event.preventDefault()}>
            <Field label={t("access.who")}>
              {(attributes) => (
                <select {...attributes} value={now.key !== "" ? `key:${now.key}` : now.role !== "" ? `role:${now.role}` : ""} onChange={(event) => {
                  const [kind, ...name] = event.currentTarget.value.split(":");
                  change({ key: kind === "key" ? name.join(":") : "", role: kind === "role" ? name.join(":") : "" });
                }}>
                  <option value="">{t("access.choose")}</option>
                  <optgroup label={t("nav.keys")}>{listed(keys.value?.data ?? [], now.key).map((one) => <option key={one.id} value={`key:${one.id}`}>{one.name ?? one.id}</option>)}</optgroup>
                  <optgroup label={t("nav.roles")}>{[...new Set([...allRoles, now.role])].filter((one) => one !== "").map((one) => <option key={one} value={`role:${one}`}>{one}</option>)}</optgroup>
                </select>
              )}
            </Field>
            <Field label={t("try.instance")}>
              {(attributes) => (
                <select {...attributes} value={now.instance} onChange={(event) => change({ instance: event.currentTarget.value, tool: "" })}>
                  <option value="">{t("access.noInstance")}</option>
                  {listed(instances.value?.data ?? [], now.instance).map((one) => <option key={one.id} value={one.id}>{one.name ?? one.id}</option>)}
                </select>
              )}
            </Field>
            {now.instance !== "" && <Tool now={now} seen={answer?.instance?.tools ?? []} choose={(tool) => change({ tool })} given={given} set={setGiven} />}
            <Field label={t("access.action")} hint={t("access.action.hint")}>
              {(attributes) => <Settling attributes={attributes} value={now.action} set={(action) => change({ action })} />}
            </Field>
          </form>
        </Card>
      </div>
      <div class="stack">
        {request === "" ? <Note>{t("access.nobody")}</Note> : !isAnswered ? <Loading /> : error !== undefined ? <Failure error={error} /> : answer !== undefined ? <Answer answer={answer} asked={now} /> : <Note>{t("access.nobody")}</Note>}
      </div>
    </div>
  );
}

/** Also one that the list does not have: what is asked about is what the address says. */
function listed(all: Document[], chosen: string): { id: string; name?: string }[] {
  return chosen === "" || all.some((one) => one.id === chosen) ? all : [...all, { id: chosen }];
}

type Attributes = { id: string; "aria-describedby": string; "aria-invalid": boolean };

/** A text that stands in the address when it is written, not letter by letter. */
function Settling({ attributes, value, set, list }: { attributes: Attributes; value: string; set: (value: string) => void; list?: string }) {
  const [text, write] = useState(value);
  useEffect(() => write(value), [value]);
  const settled = useSettled(text, 400);
  useEffect(() => { if (settled === text && settled !== value) set(settled); }, [settled]);
  return <input {...attributes} list={list} value={text} spellcheck={false} autocomplete="off" onInput={(event) => write(event.currentTarget.value)} onBlur={() => text !== value && set(text)} />;
}

/** One of the tools that are seen, or any other by its name there; its arguments by a form where its definition is found. */
function Tool({ now, seen, choose, given, set }: { now: Asked; seen: string[]; choose: (tool: string) => void; given: unknown; set: (value: unknown) => void }) {
  const found = useLoad(() => (now.tool === "" ? Promise.resolve(undefined) : api.list("tds", { q: now.tool, limit: 100 })), [now.tool]);
  const definition = found.value?.data.find((one) => one.id === now.tool || one.name === now.tool);
  const schema = (definition?.["input_schema"] ?? definition?.["inputSchema"]) as ArgumentSchema | undefined;
  const [wished, wish] = useState("form");
  const mode = schema === undefined ? "json" : wished;
  const [typed, setTyped] = useState("{}");
  useEffect(() => setTyped(json(given)), [now.tool, now.instance, mode]);
  return (
    <>
      <Field label={t("remote.tool")} hint={t("access.tool.hint")}>
        {(attributes) => (
          <>
            <Settling attributes={attributes} list="seen-tools" value={now.tool} set={choose} />
            <datalist id="seen-tools">{seen.map((name) => <option key={name} value={name} />)}</datalist>
          </>
        )}
      </Field>
      {now.tool !== "" && (
        <fieldset class="fields">
          <legend>{t("try.arguments")}</legend>
          {schema !== undefined && <Choices label={t("try.arguments")} options={[["form", t("try.asForm")], ["json", t("try.asJson")]]} chosen={mode} choose={wish} />}
          {mode === "form" && schema !== undefined
            ? <SchemaForm schema={schema} value={given} set={set} wrong={new Map()} />
            : (
              <Field label={t("try.asJson")} wrong={parse(typed).problem?.text}>
                {(attributes) => <textarea {...attributes} rows={6} spellcheck={false} value={typed} onInput={(event) => {
                  setTyped(event.currentTarget.value);
                  const read = parse(event.currentTarget.value);
                  if (read.problem === undefined) set(read.value);
                }} />}
              </Field>
            )}
        </fieldset>
      )}
    </>
  );
}

function useAnswer(request: string) {
  const [state, set] = useState<{ request?: string; answer?: AccessAnswer; error?: unknown }>({});
  useEffect(() => {
    if (request === "") return set({});
    const abort = new AbortController();
    api.explainAccess(JSON.parse(request), abort.signal).then(
      (answer) => set({ request, answer: answer.data }),
      (error: unknown) => { if (!abort.signal.aborted) set({ request, error }); },
    );
    return () => abort.abort();
  }, [request]);
  return state;
}

function Answer({ answer, asked: { instance, tool, action } }: { answer: AccessAnswer; asked: Asked }) {
  const seen = answer.instance;
  return (
    <>
      {answer.broken !== undefined && <Note tone="bad" live>{t("access.broken", { reason: answer.broken })}</Note>}
      {answer.tool !== undefined && <Verdict title={t("access.call", { tool, instance })} verdict={answer.tool} />}
      {answer.action !== undefined && <Verdict title={action} verdict={answer.action} />}
      {seen !== undefined && (
        <Card title={t("access.seen", { instance })} actions={<Badge tone={seen.open ? "good" : "bad"} dot>{t(seen.open ? "access.open" : "access.closed")}</Badge>}>
          {seen.tools.length > 0 && <p class="row">{seen.tools.map((name) => <code key={name}>{name}</code>)}</p>}
          <p class="small muted">{t("access.tools", { n: number(seen.tools.length), hidden: number(seen.hidden) })}</p>
        </Card>
      )}
      <Card title={t("access.holder")}>
        <dl class="facts">
          {answer.key !== undefined && <><dt>{t("item.key")}</dt><dd><a href={link("keys", answer.key)}><code>{answer.key}</code></a></dd></>}
          <dt>{t("nav.roles")}</dt><dd>{answer.roles.length === 0 ? "–" : answer.roles.map((role) => <span key={role}>{BUILT_IN.includes(role) ? role : <a href={link("roles", role)}>{role}</a>} </span>)}</dd>
          {answer.limits !== undefined && <><dt>{t("access.limits")}</dt><dd>{answer.limits.map((one) => <div key={one}>{one}</div>)}</dd></>}
        </dl>
      </Card>
    </>
  );
}

function Verdict({ title, verdict }: { title: string; verdict: AccessVerdict }) {
  return (
    <Card title={title} actions={<Badge tone={verdict.allowed ? "good" : "bad"} dot>{t(verdict.allowed ? "access.allowed" : "access.refused")}</Badge>}>
      <div role="status">
        {verdict.rule !== undefined && <p class="break">{t("access.rule", { rule: verdict.rule })}</p>}
        {verdict.reason !== undefined && <p class="break">{verdict.reason}</p>}
        {verdict.external !== undefined && <p class="small muted">{t(`access.external.${verdict.external}` as TextKey)}</p>}
      </div>
    </Card>
  );
}
