// What happens, the latest first, for as long as the page is open.

import { useEffect, useRef, useState } from "preact/hooks";
import { follow, type Following } from "../events";
import { moment, number, t, type TextKey } from "../i18n";
import type { Happening } from "../model";
import { useSettled } from "../ui/load";
import { Badge, Card, Failure, Note } from "../ui/parts";

/** So many are shown; the gateway itself keeps a thousand. */
const MOST = 500;

/** What is chosen of it: all types, or those that begin alike. */
const GROUPS = ["", "upstream.*", "breaker.*,endpoint.*", "definition.*,key.*,config.*", "tool.executed", "access.denied", "server.*,health,error"] as const;

export function EventsPage({ query }: { query: URLSearchParams }) {
  const [types, setTypes] = useState(query.get("types") ?? "");
  const [text, setText] = useState("");
  const [held, setHeld] = useState(false);
  const settled = useSettled(text.trim().toLowerCase(), 200);
  const { events, missed, state, error, again } = useEvents(types, held);
  const shown = events.filter((one) => settled === "" || JSON.stringify(one).toLowerCase().includes(settled));
  return (
    <div class="page">
      <div class="head">
        <div class="titles">
          <h1>{t("nav.events")}</h1>
          <div class="row">
            {/* What is read out when it changes: not each number. */}
            <span role="status"><Badge tone={state === "open" && !held ? "good" : state === "refused" ? "bad" : "warn"} dot>{held ? t("events.held") : t(`events.${state}` as TextKey)}</Badge></span>
            <span class="muted small">{t("list.count", { n: number(shown.length) })}</span>
          </div>
        </div>
        <div class="actions"><button aria-pressed={held} onClick={() => setHeld(!held)}>{held ? t("events.goOn") : t("events.hold")}</button></div>
      </div>
      <div class="toolbar">
        <label class="filter">
          <span class="small muted">{t("events.types")}</span>
          <select value={types} onChange={(event) => setTypes(event.currentTarget.value)}>
            {GROUPS.map((group) => <option key={group} value={group}>{group === "" ? t("events.all") : group.replaceAll(",", ", ")}</option>)}
            {!(GROUPS as readonly string[]).includes(types) && <option value={types}>{types}</option>}
          </select>
        </label>
        <label class="filter wide">
          <span class="small muted">{t("events.text")}</span>
          <input type="search" value={text} onInput={(event) => setText(event.currentTarget.value)} />
        </label>
      </div>
      {error !== undefined && <Failure error={error} retry={again} />}
      {missed > 0 && <Note tone="warn">{t("events.missed", { n: number(missed) })}</Note>}
      {state !== "refused" && shown.length === 0 && <div class="card empty">{t("events.none")}</div>}
      {shown.length > 0 && (
        <Card>
          <div class="scroll" tabIndex={0} role="region" aria-label={t("nav.events")}>
            <table>
              <thead><tr><th scope="col">{t("events.at")}</th><th scope="col">{t("events.what")}</th><th scope="col">{t("events.about")}</th></tr></thead>
              <tbody>
                {shown.map((one) => (
                  <tr key={one.id}>
                    <td class="small muted when">{moment(one.at)}</td>
                    <td><Badge tone={tone(one)}>{one.type}</Badge></td>
                    <td class="small break">{members(one).map(([name, value]) => <span key={name} class="pair"><span class="muted">{name}</span> {value}</span>)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </Card>
      )}
    </div>
  );
}

/** Those of the last minutes, and what comes. While it is held, nothing is added; what came meanwhile comes afterwards. */
function useEvents(types: string, held: boolean) {
  const [events, setEvents] = useState<Happening[]>([]);
  const [missed, setMissed] = useState(0);
  const [state, setState] = useState<{ state: Following; error?: unknown }>({ state: "opening" });
  const [turn, setTurn] = useState(0);
  const known = useRef({ types, since: 0 });
  useEffect(() => {
    if (held) return;
    if (known.current.types !== types) known.current = { types, since: 0 };
    const since = known.current.since;
    if (since === 0) { setEvents([]); setMissed(0); }
    const abort = new AbortController();
    // What comes together is drawn together.
    let waiting: Happening[] = [];
    const draw = () => {
      if (waiting.length === 0) return;
      const news = waiting.reverse();
      waiting = [];
      setEvents((now) => {
        // Numbers begin anew with the process.
        const isAnew = (now[0]?.id ?? 0) >= (news.at(-1)?.id ?? 0);
        return isAnew ? news.slice(0, MOST) : [...news, ...now].slice(0, MOST);
      });
    };
    const timer = setInterval(draw, 100);
    void follow(types, since, {
      heard: (one) => { known.current.since = one.id; waiting.push(one); },
      missed: (count) => { if (known.current.since !== 0) setMissed((now) => now + count); },
      state: (now, error) => setState({ state: now, error }),
    }, abort.signal);
    return () => { abort.abort(); clearInterval(timer); draw(); };
  }, [types, held, turn]);
  return { events, missed, ...state, again: () => setTurn((now) => now + 1) };
}

function tone(one: Happening): "good" | "warn" | "bad" | "" {
  if (["breaker.opened", "access.denied", "error"].includes(one.type)) return "bad";
  if (["breaker.closed", "server.started"].includes(one.type)) return "good";
  if (["upstream.drifted", "upstream.removed", "server.stopped"].includes(one.type)) return "warn";
  return "";
}

function members(one: Happening): [string, string][] {
  const { id: _, type: __, at: ___, ...rest } = one;
  return Object.entries(rest)
    .filter(([name, value]) => value !== null && !(Array.isArray(value) && value.length === 0) && !(name === "untold" && value === 0))
    .map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]);
}
