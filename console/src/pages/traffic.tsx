// Calls, errors and times of each tool, as /metrics has them; rates are of the last half minute.

import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "../api";
import { number, t } from "../i18n";
import { rate, read, remembered, tools, type Sample, type ToolFigures } from "../metrics";
import { usePoll, useSettled } from "../ui/load";
import { Badge, Card, Failure, Loading } from "../ui/parts";

const EVERY = 3_000;
/** More are found by their names. */
const MOST = 200;

export function TrafficPage() {
  const looked = usePoll(() => api.metrics().then((text) => read(text, Date.now())), [], EVERY);
  const samples = useRef<Sample[]>([]);
  const [, redraw] = useState(0);
  const [text, setText] = useState("");
  const settled = useSettled(text.trim().toLowerCase(), 200);
  useEffect(() => {
    if (looked.value === undefined) return;
    samples.current = remembered(samples.current, looked.value);
    redraw((n) => n + 1);
  }, [looked.value]);
  const now = samples.current.at(-1);
  const before = samples.current[0];
  const figures = now === undefined || before === undefined ? [] : tools(before, now);
  const found = figures.filter((one) => settled === "" || `${one.instance} ${one.tool}`.toLowerCase().includes(settled));
  return (
    <div class="page">
      <div class="head"><div class="titles"><h1>{t("nav.traffic")}</h1><p class="muted">{t("traffic.intro")}</p></div></div>
      {looked.error !== undefined && <Failure error={looked.error} retry={looked.reload} />}
      {now === undefined && looked.error === undefined && <Loading />}
      {now !== undefined && before !== undefined && (
        <>
          <Summary before={before} now={now} figures={figures} />
          <Card title={t("traffic.tools")} actions={
            <label class="filter">
              <span class="visually-hidden">{t("common.search")}</span>
              <input type="search" placeholder={t("common.search")} value={text} onInput={(event) => setText(event.currentTarget.value)} />
            </label>
          }>
            {found.length === 0 ? <p class="muted">{settled === "" ? t("traffic.none") : t("list.nothing", { q: text.trim() })}</p> : <ToolTable figures={found.slice(0, MOST)} />}
            {found.length > MOST && <p class="muted small">{t("list.countOf", { n: number(MOST), all: number(found.length) })}</p>}
          </Card>
        </>
      )}
    </div>
  );
}

function Summary({ before, now, figures }: { before: Sample; now: Sample; figures: ToolFigures[] }) {
  const gauge = (name: string) => now.plain.get(name) ?? 0;
  const total = figures.reduce((sum, one) => sum + one.total, 0);
  const failed = figures.reduce((sum, one) => sum + one.failed, 0);
  const shown: [string, string][] = [
    [decimal(rate(before, now, "dynmcp_mcp_requests_total")), t("traffic.requests")],
    [decimal(figures.reduce((sum, one) => sum + one.rate, 0)), t("traffic.calls")],
    [total === 0 ? "–" : `${decimal((100 * failed) / total)} %`, t("traffic.failing")],
    [number(gauge("dynmcp_requests_refused_total")), t("traffic.refused")],
    [number(gauge("dynmcp_connections")), t("traffic.connections")],
    [decimal(gauge("process_resident_memory_bytes") / 2 ** 20), t("traffic.memory")],
  ];
  return <div class="grid">{shown.map(([value, name]) => <div key={name} class="card figure"><b>{value}</b><span>{name}</span></div>)}</div>;
}

function ToolTable({ figures }: { figures: ToolFigures[] }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={t("traffic.tools")}>
      <table>
        <thead>
          <tr>
            <th scope="col">{t("traffic.tool")}</th><th scope="col">{t("traffic.instance")}</th>
            <th scope="col" class="number">{t("traffic.rate")}</th><th scope="col" class="number">{t("traffic.total")}</th>
            <th scope="col" class="number">{t("traffic.errors")}</th><th scope="col" class="number">p50</th><th scope="col" class="number">p95</th><th scope="col">{t("traffic.outcomes")}</th>
          </tr>
        </thead>
        <tbody>
          {figures.map((one) => (
            <tr key={`${one.instance} ${one.tool}`}>
              <td><code>{one.tool}</code></td>
              <td>{one.instance}</td>
              <td class="number">{decimal(one.rate)}</td>
              <td class="number">{number(one.total)}</td>
              <td class="number">{one.failed === 0 ? "0" : <Badge tone="bad">{number(one.failed)} ({decimal((100 * one.failed) / one.total)} %)</Badge>}</td>
              <td class="number">{milliseconds(one.p50)}</td>
              <td class="number">{milliseconds(one.p95)}</td>
              <td class="small muted">{one.outcomes.map(([outcome, count]) => `${outcome} ${number(count)}`).join(", ")}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function decimal(value: number): string {
  return number(Math.round(value * 10) / 10);
}

function milliseconds(seconds: number | undefined): string {
  return seconds === undefined ? "–" : `${decimal(seconds * 1000)} ms`;
}
