// A call of an upstream's tool: which server would get which message, and what becomes of its answer. Nothing is sent.

import { useEffect, useMemo, useState } from "preact/hooks";
import { api } from "../api";
import { SchemaForm, type ArgumentSchema } from "../forms/schema-form";
import { number, t, type TextKey } from "../i18n";
import type { RemoteExplanation } from "../model";
import { useIsKnown, useMay } from "../rights";
import { useLoad, useSettled } from "../ui/load";
import { Badge, Card, Code, Failure, Field, json, Loading, Note } from "../ui/parts";

/** As with tools of one's own, this is a right to write. */
export function ExplainTab(explained: { id: string; asked: URLSearchParams }) {
  const may = useMay();
  const isKnown = useIsKnown();
  if (may("uds", "write")) return <Explain {...explained} />;
  return isKnown ? <Note tone="warn">{t("remote.forbidden")}</Note> : <Loading />;
}

function Explain({ id, asked }: { id: string; asked: URLSearchParams }) {
  const inventory = useLoad(() => api.inventory(id), [id]);
  const instances = useLoad(() => api.list("ids", { limit: 1000 }), []);
  const [chosen, choose] = useState(asked.get("tool") ?? "");
  const [instance, setInstance] = useState(asked.get("instance") ?? "");
  const [given, setGiven] = useState<unknown>({});
  const tools = inventory.value?.data?.tools ?? [];
  const tool = chosen === "" ? tools[0] : tools.find((one) => one.name === chosen);
  const request = useMemo(() => json({ tool: tool?.name, arguments: given, ...(instance === "" ? {} : { instance }) }), [tool?.name, given, instance]);
  const settled = useSettled(request, 250);
  const { explanation, error } = useExplanation(id, tool === undefined ? undefined : settled);
  if (inventory.error !== undefined) return <Failure error={inventory.error} retry={inventory.reload} />;
  if (inventory.value === undefined) return <Loading />;
  if (inventory.value.data === null) return <Note>{t("upstream.noInventory")}</Note>;
  if (tools.length === 0) return <Note>{t("remote.noTools")}</Note>;
  return (
    <div class="split">
      <Card title={t("try.arguments")}>
        <form class="stack" onSubmit={(event) => event.preventDefault()}>
          <Field label={t("remote.tool")}>
            {(attributes) => (
              <select {...attributes} value={tool?.name} onChange={(event) => { choose(event.currentTarget.value); setGiven({}); }}>
                {tools.map((one) => <option key={one.name} value={one.name}>{one.title ?? one.name}</option>)}
              </select>
            )}
          </Field>
          <Field label={t("try.instance")}>
            {(attributes) => (
              <select {...attributes} value={instance} onChange={(event) => setInstance(event.currentTarget.value)}>
                <option value="">{t("try.instance.none")}</option>
                {(instances.value?.data ?? []).map((one) => <option key={one.id} value={one.id}>{one.name ?? one.id}</option>)}
              </select>
            )}
          </Field>
          <SchemaForm schema={(tool?.inputSchema ?? { type: "object" }) as ArgumentSchema} value={given} set={setGiven} wrong={new Map()} />
        </form>
      </Card>
      <div class="stack">
        {error !== undefined ? <Failure error={error} /> : explanation !== undefined && <Explained explanation={explanation} />}
      </div>
    </div>
  );
}

function useExplanation(id: string, request: string | undefined) {
  const [state, set] = useState<{ explanation?: RemoteExplanation; error?: unknown }>({});
  useEffect(() => {
    if (request === undefined) return;
    const abort = new AbortController();
    api.explainRemote(id, JSON.parse(request), abort.signal).then(
      (answer) => set({ explanation: answer.data }),
      (error: unknown) => { if (!abort.signal.aborted) set({ error }); },
    );
    return () => abort.abort();
  }, [id, request]);
  return state;
}

function Explained({ explanation }: { explanation: RemoteExplanation }) {
  const { output } = explanation;
  const headers = Object.entries(explanation.headers);
  return (
    <>
      <Card title={t("try.request")} actions={<Badge tone={explanation.connected ? "good" : "bad"} dot>{t(explanation.connected ? "remote.connected" : "remote.notConnected")}</Badge>}>
        {explanation.held_back && <Note tone="warn">{t("remote.heldBack")}</Note>}
        {explanation.problem !== undefined && <Note tone="bad" live>{explanation.problem}</Note>}
        <dl class="facts">
          <dt>{t("remote.server")}</dt><dd><code>{explanation.server}</code></dd>
          <dt>{t("upstream.transport")}</dt><dd><code>{explanation.transport}</code></dd>
          <dt>{t("upstream.protocol")}</dt><dd>{explanation.protocol}</dd>
        </dl>
        {headers.length > 0 && <Code label={t("remote.headers")} copy={false} text={headers.map(([name, value]) => `${name}: ${value}`).join("\n")} />}
        {explanation.message !== undefined && <Code label={t("remote.message")} text={json(explanation.message)} />}
      </Card>
      <Card title={t("remote.output")}>
        {output === undefined ? <p>{t("remote.output.own")}</p> : (
          <>
            <p>{t(`remote.output.${output.said_by}` as TextKey)}</p>
            {output.jq !== undefined && <><h3>jq</h3><Code label="jq" text={output.jq} /></>}
            {output.template !== undefined && <><h3>{t("remote.template")}</h3><Code label={t("remote.template")} text={output.template} /></>}
          </>
        )}
        <p class="small muted">{t("remote.most", { n: number(explanation.max_result_bytes) })}</p>
      </Card>
    </>
  );
}
