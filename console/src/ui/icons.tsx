// Drawn here, so that nothing is loaded.

const PATHS = {
  overview: "M4 13h6V4H4zM14 20h6v-9h-6zM14 4v3h6V4zM4 17v3h6v-3z",
  tds: "M14.5 6.5a4 4 0 0 0-5.2 5.2L4 17l3 3 5.3-5.3a4 4 0 0 0 5.2-5.2l-2.6 2.6-2.5-.5-.5-2.5z",
  ids: "M12 3l8 4.5-8 4.5-8-4.5zM4 12l8 4.5 8-4.5M4 16.5L12 21l8-4.5",
  uds: "M4 5h16v5H4zM4 14h16v5H4zM8 7.5h.01M8 16.5h.01",
  keys: "M15 9a4 4 0 1 0-3.5 4L10 14.5V17H7.5v2.5H4V16l6-6M16 8h.01",
  roles: "M12 4l7 3v5c0 4-3 7-7 8-4-1-7-4-7-8V7zM9 12l2 2 4-4",
  secrets: "M6 11h12v9H6zM8.5 11V7.5a3.5 3.5 0 0 1 7 0V11M12 15v2",
  access: "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM3 20c.6-3.6 2.9-5.5 6-5.5 1.5 0 2.8.4 3.8 1.2M14.5 18l2.2 2.2L21 15.5",
  grants: "M12 11.5a3.75 3.75 0 1 0 0-7.5 3.75 3.75 0 0 0 0 7.5zM4.5 20c.9-3.6 3.8-5.5 7.5-5.5s6.6 1.9 7.5 5.5",
  import: "M12 3v11M8 10l4 4 4-4M4 17v3h16v-3",
  quarantine: "M12 3l9 16H3zM12 10v4M12 16.5h.01",
  traffic: "M4 19h16M6 16v-4M11 16V6M16 16v-7",
  events: "M4 12h4l2.5-6 4 12 2.5-6h3",
  audit: "M6 3h9l4 4v14H6zM9 11h7M9 15h7M14 3v5h5",
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16.2 16.2L21 21",
  menu: "M4 7h16M4 12h16M4 17h16",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  check: "M5 12.5l4.5 4.5L19 7.5",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg viewBox="0 0 24 24" width="18" height="18" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}

export function Logo() {
  return (
    <svg viewBox="0 0 32 32" width="26" height="26" aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="#4f46e5" />
      <path d="M8 10h6a6 6 0 0 1 0 12H8z" fill="none" stroke="#fff" stroke-width="3" stroke-linejoin="round" />
      <circle cx="24" cy="16" r="3" fill="#a5b4fc" />
    </svg>
  );
}
