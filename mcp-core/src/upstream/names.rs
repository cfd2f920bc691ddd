//! What clients call a tool or a prompt of an upstream: one function for lists and for calls, so that both always agree.

use mcp_common::definition::{name::MAX_NAME, upstream::UpstreamTools};
use sha2::{Digest, Sha256};
use std::{fmt::Write as _, sync::Arc};

/// Letters of the digest that tells names apart which would be the same without it.
const DIGEST: usize = 8;

/// The name under which a tool of this upstream is shown that its server calls `name`.
pub(super) fn shown(tools: &UpstreamTools, name: &str) -> Arc<str> {
    let said = tools.overrides.get(name).and_then(|tool| tool.name.clone());
    said.unwrap_or_else(|| prefixed(tools.prefix.as_deref(), name))
}

/// The name with its prefix, as it fits.
pub(super) fn prefixed(prefix: Option<&str>, name: &str) -> Arc<str> {
    match prefix {
        Some(prefix) => fitting(&format!("{prefix}_{name}")),
        None => fitting(name),
    }
}

/// The name itself where clients and models take it; else what they take of it, with a digest of all of it, so that two names
/// never become one and each is the same every time.
fn fitting(name: &str) -> Arc<str> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    if name.len() <= MAX_NAME && name.chars().all(is_allowed) {
        return name.into();
    }
    let mut out: String = name
        .chars()
        .map(|c| if is_allowed(c) { c } else { '_' })
        .take(MAX_NAME - DIGEST - 1)
        .collect();
    out.push('_');
    for byte in Sha256::digest(name.as_bytes()).iter().take(DIGEST / 2) {
        // Writing to a `String` cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mcp_common::definition::upstream::RemoteTool;

    #[test]
    fn names_that_fit_stay_and_others_are_told_apart() {
        let plain = UpstreamTools::default();
        assert_eq!(&*shown(&plain, "get.all-1_x"), "get.all-1_x");
        let long = |end: &str| "x".repeat(70) + end;
        let names: Vec<_> = [
            long("a"),
            long("b"),
            "a b".to_owned(),
            "a_b".to_owned(),
            "é".to_owned(),
        ]
        .iter()
        .map(|name| shown(&plain, name))
        .collect();
        for (at, name) in names.iter().enumerate() {
            assert!(name.len() <= MAX_NAME, "{name}");
            assert!(!names[at + 1..].contains(name), "{name}");
        }
        assert_eq!(&*names[3], "a_b");
    }

    #[test]
    fn prefix_and_override_are_heeded() {
        let mut tools = UpstreamTools {
            prefix: Some("weather".into()),
            ..UpstreamTools::default()
        };
        assert_eq!(&*shown(&tools, "get"), "weather_get");
        assert_eq!(shown(&tools, &"x".repeat(60)).len(), MAX_NAME);
        let own = RemoteTool {
            name: Some("forecast".into()),
            ..RemoteTool::default()
        };
        tools.overrides.insert("get".into(), own);
        assert_eq!(&*shown(&tools, "get"), "forecast");
    }
}
