//! What limits and their holders are called where several replicas count: the same on all of them.

use mcp_common::{
    authenticator::{CommonLimits, PlacedLimits},
    tally::Most,
};
use sha2::{Digest, Sha256};
use std::{fmt::Write, sync::Arc};

/// Whoever has this key.
pub(super) fn of_key(key: &str) -> Arc<str> {
    format!("key:{key}").into()
}

/// Whoever comes with a token. Names of people are written as hashes: they may be long, and have any signs.
pub(super) fn of_person(name: &str) -> Arc<str> {
    format!("name:{}", hash(name.as_bytes())).into()
}

/// All callers of something.
pub(super) fn of_common(common: &CommonLimits) -> Arc<str> {
    format!("all:{}", hash(common.name.as_bytes())).into()
}

/// A limit that stays as it is keeps its name, and what has been counted; any other one begins anew.
pub(super) fn of_limit(placed: &PlacedLimits, most: Most) -> Box<str> {
    let (kind, parameters) = match most {
        Most::Rate { between, burst } => ("rate", format!("{} {burst}", between.as_nanos())),
        Most::PerDay(most) => ("day", most.to_string()),
        Most::Concurrent(most) => ("now", most.to_string()),
    };
    let tools = placed.tools.as_ref().map_or("", |tools| &*tools.0);
    // In full: another limit of another place must not be counted here.
    let written = format!("{}\0{tools}\0{kind} {parameters}", placed.place);
    format!("{kind}-{}", hash(written.as_bytes())).into()
}

fn hash(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    let mut out = String::with_capacity(32);
    for byte in digest.iter().take(16) {
        // Into a string nothing fails.
        let _ = write!(out, "{byte:02x}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use mcp_common::{
        authenticator::LimitScope,
        definition::{CallLimits, upstream::Pattern},
    };

    #[test]
    fn names_tell_limits_apart_and_stay_what_they_are() {
        let placed = |place: &str, tools: Option<&str>| PlacedLimits {
            scope: LimitScope::Key,
            place: place.into(),
            tools: tools.map(|tools| Pattern(tools.to_owned())),
            limits: CallLimits::default(),
        };
        let all = [
            of_limit(&placed("the key", None), Most::PerDay(5)),
            of_limit(&placed("the key", None), Most::PerDay(6)),
            of_limit(&placed("the key", None), Most::Concurrent(5)),
            of_limit(&placed("the role `a`", None), Most::PerDay(5)),
            of_limit(&placed("the role `a`", Some("x")), Most::PerDay(5)),
            of_limit(&placed("the role `a`", Some("y")), Most::PerDay(5)),
        ];
        let different: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len());
        // Replicas of different versions count together.
        assert_eq!(&*all[0], "day-1863cccb5944c3aab9736b3a928c7da0");
    }
}
