//! What the file says of the gateway itself.

use super::{INSTANCE, Translated, part::Part, server::AS_NEEDED};
use serde_json::{Map, Value, json};

/// What is understood, and is done here in another way or not at all.
const WITHOUT_EFFECT: [(&str, &str); 16] = [
    ("cache", "lists are kept until they change; it has no effect"),
    (
        "batching",
        "lists are not asked for by clients' requests; it has no effect",
    ),
    ("hot_reload", "the file is always followed; it has no effect"),
    ("tui", "`dynmcp top` shows a gateway; it has no effect"),
    (
        "monitoring",
        "metrics and probes are always there (docs/OPERATIONS.md); it has no effect",
    ),
    (
        "rate_limit",
        "limits are those of keys (docs/ACCESS.md); it has no effect",
    ),
    (
        "authorization",
        "roles are documents (docs/ACCESS.md); it has no effect",
    ),
    (
        "collaboration",
        "it has no effect; `[[webhooks]]` of a configuration of DynMCP tells others",
    ),
    ("resources", "it has no effect"),
    (
        "backup",
        "it has no effect; docs/OPERATIONS.md says how definitions are saved",
    ),
    (
        "environments",
        "it has no effect; keys can come from the environment",
    ),
    ("notifications", "it has no effect"),
    ("security", "it has no effect"),
    ("circuit_breaker", "it has no effect; it belongs below `routing`"),
    ("metrics", "metrics are always at /metrics; it has no effect"),
    ("tracing", "it has no effect"),
];

/// How replicas share requests.
#[derive(Debug, Default)]
pub(super) struct Balance {
    algorithm: Option<String>,
    virtual_nodes: Option<u64>,
    is_sticky: bool,
    pub(super) breaker: Option<Value>,
    /// How many requests may be under way to one server.
    pub(super) most: Option<u64>,
}

impl Balance {
    pub(super) fn document(&self) -> Value {
        let mut balance = Map::new();
        balance.insert(
            "algorithm".to_owned(),
            self.algorithm.as_deref().unwrap_or("round_robin").into(),
        );
        if let Some(nodes) = self.virtual_nodes {
            balance.insert("virtual_nodes".to_owned(), nodes.into());
        }
        if self.is_sticky {
            balance.insert("sticky".to_owned(), "session".into());
        }
        balance.into()
    }
}

/// Everything but servers and how they share requests.
pub(super) fn translate(root: &mut Part<'_>, all: &mut Translated) {
    root.take("version");
    for name in ["server", "proxy"] {
        let mut part = root.part(name, all);
        listen(&mut part, all);
        // What is left of `proxy` is read with the other ways to say it.
        root.put(name, part);
    }
    let mut observability = root.part("observability", all);
    for mut logging in [root.part("logging", all), observability.part("logging", all)] {
        log(&mut logging, all);
    }
    observability.rest(all);
    auth(root, all);
    let mut limits = root.part("limits", all);
    if let Some(size) = limits.text("max_request_size", all) {
        // `10MB` is what is meant by MiB.
        set(
            all,
            "app",
            "max_body_bytes",
            size.replace("MB", "MiB").replace("KB", "KiB").into(),
        );
    }
    limits.rest(all);
    let mut development = root.part("development", all);
    let mut cors = development.part("cors", all);
    if cors.flag("enabled", all).unwrap_or(false) {
        let origins = cors.texts("allow_origins", all);
        set(all, "app", "cors_origins", json!(origins));
        set(all, "app", "allowed_origins", json!(origins));
    }
    cors.take("allow_origins");
    let why =
        "pages of these origins may use every method and header that the gateway knows; it has no effect";
    cors.pass_over(&["allow_methods", "allow_headers"], why, all);
    cors.rest(all);
    development.rest(all);
    let mut context = root.part("context_optimization", all);
    for part in [&mut context, root] {
        for (name, why) in WITHOUT_EFFECT {
            if part.take(name).is_some() {
                part.note(name, why, all);
            }
        }
    }
    context.rest(all);
    set(all, "app", "default_instance", INSTANCE.into());
    // The file is all that there is: what it does not say is not there after a start.
    set(all, "app", "data_source", "memory".into());
}

fn listen(part: &mut Part<'_>, all: &mut Translated) {
    if let Some(host) = part.text("host", all) {
        set(all, "app", "host", host.into());
    }
    if let Some(port) = part.number("port", 0, all) {
        set(all, "app", "port", port.into());
    }
    if let Some(threads) = part.number("worker_threads", 0, all) {
        set(all, "app", "workers", threads.into());
    }
    if let Some(most) = part.number("max_connections", 1, all) {
        set(all, "app", "max_connections", most.into());
    }
    if let Some(ms) = part.duration_ms("request_timeout", all) {
        set(all, "upstream", "timeout_ms", ms.into());
    }
    if let Some(ms) = part.duration_ms("shutdown_timeout", all) {
        set(all, "app", "drain_seconds", ms.div_ceil(1_000).into());
    }
    if part.take("idle_timeout").is_some() {
        part.note(
            "idle_timeout",
            "connections that are idle are closed after 75 s; it has no effect",
            all,
        );
    }
    tls(part, all);
}

fn tls(part: &mut Part<'_>, all: &mut Translated) {
    let mut tls = part.part("tls", all);
    let is_wanted = tls.flag("enabled", all).unwrap_or(false);
    let mut file = |names: [&str; 2], what: &str| {
        let [usual, other] = names.map(|name| tls.text(name, all));
        let found = usual.or(other);
        if found.is_none() && is_wanted {
            tls.wrong(names[0], &format!("is missing: the file with {what}"), all);
        }
        found.filter(|_| is_wanted)
    };
    let certificate = file(["cert_path", "cert_file"], "the certificate");
    let key = file(["key_path", "key_file"], "the private key of the certificate");
    if let (Some(certificate), Some(key)) = (certificate, key) {
        set(all, "app", "tls", json!({"certificate": certificate, "key": key}));
    }
    tls.rest(all);
}

fn log(part: &mut Part<'_>, all: &mut Translated) {
    if let Some(level) = part.text("level", all) {
        set(all, "log", "log_level", level.into());
    }
    if let Some(format) = part.text("format", all) {
        let format = if format == "json" { "json" } else { "pretty" };
        set(all, "log", "format", format.into());
    }
    for name in [
        "output",
        "file_path",
        "max_size",
        "max_age",
        "max_backups",
        "modules",
    ] {
        if part.take(name).is_some() {
            part.note(
                name,
                "it has no effect; `log` of a configuration of DynMCP has files",
                all,
            );
        }
    }
}

fn auth(root: &mut Part<'_>, all: &mut Translated) {
    let mut auth = root.part("auth", all);
    all.is_open = !auth.flag("enabled", all).unwrap_or(false);
    let why = "keys are the only way in that is read from this file; it has no effect";
    auth.pass_over(&["methods"], why, all);
    let mut api_key = auth.part("api_key", all);
    if api_key.flag("enabled", all) == Some(false) {
        api_key.note(
            "enabled",
            "its keys let callers in all the same, while `auth.enabled` is true",
            all,
        );
    }
    let why = "keys are shown in `Authorization: Bearer` or `X-Api-Key`; it has no effect";
    api_key.pass_over(&["header", "query_param"], why, all);
    let mut keys = Vec::new();
    for (number, value) in api_key.list("keys", all).into_iter().enumerate() {
        let mut one = api_key.item_of("keys", number, value);
        let Some(key) = one.text("key", all) else {
            one.wrong("key", "is missing", all);
            continue;
        };
        let name = one.text("name", all).unwrap_or_else(|| format!("key-{number}"));
        let roles = one.texts("roles", all);
        let is_admin = roles.iter().any(|role| role == "admin");
        keys.push(json!({"name": name, "key": key, "roles": roles, "admin": is_admin}));
        one.rest(all);
    }
    api_key.rest(all);
    auth.rest(all);
    if !keys.is_empty() && !all.is_open {
        let keys = json!({"keys": keys});
        set(all, "authenticator", "api_key", keys);
    }
}

/// `routing`, or `proxy.routing` and `proxy.load_balancer`, or `load_balancing`.
pub(super) fn balance(root: &mut Part<'_>, all: &mut Translated) -> Balance {
    let mut balance = Balance::default();
    let mut proxy = root.part("proxy", all);
    let parts = [
        root.part("load_balancing", all),
        root.part("load_balancer", all),
        root.part("routing", all),
        proxy.part("load_balancer", all),
        proxy.part("routing", all),
    ];
    for mut part in parts {
        let name = if part.has("algorithm") {
            "algorithm"
        } else {
            "strategy"
        };
        if let Some(text) = part.text(name, all) {
            match algorithm(&text) {
                Some(algorithm) => balance.algorithm = Some(algorithm.to_owned()),
                None => part.wrong(
                    name,
                    &format!("`{text}` is no algorithm; there are round_robin, least_connections, consistent_hash, random, weighted_random and p2c"),
                    all,
                ),
            }
        }
        balance.virtual_nodes = part.number("virtual_nodes", 1, all).or(balance.virtual_nodes);
        sticky(&mut part, &mut balance, all);
        breaker(&mut part, &mut balance, all);
        if part.take("weights").is_some() {
            part.note("weights", "weights are those of `servers`; it has no effect", all);
        }
        part.rest(all);
    }
    for mut pool in [
        root.part("connection_pool", all),
        proxy.part("connection_pool", all),
    ] {
        balance.most = pool.number("max_per_backend", 1, all).or(balance.most);
        let names = ["min_idle", "max_connections", "min_connections", "idle_timeout"];
        pool.pass_over(&names, AS_NEEDED, all);
        pool.rest(all);
    }
    proxy.rest(all);
    root.part("server", all).rest(all);
    balance
}

fn sticky(part: &mut Part<'_>, balance: &mut Balance, all: &mut Translated) {
    if !part.has("sticky_sessions") {
        return;
    }
    if !part.is_mapping("sticky_sessions") {
        balance.is_sticky |= part.flag("sticky_sessions", all).unwrap_or(false);
        return;
    }
    let mut sticky = part.part("sticky_sessions", all);
    balance.is_sticky |= sticky.flag("enabled", all).unwrap_or(true);
    let why = "the sessions of MCP are what sticks, an hour after their last request; it has no effect";
    sticky.pass_over(&["ttl", "cookie_name"], why, all);
    sticky.rest(all);
}

fn breaker(part: &mut Part<'_>, balance: &mut Balance, all: &mut Translated) {
    if !part.has("circuit_breaker") {
        return;
    }
    let mut circuit = part.part("circuit_breaker", all);
    let is_off = circuit.flag("enabled", all) == Some(false);
    let mut breaker = Map::new();
    if let Some(failures) = circuit.number("failure_threshold", 1, all) {
        breaker.insert("failures".to_owned(), failures.into());
    }
    if let Some(ms) = circuit.duration_ms("timeout", all) {
        breaker.insert("cool_down_seconds".to_owned(), ms.div_ceil(1_000).max(1).into());
    }
    let why = "failures one after the other open a breaker, and one answer closes it; it has no effect";
    circuit.pass_over(&["success_threshold", "error_rate_threshold"], why, all);
    if is_off {
        let why =
            "breakers cannot be switched off: the usual ones are used, and nothing else of `circuit_breaker`";
        circuit.note("enabled", why, all);
    } else {
        balance.breaker = Some(breaker.into());
    }
    circuit.rest(all);
}

fn algorithm(text: &str) -> Option<&'static str> {
    Some(match text {
        "round_robin" | "weighted_round_robin" => "round_robin",
        "least_connections" => "least_connections",
        "consistent_hash" => "consistent_hash",
        "random" => "random",
        "weighted_random" | "weighted" => "weighted_random",
        "p2c" | "power_of_two" | "latency" => "p2c",
        _ => return None,
    })
}

/// Whoever may write the file may start programs, and name variables.
pub(super) fn allow(all: &mut Translated) {
    for (section, key, mut names) in [
        ("stdio", "allow", std::mem::take(&mut all.commands)),
        ("secrets", "allow_env", std::mem::take(&mut all.variables)),
    ] {
        names.sort();
        names.dedup();
        if !names.is_empty() {
            set(all, section, key, json!(names));
        }
    }
}

fn set(all: &mut Translated, section: &str, key: &str, value: Value) {
    let section = all
        .settings
        .entry(section.to_owned())
        .or_insert_with(|| Value::Object(Map::new()));
    section[key] = value;
}
