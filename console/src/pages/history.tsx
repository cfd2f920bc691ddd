import { useState } from "preact/hooks";
import { api } from "../api";
import { moment, number, t, type TextKey } from "../i18n";
import type { Change, Kind, PastState } from "../model";
import { useMay } from "../rights";
import { useLoad } from "../ui/load";
import { Badge, Card, Code, Failure, json, Loading, Modal, Note, reason, say } from "../ui/parts";

export function HistoryTab({ kind, id, current, broughtBack }: { kind: Kind; id: string; current: number | undefined; broughtBack: () => void }) {
  const states = useLoad(() => api.history(kind, id), [kind, id, current]);
  const may = useMay();
  const [chosen, choose] = useState<number | null>(null);
  const [asking, ask] = useState<PastState | null>(null);
  const all = states.value?.data ?? [];
  const shown = all.find((state) => state.revision === (chosen ?? all[1]?.revision ?? all[0]?.revision));
  if (states.error !== undefined) return <Failure error={states.error} retry={states.reload} />;
  if (states.value === undefined) return <Loading />;
  return (
    <div class="split">
      <Card title={t("item.history")}>
        <div class="scroll" tabIndex={0} role="region" aria-label={t("item.history")}>
          <table>
            <thead><tr><th scope="col">{t("overview.revision")}</th><th scope="col">{t("history.when")}</th><th scope="col">{t("history.who")}</th></tr></thead>
            <tbody>
              {all.map((state) => (
                <tr key={state.revision}>
                  <td><button class="quiet" aria-pressed={state === shown} onClick={() => choose(state.revision)}>{state === shown ? "● " : ""}{number(state.revision)}</button>{state.deleted && <Badge tone="warn">{t("history.deleted")}</Badge>}</td>
                  <td>{moment(state.at)}</td>
                  <td>{state.principal ?? <span class="muted">{t("history.unknown")}</span>}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </Card>
      {shown !== undefined && (
        <Card title={t("item.revision", { n: number(shown.revision) })} actions={!shown.deleted && shown !== all[0] && may(kind, "write") ? <button onClick={() => ask(shown)}>{t("history.rollback")}</button> : undefined}>
          <Differences kind={kind} id={id} revision={shown.revision} newest={all[0]?.revision} />
          <h3>{t("history.document")}</h3>
          {shown.deleted ? <p class="muted">{t("history.deleted")}</p> : <Code label={t("history.document")} text={shown.text ?? json(shown.document)} />}
        </Card>
      )}
      {asking !== null && <Rollback kind={kind} id={id} state={asking} close={() => ask(null)} done={() => { ask(null); choose(null); states.reload(); broughtBack(); }} />}
    </div>
  );
}

function Differences({ kind, id, revision, newest }: { kind: Kind; id: string; revision: number; newest: number | undefined }) {
  const diff = useLoad(() => api.diff(kind, id, revision, "current"), [kind, id, revision, newest]);
  if (diff.error !== undefined) return <Failure error={diff.error} />;
  if (diff.value === undefined) return <Loading />;
  const { changes } = diff.value.data;
  return (
    <div class="stack">
      <h3>{t("history.what")} ({t("history.now")})</h3>
      {changes.length === 0 && <p class="muted">{t("history.same")}</p>}
      {changes.map((change) => <Difference key={change.pointer} change={change} />)}
    </div>
  );
}

function Difference({ change }: { change: Change }) {
  const tone = change.change === "added" ? "good" : change.change === "removed" ? "bad" : "accent";
  return (
    <div class="stack">
      <div class="row"><Badge tone={tone}>{t(`history.${change.change}` as TextKey)}</Badge><code class="break">{change.pointer === "" ? t("history.whole") : change.pointer}</code></div>
      {change.from !== undefined && <Note tone="bad"><code class="break">− {json(change.from)}</code></Note>}
      {change.to !== undefined && <Note tone="good"><code class="break">+ {json(change.to)}</code></Note>}
    </div>
  );
}

function Rollback({ kind, id, state, close, done }: { kind: Kind; id: string; state: PastState; close: () => void; done: () => void }) {
  const tried = useLoad(() => api.rollback(kind, id, state.revision, true), [kind, id, state.revision]);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const write = async () => {
    setBusy(true);
    try {
      const answer = await api.rollback(kind, id, state.revision, false);
      say(t("history.broughtBack", { n: number(state.revision), to: number(answer.revision ?? 0) }));
      done();
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  return (
    <Modal title={t("history.rollback.title", { n: number(state.revision) })} close={close} footer={<><button onClick={close}>{t("common.cancel")}</button><button class="primary" disabled={busy || tried.value === undefined} onClick={() => void write()}>{t("history.rollback")}</button></>}>
      <p>{t("history.rollback.text")}</p>
      {tried.error !== undefined && <Failure error={tried.error} />}
      {error !== undefined && <Note tone="bad" live>{reason(error)}</Note>}
    </Modal>
  );
}
