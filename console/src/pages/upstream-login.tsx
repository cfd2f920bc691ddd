// Whose accounts an upstream is used with: the login of an operator, and what callers have connected.

import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "../api";
import { duration, t, type TextKey } from "../i18n";
import type { LoginBegun, UpstreamLogin } from "../model";
import { link } from "../route";
import { useMay } from "../rights";
import { Confirm } from "../ui/confirm";
import { usePoll } from "../ui/load";
import { Badge, Card, Failure, Note, reason } from "../ui/parts";
import { Grants } from "./grants";

interface Outcome {
  text: string;
  tone: "good" | "warn" | "bad";
}

/** Nothing where no token of OAuth is got for it. */
export function LoginCard({ id }: { id: string }) {
  const logins = usePoll(() => api.login(id), [id], 3_000);
  const may = useMay();
  const [begun, setBegun] = useState<LoginBegun | null>(null);
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const [busy, setBusy] = useState(false);
  const [forgetting, setForgetting] = useState(false);
  const login = logins.value;
  const state = login ? stateOf(login) : undefined;
  const before = useRef(state);
  // The browser comes back to a page of the gateway; here it is only seen that somebody is logged in.
  useEffect(() => {
    if (begun !== null && before.current !== "there" && state === "there") {
      setBegun(null);
      setOutcome({ text: t("upstream.login.done"), tone: "good" });
    }
    before.current = state;
  }, [state]);
  if (login === undefined && logins.error !== undefined) return <Failure error={logins.error} retry={logins.reload} />;
  if (login === undefined || login === null) return null;
  const begin = async () => {
    setBusy(true);
    setOutcome(null);
    setBegun(null);
    try {
      const { data } = await api.beginLogin(id);
      if (!/^https?:$/.test(new URL(data.url).protocol)) throw new Error(t("upstream.login.noPage", { url: data.url }));
      setBegun(data);
      open(data.url, "_blank", "noopener,noreferrer");
    } catch (error) {
      setOutcome({ text: reason(error), tone: "bad" });
    }
    setBusy(false);
  };
  const forget = async () => {
    const { warnings } = await api.endLogin(id);
    setBegun(null);
    setOutcome(warnings.length === 0 ? { text: t("upstream.login.forgotten"), tone: "good" } : { text: warnings.join(" "), tone: "warn" });
    logins.reload();
  };
  const byHand = login.grant !== "client_credentials";
  return (
    <Card title={t("upstream.login")} actions={byHand && (
      <div class="row">
        {may("uds", "write") && <button class={state === "needed" ? "primary" : ""} disabled={busy} onClick={() => void begin()}>{t(login.logged_in ? "upstream.login.again" : "upstream.login.begin")}</button>}
        {login.logged_in && may("uds", "delete") && <button class="danger" onClick={() => setForgetting(true)}>{t("upstream.login.end")}</button>}
      </div>
    )}>
      {outcome !== null && <Note tone={outcome.tone} live>{outcome.text}</Note>}
      {begun !== null && (
        <Note live>
          <span>{t("upstream.login.open")} <a href={begun.url} target="_blank" rel="noopener noreferrer">{new URL(begun.url).host}</a></span>
          <span class="small">{t("upstream.login.back")} <code class="break">{begun.redirect_uri}</code></span>
        </Note>
      )}
      <p class="muted">{t(`upstream.login.grant.${login.grant}` as TextKey)}</p>
      <Facts login={login} />
      {login.grant === "user" && <Callers id={id} />}
      {forgetting && (
        <Confirm title={t("upstream.login.end.title", { id })} verb={t("upstream.login.end")} close={() => setForgetting(false)} act={forget}>
          <p>{t(login.grant === "user" ? "upstream.login.end.lists" : "upstream.login.end.text")}</p>
        </Confirm>
      )}
    </Card>
  );
}

function stateOf(login: UpstreamLogin): "needed" | "there" | "none" {
  return login.login_needed ? "needed" : login.logged_in ? "there" : "none";
}

function Facts({ login }: { login: UpstreamLogin }) {
  const state = stateOf(login);
  const ofNobody = login.grant === "client_credentials" && state !== "needed";
  return (
    <dl class="facts">
      <dt>{t("upstream.login.state")}</dt>
      <dd><Badge tone={state === "needed" ? "bad" : state === "there" ? "good" : ""} dot>{t(ofNobody ? (login.logged_in ? "upstream.login.token" : "upstream.login.noToken") : `upstream.login.${state}`)}</Badge></dd>
      {login.issuer !== undefined && <><dt>{t("upstream.login.issuer")}</dt><dd><code>{login.issuer}</code></dd></>}
      {login.scopes.length > 0 && <><dt>{t("upstream.login.scopes")}</dt><dd>{login.scopes.join(" ")}</dd></>}
      {login.expires_in !== undefined && <><dt>{t("upstream.login.ends")}</dt><dd>{t("upstream.login.goodFor", { time: duration(login.expires_in * 1_000) })}</dd></>}
    </dl>
  );
}

function Callers({ id }: { id: string }) {
  const all = usePoll(() => api.grants(), [id], 5_000);
  const grants = all.value?.data.filter((one) => one.upstream === id);
  if (grants === undefined && all.error !== undefined) return <Failure error={all.error} retry={all.reload} />;
  return (
    <>
      <h3><a href={link("grants")}>{t("grant.title")}</a></h3>
      {grants?.length === 0 && <p class="muted">{t("grant.none")}</p>}
      <Grants grants={grants ?? []} changed={all.reload} />
    </>
  );
}
