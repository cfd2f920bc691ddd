// Which page: behind the `#`, so that the gateway serves one page and a proxy's path in front of it does not matter.

import { useEffect, useState } from "preact/hooks";

export interface Route {
  /** Decoded. */
  path: string[];
  query: URLSearchParams;
}

/** Of whoever leaves to sign in elsewhere. */
const PAGE = "dynmcp.page";

export function rememberPage(): void {
  try {
    sessionStorage.setItem(PAGE, location.hash);
  } catch {
    // Then the first page follows.
  }
}

/** Back to where somebody was before they left to sign in. */
export function returnToPage(): void {
  try {
    const page = sessionStorage.getItem(PAGE);
    sessionStorage.removeItem(PAGE);
    if (page !== null && page !== "" && location.hash === "") location.replace(page);
  } catch {
    // As above.
  }
}

export function route(): Route {
  const [path = "", query = ""] = location.hash.replace(/^#\/?/, "").split("?", 2);
  return { path: path.split("/").filter((part) => part !== "").map(decode), query: new URLSearchParams(query) };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** `link("tds", id, "try")`. */
export function link(...path: string[]): string {
  return `#/${path.map(encodeURIComponent).join("/")}`;
}

/** Asked before the page is left; `false` stays. */
let guard: (() => boolean) | null = null;

export function setGuard(next: (() => boolean) | null): void {
  guard = next;
}

export function useRoute(): Route {
  const [now, set] = useState(route);
  useEffect(() => {
    let before = location.hash;
    const changed = () => {
      if (location.hash === before) return;
      if (guard !== null && !guard()) {
        history.replaceState(null, "", before === "" ? "#/" : before);
        return;
      }
      before = location.hash;
      set(route());
    };
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return now;
}

export function go(hash: string): void {
  location.hash = hash;
}
