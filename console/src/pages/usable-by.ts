// Which definitions may name a secret.

import { t } from "../i18n";

export const USERS = ["tools", "upstreams", "owners"] as const;

/** Which definitions may name it, by the list of `usable_by`. */
export function usableBy(document: Record<string, unknown>, list: (typeof USERS)[number]): string[] {
  const lists = document["usable_by"] as Record<string, unknown> | null | undefined;
  const named = lists?.[list];
  return Array.isArray(named) ? named.map(String) : [];
}

/** `tools: billing_*; upstreams: billing`; empty where nobody may. */
export function usableByText(document: Record<string, unknown>): string {
  const named = USERS.map((list) => [t(`secret.${list}`), usableBy(document, list)] as const).filter(([, all]) => all.length > 0);
  return named.map(([name, all]) => `${name}: ${all.join(", ")}`).join("; ");
}
