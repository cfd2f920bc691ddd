// Between places in a JSON document and places in its text.

import { ensureSyntaxTree, syntaxTree } from "@codemirror/language";
import type { EditorState } from "@codemirror/state";
import type { SyntaxNode, Tree } from "@lezer/common";

export type Path = (string | number)[];

/** `tds_ext_info.params[0].style`, and JSON Pointers. */
export function parsePath(text: string): Path {
  if (text === "" || text === "(root)") return [];
  if (text.startsWith("/")) return text.slice(1).split("/").map((part) => part.replace(/~1/g, "/").replace(/~0/g, "~"));
  return [...text.matchAll(/[^.[\]]+/g)].map(([part]) => (/^\d+$/.test(part) ? Number(part) : part));
}

/** What the document says up to there. A machine that is busy, or a long document, may not have been read so far yet: then it is now. */
export function treeTo(state: EditorState, position: number): Tree {
  return ensureSyntaxTree(state, position, 1_000) ?? syntaxTree(state);
}

function children(node: SyntaxNode): SyntaxNode[] {
  const found: SyntaxNode[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) found.push(child);
  return found;
}

const VALUES = new Set(["Object", "Array", "String", "Number", "True", "False", "Null"]);

export function nameOf(state: EditorState, property: SyntaxNode): string | null {
  const name = property.getChild("PropertyName");
  if (name === null) return null;
  try {
    return JSON.parse(state.sliceDoc(name.from, name.to)) as string;
  } catch {
    return null;
  }
}

/** The text of the deepest part of the path that is there: the name of a member, or an element. */
export function rangeOf(state: EditorState, path: Path): { from: number; to: number } {
  let value = children(treeTo(state, state.doc.length).topNode).find((node) => VALUES.has(node.name));
  let range = value === undefined ? { from: 0, to: state.doc.length } : { from: value.from, to: Math.min(value.from + 1, value.to) };
  for (const step of path) {
    if (value === undefined) break;
    if (value.name === "Object") {
      const property: SyntaxNode | undefined = value.getChildren("Property").find((one) => nameOf(state, one) === String(step));
      const name = property?.getChild("PropertyName");
      if (property === undefined || !name) break;
      range = { from: name.from, to: name.to };
      value = children(property).find((node) => VALUES.has(node.name));
    } else if (value.name === "Array") {
      const element: SyntaxNode | undefined = children(value).filter((node) => VALUES.has(node.name))[Number(step)];
      if (element === undefined) break;
      range = { from: element.from, to: Math.min(element.to, state.doc.lineAt(element.from).to) };
      value = element;
    } else break;
  }
  return range;
}

/** The path of the object or array that has this node, from the whole document on. */
export function pathOf(state: EditorState, node: SyntaxNode): Path {
  const path: Path = [];
  let child = node;
  for (let parent = node.parent; parent !== null; parent = parent.parent) {
    if (parent.name === "Property" && child.name !== "PropertyName") path.unshift(nameOf(state, parent) ?? "");
    else if (parent.name === "Array") {
      const position = children(parent).filter((one) => VALUES.has(one.name)).findIndex((one) => one.from === child.from);
      path.unshift(Math.max(0, position));
    }
    child = parent;
  }
  return path;
}
