// A call: its arguments by a form, what is sent because of them beside it, and what comes back.

import { useEffect, useMemo, useState } from "preact/hooks";
import { api } from "../api";
import { parse } from "../editor/code-editor";
import { SchemaForm, type ArgumentSchema } from "../forms/schema-form";
import { number, t } from "../i18n";
import type { Body, Document, Explanation, Placement } from "../model";
import { useIsKnown, useMay } from "../rights";
import { useLoad, useSettled } from "../ui/load";
import { Badge, Card, Choices, Code, Failure, Field, json, Loading, Note, Warnings } from "../ui/parts";

const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);

interface Tried { id: string; text: string; isDraft: boolean; instance: string | undefined }

/** Explaining a call and making it is one right: whoever has it not is offered neither. */
export function TryTab(tried: Tried) {
  const may = useMay();
  const isKnown = useIsKnown();
  if (may("tds", "write")) return <Try {...tried} />;
  return isKnown ? <Note tone="warn">{t("try.forbidden")}</Note> : <Loading />;
}

function Try({ id, text, isDraft, instance: wished }: Tried) {
  const document = useMemo(() => parse(text).value as Document | undefined, [text]);
  const schema = (document?.["input_schema"] ?? document?.["inputSchema"] ?? { type: "object" }) as ArgumentSchema;
  const instances = useLoad(() => api.list("ids", { limit: 1000 }), []);
  const [instance, setInstance] = useState(wished ?? "");
  const [given, setGiven] = useState<unknown>(() => firstExample(document));
  const [mode, setMode] = useState("form");
  const [typed, setTyped] = useState(() => json(given));
  const [asked, setAsked] = useState(false);
  const [sent, setSent] = useState<{ explanation?: Explanation; error?: unknown; busy: boolean }>({ busy: false });
  const request = useMemo(() => json({ arguments: given, instance, ...(isDraft && document !== undefined ? { definition: document } : {}) }), [given, instance, isDraft, document]);
  const settled = useSettled(request, 250);
  const explained = useExplanation(id, settled);
  const explanation = explained.explanation;
  const wrong = new Map((explanation?.problems ?? []).map((one) => [missing(one.path, one.reason), one.reason]));
  const method = explanation?.method ?? "GET";
  useEffect(() => setAsked(false), [request]);
  const call = async () => {
    if (!SAFE.has(method) && explanation?.target === "http" && !asked) return setAsked(true);
    setAsked(false);
    setSent({ busy: true });
    try {
      setSent({ explanation: (await api.explain(id, { ...(JSON.parse(request) as object), send: true })).data, busy: false });
    } catch (error) {
      setSent({ error, busy: false });
    }
  };
  const change = (value: unknown) => { setGiven(value); setTyped(json(value)); };
  const withTool = (instances.value?.data ?? []).filter((one) => !Array.isArray(one["tool_ids"]) || one["tool_ids"].includes(id));
  return (
    <div class="split">
      <div class="stack">
        <Card title={t("try.arguments")} actions={isDraft ? <Badge tone="warn">{t("try.draft")}</Badge> : undefined}>
          <form class="stack" onSubmit={(event) => { event.preventDefault(); void call(); }}>
            <Field label={t("try.instance")}>
              {(attributes) => (
                <select {...attributes} value={instance} onChange={(event) => setInstance(event.currentTarget.value)}>
                  <option value="">{t("try.instance.none")}</option>
                  {withTool.map((one) => <option key={one.id} value={one.id}>{one.name ?? one.id}</option>)}
                </select>
              )}
            </Field>
            <Choices label={t("try.arguments")} options={[["form", t("try.asForm")], ["json", t("try.asJson")]]} chosen={mode} choose={setMode} />
            {mode === "form"
              ? <SchemaForm schema={schema} value={given} set={change} wrong={wrong} />
              : (
                <Field label={t("try.asJson")} wrong={parse(typed).problem?.text}>
                  {(attributes) => <textarea {...attributes} rows={10} spellcheck={false} value={typed} onInput={(event) => {
                    setTyped(event.currentTarget.value);
                    const read = parse(event.currentTarget.value);
                    if (read.problem === undefined) setGiven(read.value);
                  }} />}
                </Field>
              )}
            {(wrong.get("") ?? wrong.get("(root)")) !== undefined && <Note tone="bad">{wrong.get("") ?? wrong.get("(root)")}</Note>}
            {asked && <Note tone="warn" live>{t("try.caution", { method })}</Note>}
            <div><button class={asked ? "danger primary" : "primary"} type="submit" disabled={sent.busy}>{sent.busy ? t("try.calling") : t("try.call")}</button></div>
          </form>
        </Card>
        {(sent.explanation !== undefined || sent.error !== undefined) && <Result explanation={sent.explanation} error={sent.error} />}
      </div>
      <div class="stack">
        {explained.error !== undefined ? <Failure error={explained.error} /> : explanation !== undefined && <Explained explanation={explanation} warnings={explained.warnings} />}
      </div>
    </div>
  );
}

/** The gateway says at the object that a member is missing; the form shows it at the member. */
function missing(path: string, reason: string): string {
  const name = /^`([^`]+)` is required/.exec(reason)?.[1];
  const at = path === "(root)" ? "" : path;
  return name === undefined ? at : `${at}/${name}`;
}

function firstExample(document: Document | undefined): unknown {
  const examples = document?.["examples"];
  const first = Array.isArray(examples) ? (examples[0] as { arguments?: unknown } | undefined)?.arguments : undefined;
  return typeof first === "object" && first !== null ? first : {};
}

function useExplanation(id: string, request: string) {
  const [state, set] = useState<{ explanation?: Explanation; warnings: string[]; error?: unknown }>({ warnings: [] });
  useEffect(() => {
    const abort = new AbortController();
    api.explain(id, JSON.parse(request), abort.signal).then(
      (answer) => set({ explanation: answer.data, warnings: answer.warnings }),
      (error: unknown) => { if (!abort.signal.aborted) set({ error, warnings: [] }); },
    );
    return () => abort.abort();
  }, [id, request]);
  return state;
}

function Explained({ explanation, warnings }: { explanation: Explanation; warnings: string[] }) {
  const { request, curl } = explanation;
  return (
    <>
      <Warnings texts={warnings} />
      {explanation.egress?.allowed === false && <Note tone="bad">{t("try.egress", { reason: explanation.egress.reason ?? "" })}</Note>}
      <Card title={t("try.request")}>
        {explanation.target === "static" && <p class="muted">{t("try.static")}</p>}
        {explanation.target !== "static" && request === undefined && <p class="muted">{t("try.notPossible")}</p>}
        {request !== undefined && (
          <>
            <p class="break"><Badge tone="accent"><span class="method">{request.method}</span></Badge> <code>{request.url}</code></p>
            <Code label={t("try.request")} text={[...request.headers.map(({ name, value }) => `${name}: ${value}`), ...(request.body === undefined ? [] : ["", shownBody(request.body)])].join("\n")} />
          </>
        )}
        {explanation.answer !== undefined && <Code text={json(explanation.answer)} />}
      </Card>
      {curl !== undefined && (
        <Card title={t("try.curl")}>
          <Code label={t("try.curl")} text={curl.line} />
          {curl.note !== undefined && <p class="small muted">{curl.note}</p>}
        </Card>
      )}
      {explanation.placements.length > 0 && (
        <Card title={t("try.placements")}>
          <div class="scroll" tabIndex={0} role="region" aria-label={t("try.placements")}>
            <table>
              <thead><tr><th scope="col">{t("try.value")}</th><th scope="col">{t("try.place")}</th><th scope="col">{t("try.written")}</th><th scope="col">{t("try.rule")}</th></tr></thead>
              <tbody>{explanation.placements.map((one, index) => <PlacementRow key={index} placement={one} />)}</tbody>
            </table>
          </div>
        </Card>
      )}
    </>
  );
}

function PlacementRow({ placement: one }: { placement: Placement }) {
  return (
    <tr>
      <td>{one.arguments?.map((name) => <div key={name}><code>{name}</code></div>)}<span class="small muted">{one.source}{one.given_by !== undefined && ` (${one.given_by})`}</span></td>
      <td>{one.in ?? "–"} {one.as !== undefined && <code>{one.as}</code>}</td>
      <td>{one.left_out !== undefined ? <span class="muted">{t("try.leftOut", { reason: one.left_out })}</span> : <code>{one.written ?? ""}</code>}</td>
      <td><code class="small">{one.rule}</code>{one.style !== undefined && <div class="small muted">{one.style}</div>}</td>
    </tr>
  );
}

function Result({ explanation, error }: { explanation: Explanation | undefined; error: unknown }) {
  const [view, setView] = useState("shaped");
  if (error !== undefined) return <Failure error={error} />;
  const sent = explanation?.sent;
  if (sent === undefined) return explanation?.answer !== undefined ? <Card title={t("try.result")}><Code text={json(explanation.answer)} /></Card> : <Note tone="warn" live>{t("try.notPossible")}</Note>;
  const { answer, result, timings } = sent;
  const tokens = result.content_cost?.tokens ?? 0;
  const raw = answer?.body.tokens;
  return (
    <Card title={t("try.result")} actions={
      <div class="row">
        {answer !== undefined && <Badge tone={answer.status < 400 ? "good" : "bad"}>{answer.status}</Badge>}
        {result.isError && <Badge tone="bad">{t("try.error")}</Badge>}
        <Badge>{raw === undefined ? t("try.tokens", { n: number(tokens) }) : t("try.tokensOf", { n: number(tokens), raw: number(raw) })}</Badge>
        {timings.upstream_ms !== undefined && <Badge>{t("try.took", { n: timings.upstream_ms })}</Badge>}
      </div>
    }>
      <Choices label={t("try.result")} chosen={view} choose={setView} options={[["shaped", t("try.shaped")], ...(result.structuredContent === undefined ? [] : [["structured", t("try.structured")] as [string, string]]), ["raw", t("try.raw")]]} />
      {view === "shaped" && (result.content ?? []).map((block, index) => (
        <Code key={index} label={t("try.shaped")} text={block.text ?? (block.data !== undefined ? t("try.binary", { mime: block.mimeType ?? block.type, n: number(block.data.length) }) : json(block))} />
      ))}
      {view === "structured" && <Code label={t("try.structured")} text={json(result.structuredContent)} />}
      {view === "raw" && (answer === undefined ? <p class="muted">{t("try.noAnswer")}</p> : (
        <>
          <Code label={t("try.raw")} copy={false} text={answer.headers.map(({ name, value }) => `${name}: ${value}`).join("\n")} />
          <Code label={t("try.raw")} text={shownBody(answer.body)} />
        </>
      ))}
      {result.mismatch !== undefined && result.mismatch !== null && <Note tone="warn">{json(result.mismatch)}</Note>}
      {result.outcome !== undefined && <p class="small muted">{t("try.outcome")}: {result.outcome}</p>}
    </Card>
  );
}

function shownBody(body: Body): string {
  const parts = body.parts?.map((part) => `${json(part.headers)}\n${part.text ?? t("try.bytes", { n: part.bytes ?? 0 })}`).join("\n\n");
  const text = body.text ?? parts ?? (body.base64 !== undefined ? `${body.base64} (${t("try.bytes", { n: number(body.bytes) })})` : "");
  return body.truncated ? `${text}\n… ${t("try.truncated")}` : pretty(text);
}

function pretty(text: string): string {
  try {
    return text.length < 200_000 ? json(JSON.parse(text)) : text;
  } catch {
    return text;
  }
}
