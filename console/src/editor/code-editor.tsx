// A definition being written: completed by the published schema, checked by the gateway.

import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "../api";
import { t } from "../i18n";
import type { Kind } from "../model";
import { Badge, reason } from "../ui/parts";
import { useSettled } from "../ui/load";
import type { Editor, Problem } from "./codemirror";

interface Properties {
  kind: Kind;
  text: string;
  /** The id that it is stored under; `null` for a new one. */
  id: string | null;
  readOnly?: boolean;
  changed: (text: string) => void;
  save: () => void;
}

const schemas = new Map<Kind, Promise<unknown>>();

function schemaOf(kind: Kind): Promise<unknown> {
  const known = schemas.get(kind) ?? api.schema(kind).catch(() => { schemas.delete(kind); return {}; });
  schemas.set(kind, known);
  return known;
}

export function CodeEditor({ kind, text, id, readOnly = false, changed, save }: Properties) {
  const host = useRef<HTMLDivElement>(null);
  const editor = useRef<Editor | null>(null);
  const latest = useRef({ changed, save, text });
  latest.current = { changed, save, text };
  const [ready, setReady] = useState(false);
  const { problems, state } = useCheck(kind, id, text);
  useEffect(() => {
    let gone = false;
    // Fetched while the editor is.
    void schemaOf(kind);
    void import("./codemirror").then(({ open }) => {
      if (gone || host.current === null) return;
      editor.current = open(host.current, {
        label: t("editor.label"),
        text: latest.current.text,
        readOnly,
        schema: () => schemaOf(kind),
        changed: (next) => latest.current.changed(next),
        save: () => latest.current.save(),
      });
      setReady(true);
    });
    return () => { gone = true; editor.current?.destroy(); editor.current = null; };
  }, [kind, readOnly]);
  useEffect(() => editor.current?.setText(text), [text]);
  useEffect(() => { if (ready) editor.current?.setProblems(problems); }, [problems, ready]);
  return (
    <div class="stack">
      <div class="editor" ref={host} />
      <div class="row" role="status">
        {state === "good" && <Badge tone="good" dot>{t("editor.good")}</Badge>}
        {state === "busy" && <Badge dot>{t("editor.checking")}</Badge>}
        {problems.length > 0 && <Badge tone={problems.some((one) => one.severity === "error") ? "bad" : "warn"} dot>{t("editor.problems")}: {problems.length}</Badge>}
        <span class="small muted push">{t("editor.keys")}</span>
      </div>
      {problems.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-label={t("editor.problems")}>
          <table>
            <tbody>
              {problems.map((problem) => (
                <tr key={`${problem.path} ${problem.text}`}>
                  <td><button class="quiet" onClick={() => editor.current?.show(problem)}>{t("editor.line", { n: editor.current?.lineOf(problem) ?? 1 })}</button></td>
                  <td><code>{problem.path}</code></td>
                  <td><Badge tone={problem.severity === "error" ? "bad" : "warn"}>{problem.text}</Badge></td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </div>
  );
}

type Check = "busy" | "good" | "odd" | "bad" | "unknown";

/** Asks the gateway a moment after the last key: nothing is written by that. */
function useCheck(kind: Kind, id: string | null, text: string): { problems: Problem[]; state: Check } {
  const settled = useSettled(text, 450);
  const [found, set] = useState<{ problems: Problem[]; state: Check; text: string }>({ problems: [], state: "busy", text: "" });
  useEffect(() => {
    let gone = false;
    const done = (problems: Problem[], state: Check) => { if (!gone) set({ problems, state, text: settled }); };
    const read = parse(settled);
    if (read.problem !== undefined) {
      done([read.problem], "bad");
    } else {
      const wanted = id ?? (read.value as { id?: unknown } | null)?.id;
      if (typeof wanted !== "string" || wanted === "") done([{ path: "", text: t("item.idMissing"), severity: "error" }], "bad");
      else {
        api.plan(kind, wanted, read.value).then(
          ({ data }) => {
            const problems = [
              ...data.problems.map((one): Problem => ({ path: one.field, text: one.reason, severity: "error" })),
              ...data.warnings.map((one): Problem => ({ path: one.field, text: one.reason, severity: "warning" })),
            ];
            done(problems, data.problems.length > 0 ? "bad" : data.warnings.length > 0 ? "odd" : "good");
          },
          (error: unknown) => done([{ path: "", text: reason(error), severity: "error" }], "unknown"),
        );
      }
    }
    return () => { gone = true; };
  }, [kind, id, settled]);
  return found.text === text ? found : { problems: found.problems, state: "busy" };
}

/** The document, or where it is none. */
export function parse(text: string): { value?: unknown; problem?: Problem } {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const position = /position (\d+)/.exec(message)?.[1];
    return { problem: { path: "", text: t("editor.syntax", { reason: message }), severity: "error", position: position === undefined ? text.length : Number(position) } };
  }
}
