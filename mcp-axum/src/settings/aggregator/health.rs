//! `health_check`, of one server or of all of them.

use super::{Translated, part::Part};
use serde_json::{Map, Value};

/// What a mapping says in its `health_check`, as `health` of a document has it; `None` where it has none.
pub(super) fn read(part: &mut Part<'_>, all: &mut Translated) -> Option<Map<String, Value>> {
    if !part.has("health_check") {
        return None;
    }
    let mut check = part.part("health_check", all);
    let mut health = Map::new();
    if let Some(enabled) = check.flag("enabled", all) {
        health.insert("enabled".to_owned(), enabled.into());
    }
    let seconds = |ms: u64| ms.div_ceil(1_000).max(1);
    let interval = check.number("interval_seconds", 1, all);
    let interval = interval.or(check.duration_ms("interval", all).map(seconds));
    let timeout = check.number("timeout_seconds", 1, all);
    let timeout = timeout.or(check.duration_ms("timeout", all).map(seconds));
    let unhealthy = check
        .number("unhealthy_threshold", 1, all)
        .or(check.number("retries", 1, all));
    let members = [
        ("interval_seconds", interval),
        ("timeout_seconds", timeout),
        ("healthy_threshold", check.number("healthy_threshold", 1, all)),
        ("unhealthy_threshold", unhealthy),
    ];
    for (name, value) in members {
        if let Some(value) = value {
            health.insert(name.to_owned(), value.into());
        }
    }
    if let Some(path) = check.text("path", all) {
        health.insert("path".to_owned(), path.into());
    }
    check.rest(all);
    Some(health)
}

/// The `health` of a server: what it says itself, and of the rest what is said of all; switched on where neither says anything of that. `None` where nothing
/// is said, or that it is off.
pub(super) fn of_server(
    own: Option<Map<String, Value>>,
    usual: Option<&Map<String, Value>>,
) -> Option<Map<String, Value>> {
    if own.is_none() && usual.is_none() {
        return None;
    }
    let mut health = Map::from_iter([("enabled".to_owned(), Value::Bool(true))]);
    health.extend(usual.cloned().into_iter().flatten());
    health.extend(own.into_iter().flatten());
    (health["enabled"] == true).then_some(health)
}
