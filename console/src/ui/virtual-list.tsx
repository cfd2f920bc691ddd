// A list of which only the rows that are seen are in the page.

import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

interface Properties<T> {
  label: string;
  rows: T[];
  rowHeight: number;
  keyOf: (row: T) => string;
  href: (row: T) => string;
  children: (row: T) => ComponentChildren;
  /** Called when the end comes near. */
  more?: () => void;
}

const AROUND = 8;

export function VirtualList<T>({ label, rows, rowHeight, keyOf, href, children, more }: Properties<T>) {
  const ref = useRef<HTMLDivElement>(null);
  const [seen, set] = useState({ top: 0, height: 600 });
  useLayoutEffect(() => {
    const list = ref.current;
    if (list === null) return;
    const measure = () => set({ top: list.scrollTop, height: list.clientHeight });
    const observer = new ResizeObserver(measure);
    observer.observe(list);
    list.addEventListener("scroll", measure, { passive: true });
    measure();
    return () => { observer.disconnect(); list.removeEventListener("scroll", measure); };
  }, []);
  const first = Math.max(0, Math.floor(seen.top / rowHeight) - AROUND);
  const last = Math.min(rows.length, Math.ceil((seen.top + seen.height) / rowHeight) + AROUND);
  useEffect(() => {
    if (last >= rows.length - 20) more?.();
  }, [last, rows.length, more]);
  // Arrow keys go from row to row, also where the next one is not there yet.
  const move = (event: KeyboardEvent) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    const item = (event.target as HTMLElement).closest<HTMLElement>("[data-row]");
    if (step === 0 || item === null) return;
    event.preventDefault();
    const next = Number(item.dataset["row"]) + step;
    ref.current?.querySelector<HTMLElement>(`[data-row="${next}"]`)?.focus();
  };
  return (
    <div class="list card" ref={ref} onKeyDown={move} role="list" aria-label={label}>
      <div class="space" role="presentation" style={{ height: `${rows.length * rowHeight}px` }}>
        {rows.slice(first, last).map((row, offset) => {
          const index = first + offset;
          return (
            <div key={keyOf(row)} role="listitem" aria-setsize={rows.length} aria-posinset={index + 1}>
              <a class="item" data-row={index} href={href(row)} style={{ top: `${index * rowHeight}px`, height: `${rowHeight}px` }}>
                {children(row)}
              </a>
            </div>
          );
        })}
      </div>
    </div>
  );
}
