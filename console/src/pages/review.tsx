// What a change would do, before it is written.

import { useState } from "preact/hooks";
import { api, ApiError } from "../api";
import { parse } from "../editor/code-editor";
import { number, t } from "../i18n";
import type { InstanceNotice, Kind, PlanReport } from "../model";
import { useLoad } from "../ui/load";
import { Badge, Failure, Loading, Modal, Note, reason, say } from "../ui/parts";

interface Properties {
  kind: Kind;
  id: string | null;
  text: string;
  revision: number | undefined;
  close: () => void;
  saved: (id: string) => void;
  reload: () => void;
}

export function Review({ kind, id, text, revision, close, saved, reload }: Properties) {
  const read = parse(text);
  const given = (read.value as { id?: unknown } | null | undefined)?.id;
  const target = id ?? (typeof given === "string" ? given : "");
  const refused = read.problem?.text ?? (target === "" ? t("item.idMissing") : undefined);
  const plan = useLoad(() => (refused === undefined ? api.plan(kind, target, read.value) : Promise.reject(new Error(refused))), [kind, target, text]);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const report = plan.value?.data;
  const possible = report !== undefined && report.problems.length === 0 && report.skipped.length === 0;
  const write = async () => {
    setBusy(true);
    setError(undefined);
    try {
      // Only over what was read, and only where nothing was if it is new.
      const written = await api.put(kind, target, text, id === null ? { onlyNew: true } : { revision });
      say(t("item.saved", { id: target, n: number(written.revision ?? 0) }));
      saved(target);
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  const conflict = error instanceof ApiError && (error.status === 412 || error.status === 409) && id !== null;
  return (
    <Modal
      title={t("review.title")}
      close={close}
      footer={
        <>
          <button onClick={close}>{t("common.cancel")}</button>
          {conflict && <button onClick={reload}>{t("item.reload")}</button>}
          <button class="primary" disabled={!possible || busy} onClick={() => void write()}>{busy ? t("review.writing") : t("review.write")}</button>
        </>
      }
    >
      {plan.busy && report === undefined && <Loading />}
      {plan.error !== undefined && <Failure error={plan.error} />}
      {report !== undefined && <Report report={report} />}
      {error !== undefined && <Note tone="bad" live><span>{reason(error)}</span>{conflict && <span>{t("item.conflict")}</span>}</Note>}
    </Modal>
  );
}

function Report({ report }: { report: PlanReport }) {
  const members = report.changes.flatMap((change) => change.members);
  return (
    <>
      {report.problems.length > 0 && (
        <Note tone="bad" live>
          <strong>{t("review.problems")}</strong>
          <ul>{report.problems.map((one) => <li key={one.field + one.reason}><code>{one.field}</code> {one.reason}</li>)}</ul>
        </Note>
      )}
      {report.skipped.length > 0 && <Note tone="bad" live><ul>{report.skipped.map((one) => <li key={one.operation}>{one.operation}: {one.reason}</li>)}</ul></Note>}
      {report.warnings.length > 0 && (
        <Note tone="warn">
          <strong>{t("common.warnings")}</strong>
          <ul>{report.warnings.map((one) => <li key={one.field + one.reason}><code>{one.field}</code> {one.reason}</li>)}</ul>
        </Note>
      )}
      {report.created.length > 0 && <p>{t("review.new", { what: report.created.join(", ") })}</p>}
      {members.length > 0 && <div class="stack"><h3>{t("review.members")}</h3><div class="row">{members.map((name) => <Badge key={name}><code>{name}</code></Badge>)}</div></div>}
      {report.unchanged.length > 0 && <p class="muted">{t("review.same")}</p>}
      <Clients notices={report.clients} breaking={report.breaking} />
    </>
  );
}

export function Clients({ notices, breaking }: { notices: InstanceNotice[]; breaking: boolean }) {
  if (notices.length === 0) return <p class="muted">{t("review.noClients")}</p>;
  return (
    <div class="stack">
      <h3>{t("review.clients")}</h3>
      {breaking && <Note tone="bad">{t("review.breaking")}</Note>}
      {notices.map((notice) => (
        <div class="stack" key={notice.instance}>
          <div class="row"><code>{notice.instance}</code>{notice.breaking && <Badge tone="bad">!</Badge>}
            <span class="small muted">{t("review.size", { before: number(notice.before.tokens), after: number(notice.after.tokens) })}</span></div>
          <ul class="small">
            {notice.appear.length > 0 && <li>{t("review.appear", { names: notice.appear.join(", ") })}</li>}
            {notice.disappear.length > 0 && <li>{t("review.disappear", { names: notice.disappear.join(", ") })}</li>}
            {notice.renamed.map((one) => <li key={one.from}>{t("review.renamed", one)}</li>)}
            {notice.reordered && <li>{t("review.reordered")}</li>}
            {notice.changed.flatMap((tool) => tool.changes.map((change) => (
              <li key={tool.name + change.text}><code>{tool.name}</code>: {change.text} {change.breaking && <Badge tone="bad">!</Badge>}</li>
            )))}
            {notice.other.map((one) => <li key={one.text}>{one.text}</li>)}
          </ul>
        </div>
      ))}
    </div>
  );
}
