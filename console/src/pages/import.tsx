import { useState } from "preact/hooks";
import { api } from "../api";
import { t, type TextKey } from "../i18n";
import type { ImportReport } from "../model";
import { useMay } from "../rights";
import { link } from "../route";
import { Badge, Card, Field, FileField, Note, reason } from "../ui/parts";
import { Clients } from "./review";

const FORMATS: [string, string][] = [["openapi", "OpenAPI / Swagger"], ["postman", "Postman"], ["har", "HAR"], ["curl", "curl"]];

export function ImportPage() {
  const may = useMay();
  const [format, setFormat] = useState("openapi");
  const [text, setText] = useState("");
  const [instance, setInstance] = useState("");
  const [baseUrl, setBaseUrl] = useState("");
  const [auth, setAuth] = useState("");
  const [include, setInclude] = useState("");
  const [prune, setPrune] = useState(false);
  const [state, set] = useState<{ report?: ImportReport; warnings?: string[]; of?: string; written?: boolean; busy: boolean; error?: unknown }>({ busy: false });
  const query = { instance: instance.trim(), base_url: baseUrl.trim(), auth: auth.trim(), include: include.split(",").map((one) => one.trim()).filter((one) => one !== ""), prune };
  const asked = JSON.stringify([format, text, query]);
  // What is written is what was looked at.
  const seen = state.report !== undefined && state.of === asked && !state.written;
  const run = async (dryRun: boolean) => {
    set({ busy: true });
    try {
      const answer = await api.importAs(format, text, { ...query, dry_run: dryRun });
      set({ busy: false, report: answer.data, warnings: answer.warnings, of: asked, written: !dryRun });
    } catch (error) {
      set({ busy: false, error });
    }
  };
  const input = (label: TextKey, hint: TextKey | undefined, value: string, change: (value: string) => void, required = false) => (
    <Field label={t(label)} hint={hint && t(hint)} required={required}>
      {(attributes) => <input {...attributes} type="text" autocomplete="off" spellcheck={false} required={required} value={value} onInput={(event) => change(event.currentTarget.value)} />}
    </Field>
  );
  return (
    <div class="page">
      <div class="head"><div class="titles"><h1>{t("import.title")}</h1><p class="muted">{t("import.intro")}</p></div></div>
      <div class="split">
        <Card title={t("import.document")}>
          <form class="stack" onSubmit={(event) => { event.preventDefault(); void run(true); }}>
            <Field label={t("import.format")}>
              {(attributes) => <select {...attributes} value={format} onChange={(event) => setFormat(event.currentTarget.value)}>{FORMATS.map(([value, name]) => <option key={value} value={value}>{name}</option>)}</select>}
            </Field>
            <FileField label={t("import.file")} chosen={(file) => void file?.text().then(setText)} />
            <Field label={t("import.document")} required>
              {(attributes) => <textarea {...attributes} rows={10} required spellcheck={false} value={text} onInput={(event) => setText(event.currentTarget.value)} />}
            </Field>
            {input("import.instance", undefined, instance, setInstance, true)}
            {input("import.base", "import.base.hint", baseUrl, setBaseUrl)}
            {input("import.auth", "import.auth.hint", auth, setAuth)}
            {input("import.include", "import.include.hint", include, setInclude)}
            <label class="check"><input type="checkbox" checked={prune} onChange={(event) => setPrune(event.currentTarget.checked)} /> {t("import.prune")}</label>
            {may("import", "write") ? <div class="row">
              <button type="submit" class={seen ? "" : "primary"} disabled={state.busy}>{state.busy ? t("import.working") : t("import.dryRun")}</button>
              <button type="button" class={seen ? "primary" : ""} disabled={!seen || state.busy} onClick={() => void run(false)}>{t("import.write")}</button>
            </div> : <Note>{t("import.notAllowed")}</Note>}
          </form>
        </Card>
        <div class="stack" aria-live="polite">
          {state.error !== undefined && <Note tone="bad" live>{reason(state.error)}</Note>}
          {state.report !== undefined && <ReportCard report={state.report} written={state.written ?? false} />}
        </div>
      </div>
    </div>
  );
}

const LISTS = ["created", "changed", "removed", "disappeared", "unchanged"] as const;

function ReportCard({ report, written }: { report: ImportReport; written: boolean }) {
  return (
    <Card title={t("import.report")}>
      {written && <Note tone="good" live><span>{t("import.done", { instance: report.instance })}</span><a href={link("ids", report.instance)}>{t("import.open")}</a></Note>}
      {LISTS.map((name) => report[name].length > 0 && (
        <details key={name} open={name !== "unchanged" && report[name].length <= 30}>
          <summary>{t(`import.${name}`)} <Badge>{report[name].length}</Badge></summary>
          <ul class="small">{report[name].map((id) => <li key={id}>{written && name !== "removed" ? <a href={link("tds", id)}>{id}</a> : id}</li>)}</ul>
        </details>
      ))}
      {report.conflicts.length > 0 && <Note tone="warn"><strong>{t("import.conflicts")}</strong><ul>{report.conflicts.map((one) => <li key={one.id}>{one.id} ({one.operation}): {one.reason}</li>)}</ul></Note>}
      {report.skipped.length > 0 && <Note tone="warn"><strong>{t("import.skipped")}</strong><ul>{report.skipped.map((one) => <li key={one.operation}>{one.operation}: {one.reason}</li>)}</ul></Note>}
      {report.notes.length > 0 && <Note><strong>{t("import.notes")}</strong><ul>{report.notes.map((one) => <li key={one}>{one}</li>)}</ul></Note>}
      {report.warnings.length > 0 && <Note tone="warn"><strong>{t("common.warnings")}</strong><ul>{report.warnings.map((one) => <li key={one.definition + one.field + one.reason}>{one.definition} <code>{one.field}</code> {one.reason}</li>)}</ul></Note>}
      <Clients notices={report.clients} breaking={report.breaking} />
    </Card>
  );
}
