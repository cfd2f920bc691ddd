// Something that a page asks the gateway for.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ApiError } from "../api";

export interface Loaded<T> {
  value: T | undefined;
  error: unknown;
  busy: boolean;
  reload: () => void;
}

/** Asks when `inputs` change; answers to older questions are dropped. */
export function useLoad<T>(ask: () => Promise<T>, inputs: unknown[]): Loaded<T> {
  const [state, set] = useState<{ value: T | undefined; error: unknown; busy: boolean }>({ value: undefined, error: undefined, busy: true });
  const turn = useRef(0);
  const reload = useCallback(() => {
    const mine = ++turn.current;
    set((now) => ({ ...now, busy: true }));
    ask().then(
      (value) => mine === turn.current && set({ value, error: undefined, busy: false }),
      (error: unknown) => mine === turn.current && set((now) => ({ ...now, error, busy: false })),
    );
  }, inputs);
  useEffect(() => {
    set({ value: undefined, error: undefined, busy: true });
    reload();
    return () => { turn.current++; };
  }, [reload]);
  return { ...state, reload };
}

/** A question that nobody answers is asked again after this time. */
const PATIENCE = 30_000;

/** The same, again and again while the page is seen, until it is not allowed. An answer that takes longer is waited for: a newer question would drop it. */
export function usePoll<T>(ask: () => Promise<T>, inputs: unknown[], milliseconds: number): Loaded<T> {
  const loaded = useLoad(ask, inputs);
  const { reload, busy, error } = loaded;
  const isRefused = error instanceof ApiError && error.status === 403;
  const asked = useRef<number | undefined>(undefined);
  asked.current = busy ? asked.current ?? Date.now() : undefined;
  useEffect(() => {
    if (isRefused) return;
    const timer = setInterval(() => {
      const waiting = asked.current !== undefined && Date.now() - asked.current < PATIENCE;
      if (document.hidden || waiting) return;
      asked.current = undefined;
      reload();
    }, milliseconds);
    return () => clearInterval(timer);
  }, [reload, milliseconds, isRefused]);
  return loaded;
}

/** What is written settles for a moment before it is asked about. */
export function useSettled<T>(value: T, milliseconds: number): T {
  const [settled, set] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => set(value), milliseconds);
    return () => clearTimeout(timer);
  }, [value, milliseconds]);
  return settled;
}
