// The editor itself, loaded when one is seen. It lives in a shadow root: there CodeMirror puts its styles into adopted style sheets,
// which the page's policy (no inline styles) allows.

import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap, snippetCompletion, type Completion, type CompletionContext, type CompletionResult } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { json } from "@codemirror/lang-json";
import { bracketMatching, foldGutter, foldKeymap, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, lintKeymap, setDiagnostics, type Diagnostic } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState, Transaction } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, hoverTooltip, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { nameOf, parsePath, pathOf, rangeOf, treeTo, type Path } from "./locate";
import { description, names, values } from "./schema";

/** Something to be marked, by its place in the document. */
export interface Problem {
  path: string;
  text: string;
  severity: "error" | "warning";
  /** Instead of a path, for what is no JSON. */
  position?: number;
}

export interface Editor {
  setText: (text: string) => void;
  setProblems: (problems: Problem[]) => void;
  show: (problem: Problem) => void;
  lineOf: (problem: Problem) => number;
  destroy: () => void;
}

interface Options {
  label: string;
  text: string;
  readOnly: boolean;
  schema: () => Promise<unknown>;
  changed: (text: string) => void;
  save: () => void;
}

const theme = EditorView.theme({
  "&": { color: "var(--text)", backgroundColor: "var(--surface)", fontSize: "13.5px" },
  "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "-2px" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.6", minHeight: "280px" },
  ".cm-content": { caretColor: "var(--text)", padding: "10px 0" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-gutters": { backgroundColor: "var(--surface)", color: "var(--muted)", border: "none" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in srgb, var(--accent) 7%, transparent)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "color-mix(in srgb, var(--accent) 26%, transparent)" },
  ".cm-matchingBracket, &.cm-focused .cm-matchingBracket": { backgroundColor: "color-mix(in srgb, var(--accent) 22%, transparent)" },
  ".cm-tooltip": { backgroundColor: "var(--raised)", color: "var(--text)", border: "1px solid var(--line)", borderRadius: "8px", boxShadow: "var(--shadow-large)", maxWidth: "480px" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--mono)", maxHeight: "16em" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--accent-soft)", color: "var(--accent-strong)" },
  ".cm-tooltip.cm-completionInfo": { padding: "8px 12px", whiteSpace: "pre-wrap", fontFamily: "var(--sans)" },
  ".cm-hover": { padding: "8px 12px", whiteSpace: "pre-wrap", fontFamily: "var(--sans)" },
  ".cm-diagnostic": { fontFamily: "var(--sans)", padding: "6px 10px" },
  ".cm-diagnostic-error": { borderLeftColor: "var(--bad)" },
  ".cm-diagnostic-warning": { borderLeftColor: "var(--warn)" },
  ".cm-lintRange": { backgroundImage: "none !important", paddingBottom: "0" },
  ".cm-lintRange-error": { textDecoration: "underline wavy var(--bad)", textDecorationSkipInk: "none" },
  ".cm-lintRange-warning": { textDecoration: "underline wavy var(--warn)", textDecorationSkipInk: "none" },
  ".cm-lint-marker": { content: "none !important", borderRadius: "50%", width: "9px", height: "9px", marginTop: "6px" },
  ".cm-lint-marker-error": { backgroundColor: "var(--bad)" },
  ".cm-lint-marker-warning": { backgroundColor: "var(--warn)" },
  ".cm-panels": { backgroundColor: "var(--sunken)", color: "var(--text)", borderColor: "var(--line)" },
  ".cm-textfield": { backgroundColor: "var(--surface)", border: "1px solid var(--line-strong)", color: "var(--text)" },
  ".cm-button": { backgroundImage: "none", backgroundColor: "var(--surface)", border: "1px solid var(--line-strong)", color: "var(--text)" },
  ".cm-searchMatch": { backgroundColor: "var(--warn-soft)" },
  ".cm-foldPlaceholder": { backgroundColor: "var(--sunken)", border: "1px solid var(--line)", color: "var(--muted)" },
});

const colours = HighlightStyle.define([
  { tag: tags.propertyName, color: "var(--code-key)" },
  { tag: tags.string, color: "var(--code-string)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--code-number)" },
  { tag: [tags.brace, tags.squareBracket, tags.separator, tags.punctuation], color: "var(--muted)" },
]);

export function open(parent: HTMLElement, options: Options): Editor {
  /** What was told of and has not come back yet. */
  const told = new Set<string>();
  const root = parent.shadowRoot ?? parent.attachShadow({ mode: "open" });
  const view = new EditorView({
    root,
    parent: root as unknown as Element,
    state: EditorState.create({
      doc: options.text,
      extensions: [
        lineNumbers(), foldGutter(), history(), drawSelection(), indentOnInput(), bracketMatching(), closeBrackets(), highlightActiveLine(),
        highlightSelectionMatches(), json(), indentUnit.of("  "), lintGutter(), EditorView.lineWrapping, theme, syntaxHighlighting(colours),
        autocompletion({ override: [async (context) => complete(await options.schema(), context)], icons: false }),
        hoverTooltip(async (view, position) => explain(await options.schema(), view.state, position)),
        EditorState.readOnly.of(options.readOnly),
        EditorView.contentAttributes.of({ "aria-label": options.label, "aria-multiline": "true" }),
        // Tab is left to the page: whoever uses the keyboard must get out.
        keymap.of([{ key: "Mod-s", run: () => { options.save(); return true; } }, ...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...foldKeymap, ...completionKeymap, ...lintKeymap]),
        EditorView.updateListener.of((update) => {
          if (!update.docChanged || update.transactions.some((one) => one.annotation(Transaction.remote))) return;
          const text = update.state.doc.toString();
          told.add(text);
          options.changed(text);
        }),
      ],
    }),
  });
  const range = (problem: Problem) => {
    const length = view.state.doc.length;
    if (problem.position !== undefined) return { from: Math.min(problem.position, length), to: Math.min(problem.position + 1, length) };
    return rangeOf(view.state, parsePath(problem.path));
  };
  return {
    setText: (text) => {
      if (text === view.state.doc.toString()) return told.clear();
      // What was typed before what stands there now, and comes back late: it must not undo that.
      if (!told.has(text)) view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text }, annotations: Transaction.remote.of(true) });
    },
    setProblems: (problems) => {
      const marks = problems.map((problem): Diagnostic => ({ ...range(problem), severity: problem.severity, message: problem.text }));
      view.dispatch(setDiagnostics(view.state, marks));
    },
    show: (problem) => {
      const { from } = range(problem);
      view.dispatch({ selection: { anchor: from }, effects: EditorView.scrollIntoView(from, { y: "center" }) });
      view.focus();
    },
    lineOf: (problem) => view.state.doc.lineAt(range(problem).from).number,
    destroy: () => view.destroy(),
  };
}

function complete(schema: unknown, context: CompletionContext): CompletionResult | null {
  const { state, pos } = context;
  const node = treeTo(state, pos).resolveInner(pos, -1);
  const text = state.sliceDoc(node.from, node.to);
  if (node.name === "PropertyName" || node.name === "Object" || (node.name === "⚠" && node.parent?.name === "Object")) {
    return completeName(schema, context, node.name === "PropertyName");
  }
  const property = node.name === "Property" ? node : node.parent?.name === "Property" ? node.parent : null;
  const isValue = property !== null && state.sliceDoc(property.from, pos).includes(":");
  if (!isValue) return node.name === "Property" && context.explicit ? completeName(schema, context, false) : null;
  const path: Path = [...pathOf(state, property), nameOf(state, property) ?? ""];
  const inside = node.name === "String" || node.name === "True" || node.name === "False" || node.name === "Number";
  if (!inside && !context.explicit && !/:\s*$/.test(state.sliceDoc(property.from, pos))) return null;
  const options = values(schema, path).map(({ text: label, description: info }): Completion => ({ label, info: info || undefined }));
  return options.length === 0 ? null : { from: inside ? node.from : pos, to: inside && text.startsWith('"') ? node.to : undefined, options };
}

function completeName(schema: unknown, context: CompletionContext, isName: boolean): CompletionResult | null {
  const { state, pos } = context;
  const node = treeTo(state, pos).resolveInner(pos, -1);
  const word = context.matchBefore(/"?[\w$-]*/);
  if (!isName && !context.explicit && (word === null || word.from === word.to)) return null;
  let object = node;
  while (object.name !== "Object" && object.parent !== null) object = object.parent;
  const taken = new Set(object.getChildren("Property").filter((one) => one.to < pos || one.from > pos).map((one) => nameOf(state, one)));
  const hasValue = isName && node.parent !== null && /:/.test(state.sliceDoc(node.to, node.parent.to));
  const options = names(schema, pathOf(state, object)).filter(({ name }) => !taken.has(name)).map((one): Completion => {
    const info = one.description || undefined;
    const common = { label: `"${one.name}"`, detail: one.detail, info, boost: one.required ? 2 : 0 };
    if (hasValue) return { ...common, apply: `"${one.name}"` };
    const hole = one.blank === '""' ? '"${}"' : one.blank === "{}" ? "{${}}" : one.blank === "[]" ? "[${}]" : `\${${one.blank}}`;
    return snippetCompletion(`"${one.name}": ${hole}`, common);
  });
  return options.length === 0 ? null : { from: isName ? node.from : (word?.from ?? pos), to: isName ? node.to : undefined, options, filter: true };
}

function explain(schema: unknown, state: EditorState, position: number) {
  const node = treeTo(state, position).resolveInner(position, 1);
  const property = node.name === "PropertyName" ? node.parent : null;
  if (property === null) return null;
  const text = description(schema, [...pathOf(state, property), nameOf(state, property) ?? ""]);
  if (text === "") return null;
  return {
    pos: node.from,
    end: node.to,
    create: () => {
      const dom = document.createElement("div");
      dom.className = "cm-hover";
      dom.textContent = text;
      return { dom };
    },
  };
}
