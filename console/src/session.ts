// The key of whoever uses the console. It is held in the session storage of the tab: a reload keeps it, and it is gone with the tab.
// Not in the local storage, where it would stay on the disk and be read by every tab until somebody thinks of it; not in a cookie,
// which the browser would send by itself, also where another page asks for it. Whoever signs in with an identity provider has no key here: the gateway
// keeps what it got, and takes the cookie for it only beside a header that no other page can send.

const NAME = "dynmcp.key";
type Listener = (session: Session | null) => void;

/** A key that the gateway has let in; an empty one where it asks for none, or knows the browser. */
export interface Session {
  key: string;
}

let current: Session | null = read();
let ended = false;
const listeners = new Set<Listener>();

function read(): Session | null {
  try {
    const key = sessionStorage.getItem(NAME);
    return key === null ? null : { key };
  } catch {
    return null; // Storage may be switched off: then a reload asks again.
  }
}

export function session(): Session | null {
  return current;
}

/** Whether the last session ended because the gateway did not take its key any more. */
export function endedByGateway(): boolean {
  return ended;
}

export function begin(key: string): void {
  ended = false;
  set({ key });
}

export function end(byGateway: boolean): void {
  ended = byGateway && current !== null;
  set(null);
}

export function onSession(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function set(next: Session | null): void {
  current = next;
  try {
    if (next === null) sessionStorage.removeItem(NAME);
    else sessionStorage.setItem(NAME, next.key);
  } catch {
    // As above.
  }
  for (const listener of listeners) listener(next);
}
