import type { Answer } from "../api";
import { api } from "../api";
import { duration, moment, number, t, type TextKey } from "../i18n";
import { KINDS, type Status } from "../model";
import { link } from "../route";
import { usePoll, type Loaded } from "../ui/load";
import { Badge, Card, Failure, Loading } from "../ui/parts";
import { stateTone } from "./upstream";

export function OverviewPage({ status }: { status: Loaded<Answer<Status>> }) {
  const upstreams = usePoll(() => api.upstreams(), [], 5_000);
  const known = status.value?.data;
  if (known === undefined) return <div class="page"><h1>{t("overview.title")}</h1>{status.error === undefined ? <Loading /> : <Failure error={status.error} retry={status.reload} />}</div>;
  const isEmpty = KINDS.every((kind) => kind === "keys" || kind === "roles" || kind === "secrets" || (known.definitions[kind] ?? 0) === 0);
  return (
    <div class="page">
      <div class="head">
        <div class="titles">
          <h1>{t("overview.title")}</h1>
          <div class="row">
            <Badge tone={known.ready ? "good" : "bad"} dot>{known.ready ? t("overview.ready") : t("overview.notReady")}</Badge>
            {known.stale
              ? <Badge tone="warn" dot>{t("overview.stale", { time: duration(known.lag_ms) })}</Badge>
              : <span class="muted small">{t("overview.fresh")}</span>}
          </div>
        </div>
      </div>
      {isEmpty && (
        <section class="card empty">
          <p>{t("overview.empty")}</p>
          <div class="row"><a class="button primary" href={link("import")}>{t("overview.empty.import")}</a><a class="button" href={link("new", "tds")}>{t("overview.empty.new")}</a></div>
        </section>
      )}
      <div class="grid">
        {KINDS.map((kind) => (
          <a key={kind} class="card figure" href={link(kind)}>
            <b>{number(known.definitions[kind] ?? 0)}</b>
            <span>{t(`nav.${kind}` as TextKey)}</span>
          </a>
        ))}
        <a class="card figure" href={link("quarantine")}>
          <b>{number(known.quarantined)}</b>
          <span>{t("overview.quarantined")}</span>
        </a>
      </div>
      <div class="split">
        <div class="stack">
          <Card title={t("overview.gateway")}>
            <dl class="facts">
              <dt>{t("overview.source")}</dt><dd><code>{known.source}</code></dd>
              <dt>{t("overview.revision")}</dt><dd>{number(known.revision)}</dd>
              <dt>{t("overview.version")}</dt><dd>{known.version}</dd>
              <dt>{t("overview.since")}</dt><dd>{moment(known.started_at)}</dd>
              <dt>{t("overview.disabled")}</dt><dd>{known.disabled === null ? "–" : number(known.disabled)}</dd>
            </dl>
            <p>
              {known.quarantined === 0
                ? <span class="muted">{t("overview.quarantined.none")}</span>
                : <a href={link("quarantine")}>{t("overview.quarantined.some", { n: number(known.quarantined) })}</a>}
            </p>
          </Card>
          <Card title={t("overview.upstreams")}>
            {upstreams.error !== undefined && <Failure error={upstreams.error} retry={upstreams.reload} />}
            {upstreams.value?.data.length === 0 && <p class="muted">{t("overview.upstreams.none")}</p>}
            {(upstreams.value?.data.length ?? 0) > 0 && (
              <table>
                <tbody>
                  {upstreams.value?.data.slice(0, 50).map((one) => (
                    <tr key={one.id}>
                      <td><a href={link("uds", one.id)}>{one.id}</a>{one.last_error !== undefined && <div class="small muted">{one.last_error}</div>}</td>
                      <td class="number"><Badge tone={stateTone(one.state)} dot>{t(`upstream.state.${one.state}` as TextKey)}</Badge></td>
                    </tr>
                  ))}
                </tbody>
              </table>
            )}
          </Card>
        </div>
        <Card title={t("overview.tasks")}>
          <table>
            <thead><tr><th scope="col">{t("overview.task")}</th><th scope="col" class="number">{t("overview.running")}</th><th scope="col" class="number">{t("overview.restarts")}</th></tr></thead>
            <tbody>
              {known.tasks.map((task) => (
                <tr key={task.name}>
                  <td><code>{task.name}</code> {task.in_trouble && <Badge tone="bad">{t("overview.trouble")}</Badge>}</td>
                  <td class="number">{number(task.running)}</td>
                  <td class="number">{number(task.restarts)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Card>
      </div>
    </div>
  );
}
