// Signed in or not, the frame around the pages, and which page.

import { useEffect, useRef, useState } from "preact/hooks";
import { api, base, signOut, type Answer } from "./api";
import { language, onLanguage, setLanguage, t, type Language } from "./i18n";
import { KINDS, type Kind, type Status } from "./model";
import { AccessPage } from "./pages/access";
import { AuditPage } from "./pages/audit";
import { DocumentPage } from "./pages/document";
import { EventsPage } from "./pages/events";
import { GrantsPage } from "./pages/grants";
import { ImportPage } from "./pages/import";
import { ListPage } from "./pages/list";
import { LoginPage } from "./pages/login";
import { OverviewPage } from "./pages/overview";
import { QuarantinePage } from "./pages/quarantine";
import { TrafficPage } from "./pages/traffic";
import { ACTIONS, READS_METRICS, Rights } from "./rights";
import { link, useRoute, type Route } from "./route";
import { onSession, session } from "./session";
import { setTheme, theme, type Theme } from "./theme";
import { Icon, Logo, type IconName } from "./ui/icons";
import { useLoad, usePoll, type Loaded } from "./ui/load";
import { Toasts } from "./ui/parts";

export function App() {
  const [, redraw] = useState(0);
  useEffect(() => {
    const again = () => redraw((n) => n + 1);
    const stop = [onLanguage(again), onSession(again)];
    return () => stop.forEach((one) => one());
  }, []);
  document.title = t("app.title");
  return (
    <>
      {session() === null ? <LoginPage /> : <Frame />}
      <Toasts />
    </>
  );
}

const PLACES: [IconName & string, () => string][] = [
  ["overview", () => t("nav.overview")],
  ["tds", () => t("nav.tds")],
  ["ids", () => t("nav.ids")],
  ["uds", () => t("nav.uds")],
  ["roles", () => t("nav.roles")],
  ["keys", () => t("nav.keys")],
  ["secrets", () => t("nav.secrets")],
  ["access", () => t("nav.access")],
  ["grants", () => t("nav.grants")],
  ["traffic", () => t("nav.traffic")],
  ["events", () => t("nav.events")],
  ["audit", () => t("nav.audit")],
  ["import", () => t("nav.import")],
  ["quarantine", () => t("nav.quarantine")],
];

const NOT_KNOWN: Record<string, boolean> = {};

function Frame() {
  const now = useRoute();
  const [open, setOpen] = useState(false);
  const status = usePoll(() => api.status(), [], 5_000);
  const rights = useLoad(() => api.access(ACTIONS), []);
  const main = useRef<HTMLElement>(null);
  const place = now.path[0] ?? "overview";
  const path = now.path.slice(0, 2).join("/");
  useEffect(() => {
    setOpen(false);
    main.current?.scrollTo(0, 0);
  }, [path]);
  const quarantined = status.value?.data.quarantined ?? 0;
  const known = rights.value?.data.actions ?? (rights.error === undefined ? undefined : NOT_KNOWN);
  const shows = (name: string) => name !== "traffic" || (known !== undefined && known[READS_METRICS] !== false);
  return (
    <div class="frame">
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); main.current?.focus(); }}>{t("app.skip")}</a>
      <header class="top">
        <a class="brand" href={link()}><Logo /> DynMCP</a>
        <button class="burger" aria-expanded={open} aria-controls="side" aria-label={t("app.menu")} onClick={() => setOpen(!open)}><Icon name="menu" /></button>
      </header>
      <div id="side" class={`side${open ? " open" : ""}`} onKeyDown={(event) => event.key === "Escape" && setOpen(false)}>
        <a class="brand" href={link()}><Logo /> DynMCP</a>
        <nav aria-label={t("app.menu")}>
          {PLACES.filter(([name]) => shows(name)).map(([name, text]) => (
            <a key={name} href={name === "overview" ? link() : link(name)} aria-current={place === name ? "page" : undefined} onClick={() => setOpen(false)}>
              <Icon name={name} /> {text()}
              {name === "quarantine" && quarantined > 0 && <span class="count">{quarantined}</span>}
            </a>
          ))}
        </nav>
        <div class="foot">
          <Preferences />
          <a class="small" href={`${base}/admin/docs`}>{t("app.docs")}</a>
          <button onClick={() => void signOut()}>{t("app.signOut")}</button>
        </div>
      </div>
      <main id="main" ref={main} tabIndex={-1}>
        {status.error !== undefined && <div class="banner" role="status">{t("app.away")}</div>}
        <Rights.Provider value={known}><Page now={now} status={status} /></Rights.Provider>
      </main>
    </div>
  );
}

export function Preferences() {
  const [chosen, choose] = useState(theme());
  return (
    <>
      <label>
        {t("app.theme")}
        <select value={chosen} onChange={(event) => { const next = event.currentTarget.value as Theme; choose(next); setTheme(next); }}>
          <option value="system">{t("app.theme.system")}</option>
          <option value="light">{t("app.theme.light")}</option>
          <option value="dark">{t("app.theme.dark")}</option>
        </select>
      </label>
      <label>
        {t("app.language")}
        <select value={language()} onChange={(event) => setLanguage(event.currentTarget.value as Language)}>
          <option value="en" lang="en">English</option>
          <option value="zh" lang="zh-CN">中文</option>
        </select>
      </label>
    </>
  );
}

function Page({ now, status }: { now: Route; status: Loaded<Answer<Status>> }) {
  const [place, id, tab] = now.path;
  if (place === undefined) return <OverviewPage status={status} />;
  if (place === "new" && isKind(id) && id !== "keys" && id !== "secrets") return <DocumentPage key={`new/${id}`} kind={id} id={null} tab="definition" query={now.query} />;
  if (isKind(place)) {
    if (id === undefined) return <ListPage key={place} kind={place} query={now.query} total={status.value?.data.definitions?.[place]} />;
    return <DocumentPage key={`${place}/${id}`} kind={place} id={id} tab={tab} query={now.query} />;
  }
  if (place === "access") return <AccessPage query={now.query} />;
  if (place === "grants") return <GrantsPage />;
  if (place === "traffic") return <TrafficPage />;
  if (place === "events") return <EventsPage query={now.query} />;
  if (place === "audit") return <AuditPage query={now.query} />;
  if (place === "import") return <ImportPage />;
  if (place === "quarantine") return <QuarantinePage />;
  return <div class="page"><h1>{t("app.notFound")}</h1><p><a href={link()}>{t("nav.overview")}</a></p></div>;
}

function isKind(text: string | undefined): text is Kind {
  return (KINDS as readonly (string | undefined)[]).includes(text);
}
