// The accounts that callers have connected to upstreams, without anything that could be used.

import { useState } from "preact/hooks";
import { api } from "../api";
import { duration, moment, number, t } from "../i18n";
import type { Grant } from "../model";
import { link } from "../route";
import { useMay } from "../rights";
import { Confirm } from "../ui/confirm";
import { Icon } from "../ui/icons";
import { usePoll } from "../ui/load";
import { Badge, Card, Failure, Loading, Note } from "../ui/parts";

export function GrantsPage() {
  const all = usePoll(() => api.grants(), [], 5_000);
  const [text, setText] = useState("");
  const grants = all.value?.data;
  const found = (grants ?? []).filter((one) => has(one, text.trim().toLowerCase()));
  return (
    <div class="page">
      <div class="head"><div class="titles"><h1>{t("grant.title")}</h1><p class="muted">{t("grant.intro")}</p></div></div>
      <div class="toolbar">
        <div class="search">
          <Icon name="search" />
          <input type="search" value={text} aria-label={t("common.search")} placeholder={t("grant.search")} onInput={(event) => setText(event.currentTarget.value)} />
        </div>
        {grants !== undefined && <span class="muted small" role="status">{t("list.countOf", { n: number(found.length), all: number(grants.length) })}</span>}
      </div>
      {all.error !== undefined && <Failure error={all.error} retry={all.reload} />}
      {grants === undefined && all.error === undefined && <Loading />}
      {grants?.length === 0 && <div class="card empty">{t("grant.none")}</div>}
      {grants !== undefined && grants.length > 0 && found.length === 0 && <div class="card empty">{t("list.nothing", { q: text })}</div>}
      <Grants grants={found} changed={all.reload} card />
    </div>
  );
}

function has(grant: Grant, text: string): boolean {
  return [grant.principal, grant.key, grant.upstream, grant.issuer, ...grant.scopes].some((part) => part?.toLowerCase().includes(text));
}

interface Outcome {
  text: string;
  warnings: string[];
}

/** Those of one upstream, or, on their own page in a card, of all. */
export function Grants({ grants, changed, card = false }: { grants: Grant[]; changed: () => void; card?: boolean }) {
  const [asking, ask] = useState<Grant | null>(null);
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const remove = async ({ id, principal, upstream }: Grant) => {
    const { data, warnings } = await api.removeGrant(id);
    setOutcome({ text: t(data.revoked ? "grant.revoked" : "grant.notRevoked", { principal, upstream }), warnings });
    changed();
  };
  const list = grants.length > 0 && <List grants={grants} all={card} ask={ask} />;
  return (
    <>
      {outcome !== null && <Note tone={outcome.warnings.length === 0 ? "good" : "warn"} live><span>{outcome.text}</span>{outcome.warnings.map((one) => <span key={one}>{one}</span>)}</Note>}
      {card && list !== false ? <Card>{list}</Card> : list}
      {asking !== null && (
        <Confirm title={t("grant.remove.title", { principal: asking.principal })} verb={t("grant.remove")} close={() => ask(null)} act={() => remove(asking)}>
          <p>{t("grant.remove.text", { upstream: asking.upstream })}</p>
        </Confirm>
      )}
    </>
  );
}

function List({ grants, all, ask }: { grants: Grant[]; all: boolean; ask: (grant: Grant) => void }) {
  const may = useMay();
  return (
    <ul class="accounts" aria-label={t("grant.title")}>
      {grants.map((one) => (
        <li key={one.id}>
          <div>
            <strong class="break">{one.principal}</strong>
            {one.key !== undefined && <div class="small break">{t("item.key")} <a href={link("keys", one.key)}><code>{one.key}</code></a></div>}
          </div>
          <div>
            {all && <div class="break"><a href={link("uds", one.upstream)}>{one.upstream}</a></div>}
            {one.issuer !== undefined && <div class={all ? "small muted break" : "break"}>{one.issuer}</div>}
            {one.scopes.length > 0 && <div class="small muted break">{one.scopes.join(" ")}</div>}
          </div>
          <div>
            <Badge tone={one.login_needed ? "warn" : "good"} dot>{t(one.login_needed ? "grant.needed" : "grant.there")}</Badge>
            <div class="small muted">{t("grant.since", { at: moment(one.connected_at) })}</div>
            {one.expires_in !== undefined && !one.login_needed && <div class="small muted">{t("grant.goodFor", { time: duration(one.expires_in * 1_000) })}</div>}
          </div>
          {may("grants", "delete") && <div><button class="danger" onClick={() => ask(one)}>{t("grant.remove")} <span class="visually-hidden">{one.principal}, {one.upstream}</span></button></div>}
        </li>
      ))}
    </ul>
  );
}
