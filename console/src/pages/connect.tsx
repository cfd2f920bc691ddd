// What clients want to be told of an instance; with a key made for one of them.

import { useState } from "preact/hooks";
import { api } from "../api";
import { t } from "../i18n";
import type { IssuedKey } from "../model";
import { useMay } from "../rights";
import { useLoad } from "../ui/load";
import { Card, Code, Failure, Field, Loading, Note, reason } from "../ui/parts";

export function ConnectTab({ id }: { id: string }) {
  const snippets = useLoad(() => api.clients(id), [id]);
  const may = useMay();
  const [name, setName] = useState("");
  const [issued, setIssued] = useState<IssuedKey | null>(null);
  const [error, setError] = useState<unknown>();
  const make = async (event: Event) => {
    event.preventDefault();
    setError(undefined);
    try {
      setIssued((await api.createKey({ name: name.trim(), instances: [id] })).data);
    } catch (problem) {
      setError(problem);
    }
  };
  if (snippets.error !== undefined) return <Failure error={snippets.error} retry={snippets.reload} />;
  if (snippets.value === undefined) return <Loading />;
  return (
    <div class="stack">
      <Card title={t("item.connect")}>
        <p>{t("connect.intro")}</p>
        {issued === null ? may("keys", "write") && (
          <form class="stack" onSubmit={(event) => void make(event)}>
            <Field label={t("connect.name")} hint={t("key.name.hint")}>
              {(attributes) => <input {...attributes} type="text" required value={name} autocomplete="off" onInput={(event) => setName(event.currentTarget.value)} />}
            </Field>
            <div class="row"><button class="primary" type="submit">{t("connect.make")}</button><span class="small muted">{t("connect.placeholder")}</span></div>
          </form>
        ) : <Note tone="good" live>{t("connect.made", { name: String(issued.document.name ?? issued.id) })}</Note>}
        {error !== undefined && <Note tone="bad" live>{reason(error)}</Note>}
      </Card>
      {snippets.value.data.map(({ client, place, text }) => (
        <Card key={client} title={client} actions={<span class="small muted break">{place}</span>}>
          <Code label={client} text={issued === null ? text : text.replaceAll("Bearer KEY", () => `Bearer ${issued.key}`)} />
        </Card>
      ))}
    </div>
  );
}
