import { useEffect, useState } from "preact/hooks";
import { api, ApiError, type Provider, providers, signInAt } from "../api";
import { Preferences } from "../app";
import { t } from "../i18n";
import { rememberPage } from "../route";
import { begin, endedByGateway } from "../session";
import { Logo } from "../ui/icons";
import { Field, Note, reason } from "../ui/parts";

export function LoginPage() {
  const [key, setKey] = useState("");
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState<string | undefined>();
  const [others, setOthers] = useState<Provider[]>([]);
  // A gateway without keys lets everybody in who may reach it, and one may know the browser.
  useEffect(() => {
    api.status("").then(() => begin(""), () => undefined);
    void providers().then(setOthers);
  }, []);
  const enter = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setWrong(undefined);
    const given = key.trim();
    try {
      await api.status(given);
      begin(given);
    } catch (error) {
      const status = error instanceof ApiError ? error.status : 0;
      const text = error instanceof Error ? error.message : "";
      setWrong(status === 401 ? t("login.wrong", { reason: text }) : status === 403 ? t("login.forbidden", { reason: text }) : reason(error));
      setBusy(false);
    }
  };
  return (
    <main class="login">
      <form class="card" onSubmit={(event) => void enter(event)}>
        <div class="body">
          <div class="brand"><Logo /> DynMCP</div>
          <h1>{t("login.title")}</h1>
          {endedByGateway() && wrong === undefined && <Note tone="warn" live>{t("login.ended")}</Note>}
          {others.map(({ name, label }) => (
            <a key={name} class="button" href={signInAt(name)} onClick={rememberPage}>{t("login.with", { name: label })}</a>
          ))}
          <Field label={t("login.key")} hint={t("login.where")} wrong={wrong}>
            {(attributes) => (
              <input {...attributes} type="password" value={key} autocomplete="off" spellcheck={false} required autofocus onInput={(event) => setKey(event.currentTarget.value)} />
            )}
          </Field>
          <button class="primary" type="submit" disabled={busy || key.trim() === ""}>{busy ? t("login.busy") : t("login.submit")}</button>
          <p class="small muted">{t("login.hint")}</p>
          <div class="choices field"><Preferences /></div>
        </div>
      </form>
    </main>
  );
}
