// What whoever uses the console may do, so that nothing is offered that would be refused. What the gateway does not say may be tried: it decides anew each time.

import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Kind } from "./model";
import { KINDS } from "./model";

type Verb = "write" | "delete";
type Place = Kind | "grants" | "import" | "access";

const action = (place: Place, verb: Verb) => `admin/${place}/${verb}`;
const PLACES: Place[] = [...KINDS, "grants", "import", "access"];

/** What figures of traffic want. */
export const READS_METRICS = "admin/metrics/read";

/** All that the pages ask about. */
export const ACTIONS = [...PLACES.flatMap((place) => [action(place, "write"), action(place, "delete")]), READS_METRICS];

/** By action; empty where the gateway does not say, and nothing until it has answered: what is offered does not go away again. */
export const Rights = createContext<Record<string, boolean> | undefined>(undefined);

/** Whether it is known yet what may be done. */
export function useIsKnown(): boolean {
  return useContext(Rights) !== undefined;
}

/** `may("tds", "write")`. */
export function useMay(): (place: Place, verb: Verb) => boolean {
  const rights = useContext(Rights);
  return (place, verb) => rights !== undefined && rights[action(place, verb)] !== false;
}
