// A secret is written: its value, what is said of it, or both.

import type { RefObject } from "preact";
import { useRef, useState } from "preact/hooks";
import { api, ApiError } from "../api";
import { t, type TextKey } from "../i18n";
import type { Document } from "../model";
import { Field, FileField, Modal, Note, reason, say } from "../ui/parts";
import { usableBy, USERS } from "./usable-by";

export type Part = "new" | "value" | "about";

interface Properties {
  part: Part;
  /** What is stored; nothing of one that is new. */
  document?: Document;
  revision?: number | undefined;
  close: () => void;
  saved: (id: string) => void;
}

/** As much as the gateway takes, and a line break. */
const LARGEST_FILE = (64 << 10) + 2;
const TEXTS = ["description", "owner"] as const;

function listed(text: string): string[] {
  return text.split(",").map((part) => part.trim()).filter((part) => part !== "");
}

export function SecretDialog({ part, document: stored, revision, close, saved }: Properties) {
  const [name, setName] = useState(stored?.id ?? "");
  const [texts, setTexts] = useState(() => Object.fromEntries(TEXTS.map((member) => [member, typeof stored?.[member] === "string" ? stored[member] : ""])));
  const [users, setUsers] = useState(() => Object.fromEntries(USERS.map((list) => [list, usableBy(stored ?? {}, list).join(", ")])));
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  // Not in a state: what is in one is kept by whoever looks into components.
  const field = useRef<HTMLInputElement>(null);
  const file = useRef<HTMLInputElement>(null);
  const write = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      const { revision: _, updated_at: __, ...document } = stored ?? { id: name.trim() };
      const changes = part === "value" ? {} : about(texts, users);
      const value = part === "about" ? {} : { value: await valueOf(field.current, file.current) };
      const text = JSON.stringify({ ...document, ...changes, ...value });
      await api.put("secrets", document.id, text, part === "new" ? { onlyNew: true } : { revision });
      say(t("secret.saved", { id: document.id }));
      saved(document.id);
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  const conflict = error instanceof ApiError && (error.status === 412 || error.status === 409) && part !== "new";
  const title = part === "new" ? t("list.new.secrets") : t(part === "value" ? "secret.replace.title" : "secret.about.title", { id: name });
  return (
    <Modal title={title} close={close} footer={
      <>
        <button type="button" onClick={close}>{t("common.cancel")}</button>
        {conflict && <button type="button" onClick={() => saved(name)}>{t("item.reload")}</button>}
        <button class="primary" type="submit" form="secret" disabled={busy}>{busy ? t("review.writing") : t("review.write")}</button>
      </>
    }>
      <form id="secret" class="stack" autocomplete="off" onSubmit={(event) => void write(event)}>
        {part === "new" && (
          <Field label={t("secret.name")} hint={t("secret.name.hint")} required>
            {(attributes) => <input {...attributes} type="text" required autofocus pattern="[A-Za-z0-9._\-]{1,64}" title={t("secret.name.hint")} autocomplete="off" spellcheck={false} value={name} onInput={(event) => setName(event.currentTarget.value)} />}
          </Field>
        )}
        {part !== "about" && <Value field={field} file={file} isFirst={part === "value"} />}
        {part !== "value" && (
          <>
            {TEXTS.map((member) => (
              <Field key={member} label={t(`secret.${member}`)} hint={t(`secret.${member}.hint`)}>
                {(attributes) => <input {...attributes} type="text" autocomplete="off" value={texts[member]} onInput={(event) => setTexts({ ...texts, [member]: event.currentTarget.value })} />}
              </Field>
            ))}
            <fieldset class="fields">
              <legend>{t("secret.usableBy")}</legend>
              <p class="small muted">{t("secret.usableBy.hint")}</p>
              {USERS.map((list) => (
                <Field key={list} label={t(`secret.${list}`)} hint={t(`secret.${list}.hint` as TextKey)}>
                  {(attributes) => <input {...attributes} type="text" autocomplete="off" spellcheck={false} value={users[list]} onInput={(event) => setUsers({ ...users, [list]: event.currentTarget.value })} />}
                </Field>
              ))}
            </fieldset>
          </>
        )}
      </form>
      {error !== undefined && <Note tone="bad" live><span>{reason(error)}</span>{conflict && <span>{t("item.conflict")}</span>}</Note>}
    </Modal>
  );
}

/** What is left empty is taken out. */
function about(texts: Record<string, string>, users: Record<string, string>): Record<string, unknown> {
  const named = USERS.map((list) => [list, listed(users[list] ?? "")] as const).filter(([, all]) => all.length > 0);
  const said = TEXTS.map((member) => [member, texts[member]?.trim() || undefined]);
  return { ...Object.fromEntries(said), usable_by: named.length === 0 ? undefined : Object.fromEntries(named) };
}

function Value({ field, file, isFirst }: { field: RefObject<HTMLInputElement | null>; file: RefObject<HTMLInputElement | null>; isFirst: boolean }) {
  const [wrong, setWrong] = useState<string | undefined>();
  // A field of one line would leave out the breaks of a key in PEM, and say nothing.
  const pasted = (event: ClipboardEvent) => {
    const hasLines = /[\r\n]+[^\r\n]/.test(event.clipboardData?.getData("text") ?? "");
    if (hasLines) event.preventDefault();
    setWrong(hasLines ? t("secret.value.lines") : undefined);
  };
  return (
    <>
      <Field label={t("secret.value")} hint={t("secret.value.hint")} wrong={wrong}>
        {(attributes) => <input {...attributes} ref={field} type="password" autofocus={isFirst} autocomplete="new-password" spellcheck={false} onPaste={pasted} onInput={() => setWrong(undefined)} />}
      </Field>
      <FileField label={t("secret.file")} hint={t("secret.file.hint")} input={file} />
    </>
  );
}

/** As `dynmcp secrets put` reads it: the last line break of a file is not part of it. */
async function valueOf(field: HTMLInputElement | null, file: HTMLInputElement | null): Promise<string> {
  const typed = field?.value ?? "";
  const chosen = file?.files?.[0];
  if ((typed === "") === (chosen === undefined)) throw new Error(t("secret.value.one"));
  if (chosen === undefined) return typed;
  if (chosen.size > LARGEST_FILE) throw new Error(t("secret.file.large"));
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(await chosen.arrayBuffer());
    return text.replace(/\r?\n$/, "");
  } catch {
    throw new Error(t("secret.file.noText"));
  }
}
