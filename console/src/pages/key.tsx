// What only keys have. A key itself is seen once, here and nowhere else.

import { useState } from "preact/hooks";
import { api } from "../api";
import { moment, number, t } from "../i18n";
import type { Document, IssuedKey } from "../model";
import { useMay } from "../rights";
import { useLoad } from "../ui/load";
import { Badge, Card, Code, Field, Modal, Note, reason } from "../ui/parts";

function listed(text: string): string[] {
  return text.split(",").map((part) => part.trim()).filter((part) => part !== "");
}

export function CreateKey({ close, made }: { close: () => void; made: () => void }) {
  const [name, setName] = useState("");
  const [instances, setInstances] = useState("");
  const [tools, setTools] = useState("");
  const [ends, setEnds] = useState("");
  const [admin, setAdmin] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const [issued, setIssued] = useState<IssuedKey | null>(null);
  const create = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      const answer = await api.createKey({
        name: name.trim(),
        ...(instances === "" ? {} : { instances: listed(instances) }),
        ...(tools === "" ? {} : { tools: listed(tools) }),
        ...(ends === "" ? {} : { expires_at: `${ends}T00:00:00Z` }),
        ...(admin ? { roles: ["admin"] } : {}),
      });
      setIssued(answer.data);
      made();
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  if (issued !== null) return <Shown issued={issued} close={close} />;
  return (
    <Modal title={t("key.create")} close={close} footer={<><button type="button" onClick={close}>{t("common.cancel")}</button><button class="primary" type="submit" form="new-key" disabled={busy}>{t("key.create")}</button></>}>
      <form id="new-key" class="stack" onSubmit={(event) => void create(event)}>
        <Field label={t("key.name")} hint={t("key.name.hint")} required>
          {(attributes) => <input {...attributes} type="text" required autofocus autocomplete="off" value={name} onInput={(event) => setName(event.currentTarget.value)} />}
        </Field>
        <Field label={t("key.instances")} hint={t("key.instances.hint")}>
          {(attributes) => <input {...attributes} type="text" autocomplete="off" spellcheck={false} value={instances} onInput={(event) => setInstances(event.currentTarget.value)} />}
        </Field>
        <Field label={t("key.tools")} hint={t("key.tools.hint")}>
          {(attributes) => <input {...attributes} type="text" autocomplete="off" spellcheck={false} value={tools} onInput={(event) => setTools(event.currentTarget.value)} />}
        </Field>
        <Field label={t("key.expires")}>
          {(attributes) => <input {...attributes} type="date" value={ends} onInput={(event) => setEnds(event.currentTarget.value)} />}
        </Field>
        <label class="check"><input type="checkbox" checked={admin} onChange={(event) => setAdmin(event.currentTarget.checked)} /> {t("key.admin")}</label>
      </form>
      {error !== undefined && <Note tone="bad" live>{reason(error)}</Note>}
    </Modal>
  );
}

function Shown({ issued, close }: { issued: IssuedKey; close: () => void }) {
  return (
    <Modal title={String(issued.document.name ?? issued.id)} close={close} footer={<button class="primary" onClick={close}>{t("key.done")}</button>}>
      <Note tone="warn" live>{t("key.shown")}</Note>
      <Code label={t("item.key")} text={issued.key} />
    </Modal>
  );
}

export function KeyTab({ document, changed }: { document: Document; changed: () => void }) {
  const usage = useLoad(() => api.keyUsage(document.id), [document.id]);
  const may = useMay();
  const [rotating, setRotating] = useState(false);
  const [error, setError] = useState<unknown>();
  const isActive = document["status"] !== "inactive";
  const toggle = async () => {
    setError(undefined);
    try {
      await api.switchKey(document.id, !isActive);
      changed();
    } catch (problem) {
      setError(problem);
    }
  };
  const names = (member: string) => (Array.isArray(document[member]) ? (document[member] as unknown[]).map(String) : []);
  const list = (values: string[]) => (values.length === 0 ? <span class="muted">–</span> : <span class="row">{values.map((one) => <Badge key={one}>{one}</Badge>)}</span>);
  return (
    <Card title={<Badge tone={isActive ? "good" : "warn"} dot>{isActive ? t("key.active") : t("key.inactive")}</Badge>} actions={may("keys", "write") && (
      <div class="row">
        <button onClick={() => void toggle()}>{isActive ? t("key.inactivate") : t("key.activate")}</button>
        <button onClick={() => setRotating(true)}>{t("key.rotate")}</button>
      </div>
    )}>
      {error !== undefined && <Note tone="bad" live>{reason(error)}</Note>}
      <dl class="facts">
        <dt>{t("key.instances")}</dt><dd>{names("instances").length === 0 ? <span class="muted">{t("key.opens.none")}</span> : list(names("instances"))}</dd>
        <dt>{t("key.tools")}</dt><dd>{list(names("tools"))}</dd>
        <dt>{t("key.admin")}</dt><dd>{names("roles").includes("admin") ? t("common.yes") : t("common.no")}</dd>
        <dt>{t("key.expires")}</dt><dd>{typeof document["expires_at"] === "string" ? moment(document["expires_at"]) : t("key.never")}</dd>
        <dt>{t("key.usage")}</dt><dd>{usage.value === undefined ? "–" : t("key.requests", { n: number(usage.value.data.requests), since: moment(usage.value.data.since) })}</dd>
        <dt>{t("key.last")}</dt><dd>{moment(usage.value?.data.last_used_at)}</dd>
      </dl>
      {rotating && <Rotate document={document} close={() => { setRotating(false); changed(); }} />}
    </Card>
  );
}

const GRACE = ["0", "3600", "86400", "604800"] as const;

function Rotate({ document, close }: { document: Document; close: () => void }) {
  const [grace, setGrace] = useState("3600");
  const [issued, setIssued] = useState<IssuedKey | null>(null);
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const rotate = async () => {
    setBusy(true);
    try {
      setIssued((await api.rotateKey(document.id, Number(grace))).data);
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  if (issued !== null) return <Shown issued={issued} close={close} />;
  return (
    <Modal title={t("key.rotate.title", { name: String(document.name ?? document.id) })} close={close} footer={<><button onClick={close}>{t("common.cancel")}</button><button class="primary" disabled={busy} onClick={() => void rotate()}>{t("key.rotate")}</button></>}>
      <Field label={t("key.grace")}>
        {(attributes) => <select {...attributes} value={grace} onChange={(event) => setGrace(event.currentTarget.value)}>{GRACE.map((one) => <option key={one} value={one}>{t(`key.grace.${one}`)}</option>)}</select>}
      </Field>
      {error !== undefined && <Note tone="bad" live>{reason(error)}</Note>}
    </Modal>
  );
}
