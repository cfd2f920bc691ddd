// What only upstreams have: how they are doing, what they offer, what their programs write.

import { useState } from "preact/hooks";
import { api } from "../api";
import { duration, moment, number, t, type TextKey } from "../i18n";
import type { Endpoint, Listed } from "../model";
import { useMay } from "../rights";
import { useLoad, usePoll } from "../ui/load";
import { Badge, Card, Code, Failure, json, Loading, Note, reason } from "../ui/parts";
import { LoginCard } from "./upstream-login";

export function stateTone(state: string): "good" | "warn" | "bad" | "" {
  return state === "ready" ? "good" : state === "waiting" ? "bad" : state === "connecting" ? "warn" : "";
}

export function StateTab({ id }: { id: string }) {
  const states = usePoll(() => api.upstreams(), [id], 3_000);
  const [outcome, setOutcome] = useState<{ text: string; bad: boolean } | null>(null);
  const [busy, setBusy] = useState(false);
  const may = useMay();
  const state = states.value?.data.find((one) => one.id === id);
  const act = async (action: () => Promise<string>) => {
    setBusy(true);
    setOutcome(null);
    try {
      setOutcome({ text: await action(), bad: false });
    } catch (error) {
      setOutcome({ text: reason(error), bad: true });
    }
    setBusy(false);
    states.reload();
  };
  const check = () => act(async () => {
    const { data } = await api.check(id);
    return t("upstream.checked", { protocol: data.protocol, handshake: data.handshake_ms, list: data.list_ms, tools: data.tools, resources: data.resources, prompts: data.prompts });
  });
  if (states.value === undefined) return states.error === undefined ? <Loading /> : <Failure error={states.error} retry={states.reload} />;
  if (state === undefined) return <Note>{t("upstream.off")}</Note>;
  return (
    <div class="stack">
    <Card title={<Badge tone={stateTone(state.state)} dot>{t(`upstream.state.${state.state}` as TextKey)}</Badge>} actions={may("uds", "write") && (
      <div class="row">
        <button disabled={busy} onClick={() => void check()}>{t("upstream.check")}</button>
        <button disabled={busy} onClick={() => void act(async () => { await api.refresh(id); return t("upstream.done"); })}>{t("upstream.refresh")}</button>
        <button disabled={busy} onClick={() => void act(async () => { await api.restart(id); return t("upstream.done"); })}>{t("upstream.restart")}</button>
      </div>
    )}>
      {outcome !== null && <Note tone={outcome.bad ? "bad" : "good"} live>{outcome.text}</Note>}
      <dl class="facts">
        <dt>{t("upstream.since")}</dt><dd>{moment(state.since)}</dd>
        <dt>{t("upstream.transport")}</dt><dd><code>{state.transport}</code></dd>
        <dt>{t("upstream.protocol")}</dt><dd>{state.protocol ?? "–"}</dd>
        <dt>{t("upstream.tools")}</dt><dd>{number(state.tools)}</dd>
        <dt>{t("upstream.resources")}</dt><dd>{number(state.resources)}</dd>
        <dt>{t("upstream.prompts")}</dt><dd>{number(state.prompts)}</dd>
        <dt>{t("upstream.attempts")}</dt><dd>{number(state.attempts)}</dd>
        {state.next_attempt_ms !== undefined && <><dt>{t("upstream.next")}</dt><dd>{t("upstream.in", { time: duration(state.next_attempt_ms) })}</dd></>}
        {state.last_error !== undefined && <><dt>{t("upstream.error")}</dt><dd>{state.last_error}</dd></>}
      </dl>
      {state.endpoints !== undefined && state.endpoints.length > 0 && <Endpoints endpoints={state.endpoints} />}
    </Card>
    <LoginCard id={id} />
    </div>
  );
}

const BREAKER = { closed: "good", half_open: "warn", open: "bad" } as const;

/** As this replica of the gateway sees them. */
function Endpoints({ endpoints }: { endpoints: Endpoint[] }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={t("endpoint.title")}>
      <table>
        <thead>
          <tr>
            <th scope="col">{t("endpoint.title")}</th><th scope="col">{t("endpoint.breaker")}</th><th scope="col" class="number">{t("endpoint.underWay")}</th>
            <th scope="col" class="number">{t("endpoint.requests")}</th><th scope="col" class="number">{t("endpoint.failures")}</th><th scope="col" class="number">{t("endpoint.latency")}</th>
            <th scope="col" class="number">{t("endpoint.weight")}</th>
          </tr>
        </thead>
        <tbody>
          {endpoints.map((one) => (
            <tr key={one.url}>
              <td>
                <code>{one.url}</code>
                {one.region !== undefined && <> <Badge>{one.region}</Badge></>}
                {one.last_error !== undefined && <div class="small muted">{moment(one.last_error_at)}: {one.last_error}</div>}
              </td>
              <td>
                <Badge tone={BREAKER[one.breaker]} dot>{t(`endpoint.breaker.${one.breaker}` as TextKey)}</Badge>
                {one.healthy === false && <> <Badge tone="bad">{t("endpoint.unhealthy")}</Badge></>}
                {one.retry_in_ms !== undefined && <div class="small muted">{t("endpoint.again", { time: duration(one.retry_in_ms) })}</div>}
              </td>
              <td class="number">{number(one.under_way)}</td>
              <td class="number">{number(one.requests)}</td>
              <td class="number">{number(one.failures)}</td>
              <td class="number">{one.latency_ms === undefined ? "–" : `${number(Math.round(one.latency_ms * 10) / 10)} ms`}</td>
              <td class="number">{t("endpoint.share", { weight: number(one.weight), priority: number(one.priority) })}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function InventoryTab({ id }: { id: string }) {
  const loaded = useLoad(() => api.inventory(id), [id]);
  if (loaded.error !== undefined) return <Failure error={loaded.error} retry={loaded.reload} />;
  if (loaded.value === undefined) return <Loading />;
  const inventory = loaded.value.data;
  if (inventory === null) return <Note>{t("upstream.noInventory")}</Note>;
  return (
    <div class="stack">
      {inventory.instructions !== null && <Card title={t("upstream.instructions")}><Code copy={false} label={t("upstream.instructions")} text={inventory.instructions} /></Card>}
      <ListedCard title={t("upstream.tools")} entries={inventory.tools} />
      <ListedCard title={t("upstream.resources")} entries={inventory.resources} />
      <ListedCard title={t("upstream.templates")} entries={inventory.resource_templates} />
      <ListedCard title={t("upstream.prompts")} entries={inventory.prompts} />
      {inventory.skipped.length > 0 && <Card title={t("upstream.skipped")}><Code label={t("upstream.skipped")} text={json(inventory.skipped)} /></Card>}
    </div>
  );
}

function ListedCard({ title, entries }: { title: string; entries: Listed[] }) {
  if (entries.length === 0) return null;
  return (
    <Card title={`${title} (${number(entries.length)})`}>
      <div class="scroll" tabIndex={0} role="region" aria-label={title}>
        <table>
          <tbody>
            {entries.slice(0, 500).map((entry, index) => (
              <tr key={index}>
                <td><code>{entry.name ?? entry.uri ?? entry.uriTemplate}</code>{entry.title !== undefined && <div class="small">{entry.title}</div>}</td>
                <td class="muted">{entry.description}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}

export function LogTab({ id }: { id: string }) {
  const lines = usePoll(() => api.logs(id), [id], 3_000);
  if (lines.error !== undefined) return <Failure error={lines.error} retry={lines.reload} />;
  if (lines.value === undefined) return <Loading />;
  if (lines.value.data.length === 0) return <Note>{t("upstream.noLog")}</Note>;
  return <Card title={t("item.log")}><Code label={t("item.log")} text={lines.value.data.map((line) => `${line.at} ${line.from} ${line.text}`).join("\n")} /></Card>;
}
