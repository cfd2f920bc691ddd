// What happens in the gateway, as it happens. By `fetch`, since an `EventSource` sends no key.

import { api, ApiError } from "./api";
import type { Happening } from "./model";

/** How it is followed. */
export type Following = "opening" | "open" | "again" | "refused";

export interface Listener {
  heard: (one: Happening) => void;
  /** So many came and went before anybody could hear of them. */
  missed: (count: number) => void;
  state: (now: Following, error?: unknown) => void;
}

const FIRST_WAIT = 1_000;
const LONGEST_WAIT = 15_000;

/** Until it is aborted, or refused; after an interruption it goes on where it was. `since`: after that number, 0 for all that is kept. */
export async function follow(types: string, since: number, listener: Listener, signal: AbortSignal): Promise<void> {
  let known = since;
  let wait = FIRST_WAIT;
  listener.state("opening");
  while (!signal.aborted) {
    try {
      const response = await api.events({ types: types === "" ? undefined : types, since: known }, signal);
      listener.state("open");
      for await (const { event, data } of messages(response)) {
        wait = FIRST_WAIT;
        const said = JSON.parse(data) as Happening & { missed?: number };
        if (event === "missed") listener.missed(said.missed ?? 0);
        else {
          known = said.id;
          listener.heard(said);
        }
      }
    } catch (error) {
      if (signal.aborted) return;
      // The same again would be refused again.
      if (error instanceof ApiError && error.status >= 400 && error.status < 500 && error.status !== 429) return listener.state("refused", error);
    }
    if (signal.aborted) return;
    listener.state("again");
    await pause(wait, signal);
    wait = Math.min(wait * 2, LONGEST_WAIT);
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener("abort", () => { clearTimeout(timer); done(); }, { once: true });
  });
}

/** The messages of an event stream. */
async function* messages(response: Response): AsyncGenerator<{ event: string; data: string }> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (reader === undefined) return;
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    const parts = text.split("\n\n");
    text = parts.pop() ?? "";
    for (const part of parts) {
      const line = (name: string) => part.split("\n").find((one) => one.startsWith(`${name}: `))?.slice(name.length + 2);
      const data = line("data");
      if (data !== undefined) yield { event: line("event") ?? "", data };
    }
  }
}
