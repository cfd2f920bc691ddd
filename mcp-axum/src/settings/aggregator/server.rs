//! One of `servers`.

use super::{Translated, health, part::Part};
use serde_json::{Map, Value, json};

/// What stands for a server that says nothing.
const PRIORITY: u64 = 100;
/// Why what is said of some servers' health does nothing.
pub(super) const NOT_PROBED: &str = "its connection is looked after by itself, and probes are for servers with streamable HTTP (`streamable_http`, `http`); it has no effect";

/// Why what is said of connections that nothing needs does nothing.
pub(super) const AS_NEEDED: &str = "connections are opened and closed as they are needed; it has no effect";

/// A server, as a document of an upstream has it, but for what replicas differ in.
pub(super) struct Server {
    pub(super) id: String,
    pub(super) name: Option<String>,
    /// Of servers with an address.
    pub(super) url: Option<String>,
    pub(super) weight: u64,
    pub(super) priority: u64,
    /// The tools that it serves; all of them, if it is empty.
    pub(super) tools: Vec<String>,
    pub(super) document: Map<String, Value>,
    /// How it is asked how it is doing, where it is.
    pub(super) health: Option<Map<String, Value>>,
    /// Whether it may speak HTTP+SSE of 2024-11-05 alone.
    pub(super) is_older: bool,
    /// Where it stands, for problems.
    pub(super) place: String,
}

impl Server {
    /// `None` where it is switched off, or wrong. `usual_check` is the `health_check` of all servers.
    pub(super) fn read(
        part: &mut Part<'_>,
        usual_check: Option<&Map<String, Value>>,
        all: &mut Translated,
    ) -> Option<Self> {
        let before = all.problems.len();
        let written = part.text("id", all);
        let id = written.as_deref().map(id_of).unwrap_or_default();
        if id.is_empty() {
            part.wrong("id", "is missing: a name of letters, digits and `-`", all);
        }
        let name = part.text("name", all).filter(|name| !name.is_empty());
        let enabled = part.flag("enabled", all).unwrap_or(true);
        let mut document = Map::new();
        let (url, is_older) = transport(part, &mut document, all);
        let mut weight = part.number("weight", 1, all);
        let mut routing = part.part("routing", all);
        let tools = routing.texts("tools", all);
        let priority = routing.number("priority", 0, all).unwrap_or(PRIORITY);
        weight = weight.or(routing.number("weight", 1, all));
        // With a weight of its own the other one says nothing.
        routing.take("weight");
        routing.rest(all);
        let own_check = health::read(part, all);
        let is_meant_for_it = own_check.is_some();
        let mut health = health::of_server(own_check, usual_check);
        let is_over_http = url.as_ref().is_some_and(|url| url.starts_with("http"));
        let may_be_probed = is_over_http && !document.get("transport").is_some_and(|way| way == "websocket");
        if !may_be_probed && health.take().is_some() && is_meant_for_it {
            part.note("health_check", NOT_PROBED, all);
        }
        limits(part, &mut document, all);
        let place = part.key("");
        (enabled && all.problems.len() == before).then(|| Self {
            id,
            name,
            url,
            weight: weight.unwrap_or(1).min(65_535),
            priority: priority.min(u64::from(u32::MAX)),
            tools,
            document,
            health,
            is_older,
            place: place.trim_end_matches('.').to_owned(),
        })
    }
}

/// Ids of upstreams have fewer characters.
pub(super) fn id_of(written: &str) -> String {
    let id: String = written
        .chars()
        .map(|c| c.to_ascii_lowercase())
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(32)
        .collect();
    id.trim_matches('-').to_owned()
}

/// `{type: …, url: …}` or `{type: stdio, command: …}`, or the same beside `transport: http`. The URL, where there is one, and whether it is one for HTTP+SSE.
fn transport(
    part: &mut Part<'_>,
    document: &mut Map<String, Value>,
    all: &mut Translated,
) -> (Option<String>, bool) {
    let is_nested = part.is_mapping("transport");
    let mut nested = is_nested.then(|| part.part("transport", all));
    let kind = match &mut nested {
        Some(transport) => transport.text("type", all),
        None => part.text("transport", all),
    };
    let (at, kind_name) = match &mut nested {
        Some(transport) => (transport, "type"),
        None => (part, "transport"),
    };
    // What it has says what it is.
    let told = [("command", "stdio"), ("url", "http"), ("endpoint", "http")];
    let meant = || {
        told.iter()
            .find(|(name, _)| at.has(name))
            .map(|(_, kind)| (*kind).to_owned())
    };
    let kind = kind.or_else(meant);
    let url = match kind.as_deref() {
        Some("stdio") => {
            program(at, document, all);
            None
        }
        Some(
            kind @ ("http" | "https" | "streamable_http" | "streamable-http" | "sse" | "websocket" | "ws"),
        ) => {
            let url = at.text("url", all).or(at.text("endpoint", all));
            if url.is_none() {
                at.wrong("url", "is missing: the address of the server", all);
            }
            match kind {
                // Which of the two it speaks is found out.
                "sse" | "http" | "https" => {}
                "websocket" | "ws" => drop(document.insert("transport".to_owned(), "websocket".into())),
                _ => drop(document.insert("transport".to_owned(), "streamable_http".into())),
            }
            headers(at, document, all);
            url
        }
        Some(other) => {
            let reason = format!(
                "`{other}` is no transport; there are stdio, http, streamable_http, sse and websocket"
            );
            at.wrong(kind_name, &reason, all);
            None
        }
        None => {
            at.wrong(
                kind_name,
                "is missing: stdio, http, streamable_http, sse or websocket; without it a server needs a `url` or a `command`",
                all,
            );
            None
        }
    };
    let timeout = at.number("timeout_ms", 1, all);
    if let Some(timeout) = timeout.or(at.duration_ms("timeout", all)) {
        document.insert("timeouts".to_owned(), json!({"call_total_ms": timeout}));
    }
    if let Some(nested) = nested {
        nested.rest(all);
    }
    (url, kind.as_deref() == Some("sse"))
}

fn program(at: &mut Part<'_>, document: &mut Map<String, Value>, all: &mut Translated) {
    // A text, or a list with the arguments behind it.
    let mut words = match at.is_list("command") {
        true => at.texts("command", all),
        false => at.text("command", all).into_iter().collect(),
    };
    if words.is_empty() {
        at.wrong("command", "is missing: the program that is the server", all);
        return;
    }
    let command = words.remove(0);
    words.extend(at.texts("args", all));
    document.insert("transport".to_owned(), "stdio".into());
    document.insert("command".to_owned(), command.clone().into());
    document.insert("args".to_owned(), json!(words));
    let env = at.pairs("env", all);
    if !env.is_empty() {
        document.insert("env".to_owned(), env.into());
    }
    if let Some(folder) = at.text("cwd", all) {
        document.insert("cwd".to_owned(), folder.into());
    }
    all.commands.push(command);
}

/// The gateway says itself what is sent and taken.
fn headers(at: &mut Part<'_>, document: &mut Map<String, Value>, all: &mut Translated) {
    let mut headers = at.pairs("headers", all);
    headers.retain(|name, _| !["accept", "content-type"].contains(&name.to_ascii_lowercase().as_str()));
    let bearer = headers.iter().find_map(|(name, value)| {
        let token = value.as_str()?.strip_prefix("Bearer ")?;
        name.eq_ignore_ascii_case("authorization")
            .then(|| (name.clone(), token.to_owned()))
    });
    if let Some((name, token)) = bearer
        && token.starts_with("${env:")
    {
        headers.remove(&name);
        document.insert("auth".to_owned(), json!({"type": "bearer", "credential": token}));
    }
    if !headers.is_empty() {
        document.insert("headers".to_owned(), headers.into());
    }
}

fn limits(part: &mut Part<'_>, document: &mut Map<String, Value>, all: &mut Translated) {
    let mut pool = part.part("pool", all);
    if let Some(most) = pool.number("max_connections", 1, all) {
        document.insert("limits".to_owned(), json!({"concurrency": most}));
    }
    pool.pass_over(&["min_connections", "idle_timeout"], AS_NEEDED, all);
    pool.rest(all);
}
