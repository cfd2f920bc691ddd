// Asked before something is taken away.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { t } from "../i18n";
import { Modal, Note, reason } from "./parts";

/** `act` closes it when it has succeeded; why it has not is said in it. */
export function Confirm(props: { title: string; verb: string; children: ComponentChildren; close: () => void; act: () => Promise<void> }) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const run = async () => {
    setBusy(true);
    setError(undefined);
    try {
      await props.act();
      props.close();
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  return (
    <Modal title={props.title} close={props.close} footer={<><button onClick={props.close}>{t("common.cancel")}</button><button class="danger primary" disabled={busy} onClick={() => void run()}>{props.verb}</button></>}>
      {props.children}
      {error !== undefined && <Note tone="bad" live>{reason(error)}</Note>}
    </Modal>
  );
}
