// Who did what: the records of this replica's audit log, the latest first.

import { useEffect, useRef, useState } from "preact/hooks";
import { api, ApiError } from "../api";
import { moment, number, t, type TextKey } from "../i18n";
import type { AuditRecord } from "../model";
import { go, link } from "../route";
import { useLoad } from "../ui/load";
import { Badge, Card, Code, Failure, Field, json, Loading, Note } from "../ui/parts";

const FIELDS = ["principal", "instance", "tool", "action", "since", "until"] as const;
const NAMES = [...FIELDS, "decision"] as const;
type Wanted = Record<(typeof NAMES)[number], string>;
const PAGE = 100;

/** What is looked for stands in the address, so that it can be handed on. */
function wanted(query: URLSearchParams): Wanted {
  return Object.fromEntries(NAMES.map((name) => [name, query.get(name) ?? ""])) as Wanted;
}

export function AuditPage({ query }: { query: URLSearchParams }) {
  const asked = wanted(query);
  const [form, setForm] = useState<Wanted>(asked);
  const key = query.toString();
  useEffect(() => setForm(wanted(query)), [key]);
  const search = () => {
    const said = NAMES.filter((name) => form[name].trim() !== "");
    const text = new URLSearchParams(said.map((name) => [name, form[name].trim()])).toString();
    go(`${link("audit")}${text === "" ? "" : `?${text}`}`);
  };
  const clear = () => { setForm(wanted(new URLSearchParams())); go(link("audit")); };
  return (
    <div class="page">
      <div class="head"><div class="titles"><h1>{t("nav.audit")}</h1><p class="muted">{t("audit.intro")}</p></div></div>
      <Card>
        <form class="stack" onSubmit={(event) => { event.preventDefault(); search(); }}>
          <div class="grid">
            {FIELDS.map((name) => (
              <Field key={name} label={t(`audit.${name}` as TextKey)} hint={hint(name)}>
                {(attributes) => <input {...attributes} value={form[name]} spellcheck={false} autocomplete="off" onInput={(event) => setForm({ ...form, [name]: event.currentTarget.value })} />}
              </Field>
            ))}
            <Field label={t("audit.decision")}>
              {(attributes) => (
                <select {...attributes} value={form.decision} onChange={(event) => setForm({ ...form, decision: event.currentTarget.value })}>
                  <option value="">{t("audit.any")}</option>
                  <option value="allow">{t("audit.allow")}</option>
                  <option value="refuse">{t("audit.refuse")}</option>
                </select>
              )}
            </Field>
          </div>
          <div class="row"><button class="primary" type="submit">{t("common.search")}</button><button type="button" onClick={clear}>{t("audit.clear")}</button></div>
        </form>
      </Card>
      <Records key={key} asked={asked} />
    </div>
  );
}

function hint(name: (typeof FIELDS)[number]): string | undefined {
  if (name === "tool" || name === "action") return t("audit.star");
  return name === "since" || name === "until" ? t("audit.time") : undefined;
}

function Records({ asked }: { asked: Wanted }) {
  const [older, setOlder] = useState<{ records: AuditRecord[]; next: string | undefined } | null>(null);
  const [more, setMore] = useState<{ busy: boolean; error?: unknown }>({ busy: false });
  const first = useLoad(() => api.audit({ ...asked, limit: PAGE }), []);
  const busy = useRef(false);
  if (first.error instanceof ApiError && first.error.status === 404) return <Note>{t("audit.off")}</Note>;
  if (first.error !== undefined) return <Failure error={first.error} retry={first.reload} />;
  if (first.value === undefined) return <Loading />;
  const records = [...first.value.data, ...(older?.records ?? [])];
  const next = older === null ? first.value.next : older.next;
  const goOn = async () => {
    if (busy.current || next === undefined) return;
    busy.current = true;
    setMore({ busy: true });
    try {
      const page = await api.audit({ ...asked, limit: PAGE, cursor: next });
      setOlder((now) => ({ records: [...(now?.records ?? []), ...page.data], next: page.next }));
      setMore({ busy: false });
    } catch (error) {
      setMore({ busy: false, error });
    }
    busy.current = false;
  };
  return (
    <>
      <p class="muted small" role="status">{t("list.count", { n: number(records.length) })}</p>
      {records.length === 0 && <div class="card empty">{t("audit.none")}</div>}
      {records.length > 0 && (
        <Card>
          <div class="scroll" tabIndex={0} role="region" aria-label={t("nav.audit")}>
            <table>
              <thead><tr><th scope="col">{t("events.at")}</th><th scope="col">{t("audit.principal")}</th><th scope="col">{t("audit.action")}</th><th scope="col">{t("audit.on")}</th><th scope="col">{t("audit.how")}</th></tr></thead>
              <tbody>{records.map((record) => <Row key={record.seq} record={record} />)}</tbody>
            </table>
          </div>
        </Card>
      )}
      {more.error !== undefined && <Failure error={more.error} retry={() => void goOn()} />}
      {next !== undefined && <div><button disabled={more.busy} onClick={() => void goOn()}>{more.busy ? t("common.loading") : t("audit.more")}</button></div>}
    </>
  );
}

function Row({ record }: { record: AuditRecord }) {
  const [open, setOpen] = useState(false);
  const what = record.tool ?? record.target;
  return (
    <>
      <tr>
        <td class="small muted when">{moment(record.at)}</td>
        <td>{record.principal ?? "–"}</td>
        <td><code>{record.action ?? record.event ?? "–"}</code></td>
        <td class="break">{[record.instance, what].filter((part) => part !== undefined).join(" / ") || "–"}</td>
        <td>
          <div class="row">
            {record.decision !== undefined && <Badge tone={record.decision === "allow" ? "good" : "bad"}>{t(`audit.${record.decision}` as TextKey)}</Badge>}
            <span class="small">{record.outcome}</span>
            <button class="quiet" aria-expanded={open} onClick={() => setOpen(!open)}>{t("common.more")} <span class="visually-hidden">{record.seq}</span></button>
          </div>
          {record.reason !== undefined && <div class="small muted break">{record.reason}</div>}
        </td>
      </tr>
      {open && <tr><td colSpan={5}><Code label={t("audit.record", { n: record.seq })} text={json(record)} /></td></tr>}
    </>
  );
}
