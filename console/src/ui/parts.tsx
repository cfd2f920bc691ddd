// The small parts that all pages are made of. Text is only ever set as text.

import type { ComponentChildren, Ref } from "preact";
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { ApiError } from "../api";
import { t } from "../i18n";
import { Icon } from "./icons";

type Tone = "good" | "warn" | "bad" | "accent" | "";

export function Badge({ tone = "", dot = false, children }: { tone?: Tone; dot?: boolean; children: ComponentChildren }) {
  return <span class={`badge ${tone}${dot ? " dot" : ""}`}>{children}</span>;
}

export function Note({ tone = "", children, live = false }: { tone?: Tone; children: ComponentChildren; live?: boolean }) {
  return (
    <div class={`note ${tone}`} role={live ? (tone === "bad" ? "alert" : "status") : undefined}>
      {children}
    </div>
  );
}

/** Why something failed, in words for whom it concerns. */
export function reason(error: unknown): string {
  if (error instanceof ApiError) {
    if (error.status === 0) return t("error.away", { reason: error.message });
    if (error.status === 403) return t("error.forbidden", { reason: error.message });
    return error.message;
  }
  return String(error instanceof Error ? error.message : error);
}

export function Failure({ error, retry }: { error: unknown; retry?: () => void }) {
  return (
    <Note tone="bad" live>
      <span>{reason(error)}</span>
      {retry && <button onClick={retry}>{t("error.retry")}</button>}
    </Note>
  );
}

export function Warnings({ texts }: { texts: string[] }) {
  if (texts.length === 0) return null;
  return (
    <Note tone="warn">
      <strong>{t("common.warnings")}</strong>
      <ul>{texts.map((text) => <li key={text}>{text}</li>)}</ul>
    </Note>
  );
}

export function Loading() {
  return <p class="muted" role="status">{t("common.loading")}</p>;
}

export function Card({ title, actions, children }: { title?: ComponentChildren; actions?: ComponentChildren; children: ComponentChildren }) {
  return (
    <section class="card">
      {title !== undefined && (
        <header>
          <h2>{title}</h2>
          {actions}
        </header>
      )}
      <div class="body">{children}</div>
    </section>
  );
}

export function Copy({ text }: { text: string }) {
  const [done, set] = useState(false);
  useEffect(() => {
    if (!done) return;
    const timer = setTimeout(() => set(false), 1500);
    return () => clearTimeout(timer);
  }, [done]);
  return (
    <button type="button" class="quiet" onClick={() => void copy(text).then(set)}>
      <Icon name={done ? "check" : "copy"} />
      <span aria-live="polite">{done ? t("common.copied") : t("common.copy")}</span>
    </button>
  );
}

/** Also where the page is not from a secure origin, and the clipboard is not there. */
async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "visually-hidden";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

export function Code({ text, label, copy = true }: { text: string; label?: string; copy?: boolean }) {
  return (
    <div class={`code${copy ? " with-copy" : ""}`}>
      <pre tabIndex={0} role="region" aria-label={label ?? t("common.more")}>{text}</pre>
      {copy && <Copy text={text} />}
    </div>
  );
}

export function json(value: unknown): string {
  return JSON.stringify(value, null, 2) ?? "";
}

/** A label, what it labels, and what is said about it. */
export function Field(props: {
  label: string;
  hint?: ComponentChildren;
  wrong?: string;
  required?: boolean;
  children: (attributes: { id: string; "aria-describedby": string; "aria-invalid": boolean }) => ComponentChildren;
}) {
  const id = useId();
  return (
    <div class="field">
      <div class="label">
        <label for={id}>{props.label}</label>
        {props.required && <span class="small muted">{t("form.required")}</span>}
      </div>
      {props.children({ id, "aria-describedby": `${id}-about`, "aria-invalid": props.wrong !== undefined })}
      <div id={`${id}-about`}>
        {props.hint && <div class="hint">{props.hint}</div>}
        {props.wrong !== undefined && <div class="wrong">{props.wrong}</div>}
      </div>
    </div>
  );
}

/** A field for a file, in the language of the page; browsers write theirs in their own. */
export function FileField({ label, hint, input, chosen }: { label: string; hint?: string; input?: Ref<HTMLInputElement>; chosen?: (file: File | undefined) => void }) {
  const [name, setName] = useState<string | undefined>();
  return (
    <Field label={label} hint={hint}>
      {(attributes) => (
        <div class="file">
          <input {...attributes} ref={input} type="file" class="visually-hidden" onChange={(event) => { const file = event.currentTarget.files?.[0]; setName(file?.name); chosen?.(file); }} />
          <label class="button" for={attributes.id} aria-hidden="true">{t("form.file")}</label>
          <span class="small muted break" aria-live="polite">{name ?? t("form.noFile")}</span>
        </div>
      )}
    </Field>
  );
}

/** A modal; Escape closes it, and the focus goes back to where it was. */
export function Modal(props: { title: string; children: ComponentChildren; footer: ComponentChildren; close: () => void }) {
  const ref = useRef<HTMLDialogElement>(null);
  const title = useId();
  // Before anything is drawn: a key that is pressed then is the dialog's.
  useLayoutEffect(() => {
    const dialog = ref.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    // A choice of a file that is given up is a `cancel`, too, of its field.
    <dialog ref={ref} aria-labelledby={title} onCancel={(event) => { if (event.target !== event.currentTarget) return; event.preventDefault(); props.close(); }}>
      <header><h2 id={title}>{props.title}</h2></header>
      <div class="content">{props.children}</div>
      <footer>{props.footer}</footer>
    </dialog>
  );
}

interface Toast {
  id: number;
  text: string;
  bad: boolean;
}

let show: ((text: string, bad: boolean) => void) | null = null;

/** Said for a while at the edge of the page. */
export function say(text: string, bad = false): void {
  show?.(text, bad);
}

export function Toasts() {
  const [toasts, set] = useState<Toast[]>([]);
  useEffect(() => {
    let last = 0;
    show = (text, bad) => {
      const id = ++last;
      set((now) => [...now.slice(-3), { id, text, bad }]);
      setTimeout(() => set((now) => now.filter((toast) => toast.id !== id)), bad ? 12_000 : 6_000);
    };
    return () => { show = null; };
  }, []);
  return (
    <div class="toasts" role="status">
      {toasts.map((toast) => <div key={toast.id} class={`toast${toast.bad ? " bad" : ""}`}>{toast.text}</div>)}
    </div>
  );
}

export function Choices({ label, options, chosen, choose }: { label: string; options: [string, string][]; chosen: string; choose: (value: string) => void }) {
  return (
    <div class="tabs" role="tablist" aria-label={label}>
      {options.map(([value, text]) => (
        <button key={value} type="button" role="tab" aria-selected={value === chosen} onClick={() => choose(value)}>{text}</button>
      ))}
    </div>
  );
}
