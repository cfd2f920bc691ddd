// What only secrets have. Their values go to the gateway and never come back: here they are in the field of a dialog that is open, and nowhere else.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { moment, t } from "../i18n";
import type { Document } from "../model";
import { useMay } from "../rights";
import { Badge, Card, Code, Warnings } from "../ui/parts";
import { SecretDialog, type Part } from "./secret-dialog";
import { usableBy, USERS } from "./usable-by";

/** What the gateway says of a secret that nobody may use; the page says so itself. */
const OF_NOBODY = "usable_by: no definition may name";

export function SecretTab({ document, revision, warnings, changed }: { document: Document; revision: number | undefined; warnings: string[]; changed: () => void }) {
  const may = useMay();
  const [part, setPart] = useState<Part | null>(null);
  const { id } = document;
  const said = (member: string) => (typeof document[member] === "string" ? document[member] : undefined);
  return (
    <Card title={t("item.secret")} actions={may("secrets", "write") && (
      <div class="row">
        <button onClick={() => setPart("about")}>{t("secret.about")}</button>
        <button class="primary" onClick={() => setPart("value")}>{t("secret.replace")}</button>
      </div>
    )}>
      <Warnings texts={warnings.filter((text) => !text.startsWith(OF_NOBODY))} />
      <Facts facts={[
        [t("secret.description"), said("description")],
        [t("secret.owner"), said("owner")],
        [t("secret.usableBy"), <Users document={document} />],
        [t("secret.created"), said("created_at") && moment(said("created_at"))],
        [t("secret.since"), said("value_at") && moment(said("value_at"))],
        [t("secret.keyVersion"), said("key_version") && <code>{said("key_version")}</code>],
      ]} />
      <h3>{t("secret.reference")}</h3>
      <Code label={t("secret.reference")} text={`\${secret:${id}}`} />
      <p class="small muted">{t("secret.never")}</p>
      {part !== null && <SecretDialog part={part} document={document} revision={revision} close={() => setPart(null)} saved={() => { setPart(null); changed(); }} />}
    </Card>
  );
}

function Facts({ facts }: { facts: [string, ComponentChildren][] }) {
  return <dl class="facts">{facts.map(([name, value]) => <><dt>{name}</dt><dd>{value || <span class="muted">–</span>}</dd></>)}</dl>;
}

function Users({ document }: { document: Document }) {
  const named = USERS.map((list) => [list, usableBy(document, list)] as const).filter(([, all]) => all.length > 0);
  if (named.length === 0) return <Badge tone="warn">{t("secret.nobody")}</Badge>;
  return named.map(([list, all]) => <div key={list}>{t(`secret.${list}`)}: {all.map((one, index) => <>{index > 0 && ", "}<code>{one}</code></>)}</div>);
}
