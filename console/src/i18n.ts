// English and Chinese. What the gateway itself says (reasons, warnings) stays as it comes.

import { en, type TextKey } from "./i18n/en";
import { zh } from "./i18n/zh";

export type Language = "en" | "zh";
const NAME = "dynmcp.language";
const TEXTS: Record<Language, Record<TextKey, string>> = { en, zh };

let current: Language = preferred();
const listeners = new Set<() => void>();
apply();

function preferred(): Language {
  try {
    const kept = localStorage.getItem(NAME);
    if (kept === "en" || kept === "zh") return kept;
  } catch {
    // Then the browser's.
  }
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

function apply(): void {
  document.documentElement.lang = current === "zh" ? "zh-CN" : "en";
}

export function language(): Language {
  return current;
}

export function setLanguage(next: Language): void {
  current = next;
  apply();
  try {
    localStorage.setItem(NAME, next);
  } catch {
    // For this page only.
  }
  for (const listener of listeners) listener();
}

export function onLanguage(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The text, with values in the place of `{name}`. */
export function t(key: TextKey, values: Record<string, string | number> = {}): string {
  return TEXTS[current][key].replace(/\{(\w+)\}/g, (whole, name: string) => (name in values ? String(values[name]) : whole));
}

export type { TextKey };

/** A moment as people write it. */
export function moment(text: string | null | undefined): string {
  const at = text ? new Date(text) : null;
  if (at === null || Number.isNaN(at.getTime())) return "–";
  return new Intl.DateTimeFormat(current === "zh" ? "zh-CN" : undefined, { dateStyle: "medium", timeStyle: "medium" }).format(at);
}

/** The day alone. */
export function day(text: string | null | undefined): string {
  const at = text ? new Date(text) : null;
  if (at === null || Number.isNaN(at.getTime())) return "–";
  return new Intl.DateTimeFormat(current === "zh" ? "zh-CN" : undefined, { dateStyle: "medium" }).format(at);
}

export function number(value: number): string {
  return new Intl.NumberFormat(current === "zh" ? "zh-CN" : undefined).format(value);
}

/** How long, roughly. */
export function duration(milliseconds: number): string {
  const units: [Intl.NumberFormatOptions["unit"], number][] = [["day", 86_400_000], ["hour", 3_600_000], ["minute", 60_000], ["second", 1_000]];
  const [unit, size] = units.find(([, size]) => milliseconds >= size) ?? ["second", 1_000];
  const format = new Intl.NumberFormat(current === "zh" ? "zh-CN" : undefined, { style: "unit", unit, unitDisplay: "long", maximumFractionDigits: 0 });
  return format.format(milliseconds / size);
}
