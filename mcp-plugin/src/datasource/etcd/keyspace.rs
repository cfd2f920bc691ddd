//! Which etcd key holds what.

use mcp_common::key::{Key, Kind};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use std::sync::Arc;

/// What may not stand in one segment of a history key.
const SEGMENT: &AsciiSet = &CONTROLS.add(b'/').add(b'%').add(b' ');

/// The two prefixes.
#[derive(Clone, Debug)]
pub(super) struct Keyspace {
    prefix: Arc<str>,
    history: Arc<str>,
}

impl Keyspace {
    /// The keyspace of two prefixes. Both get a `/` at their end; `None` if one lies in the other, since history would then be read as definitions.
    pub(super) fn new(prefix: &str, history: &str) -> Option<Self> {
        let closed = |prefix: &str| format!("{}/", prefix.trim_end_matches('/'));
        let (prefix, history) = (closed(prefix), closed(history));
        let apart = !prefix.starts_with(&history) && !history.starts_with(&prefix);
        apart.then(|| Self {
            prefix: prefix.into(),
            history: history.into(),
        })
    }

    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(super) fn history_prefix(&self) -> &str {
        &self.history
    }

    /// Where entries stand that end by themselves: beside the definitions, whose prefix knows nothing else.
    pub(super) fn leases_prefix(&self) -> String {
        format!("{}-leases/", self.prefix.trim_end_matches('/'))
    }

    /// Where the definition is stored.
    pub(super) fn definition(&self, key: &Key) -> String {
        format!("{}{}/{}", self.prefix, key.kind.path_segment(), key.id)
    }

    /// Where its history stands. The id is one segment here, so that `a` does not find the history of `a/b`.
    pub(super) fn past(&self, key: &Key) -> String {
        let id = utf8_percent_encode(&key.id, SEGMENT);
        format!("{}{}/{id}/", self.history, key.kind.path_segment())
    }

    /// What an etcd key names, or why it names nothing.
    pub(super) fn name(&self, key: &[u8]) -> Result<Key, Misplaced> {
        let place = place(key);
        let misplaced = |reason: String| Misplaced {
            place: place.clone(),
            reason,
        };
        let rest = key.strip_prefix(self.prefix.as_bytes()).unwrap_or(key);
        let (kind, id) = named(rest).ok_or_else(|| {
            let place = |kind: Kind| {
                let row = kind.row();
                format!("{} under `{}{}/<id>`", row.plural, self.prefix, row.segment)
            };
            misplaced(format!(
                "the key names no kind; definitions belong: {}",
                Kind::listed(place, "and")
            ))
        })?;
        match std::str::from_utf8(id) {
            Ok("") => Err(misplaced("the key has no id after its last `/`".to_owned())),
            Ok(id) => Ok(Key { kind, id: id.into() }),
            Err(_) => Err(misplaced(
                "the id is not UTF-8; store it under another key".to_owned(),
            )),
        }
    }
}

/// `tds/<id>`, taken apart.
fn named(rest: &[u8]) -> Option<(Kind, &[u8])> {
    let end = rest.iter().position(|byte| *byte == b'/')?;
    let kind = Kind::of_segment(std::str::from_utf8(&rest[..end]).ok()?)?;
    Some((kind, &rest[end + 1..]))
}

/// A key that names no definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Misplaced {
    pub(super) place: String,
    pub(super) reason: String,
}

/// The key for people; different keys read differently.
fn place(key: &[u8]) -> String {
    let key = std::str::from_utf8(key).map_or_else(
        |_| key.escape_ascii().to_string(),
        |key| key.escape_debug().to_string(),
    );
    format!("etcd key `{key}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Keyspace {
        Keyspace::new("/dynmcp/", "/dynmcp-history").unwrap()
    }

    #[test]
    fn a_key_comes_back() {
        for key in [
            Key::tool("a"),
            Key::instance("a/b"),
            Key::tool("é %2F"),
            Key::tool("tds/x"),
        ] {
            assert_eq!(keys().name(keys().definition(&key).as_bytes()), Ok(key));
        }
    }

    #[test]
    fn histories_do_not_mix() {
        let (short, long) = (keys().past(&Key::tool("a")), keys().past(&Key::tool("a/b")));
        assert_eq!(
            (&*short, &*long),
            ("/dynmcp-history/tds/a/", "/dynmcp-history/tds/a%2Fb/")
        );
        assert_ne!(keys().past(&Key::tool("a%2Fb")), long);
    }

    #[test]
    fn what_names_nothing_says_why() {
        let reason = |key: &[u8]| {
            keys()
                .name(key)
                .map_err(|misplaced| misplaced.reason)
                .unwrap_err()
        };
        assert!(reason(b"/dynmcp/zds/x").contains("`/dynmcp/tds/<id>`"));
        assert!(
            reason(b"/dynmcp/TDS/x").contains("names no kind"),
            "two spellings would be one id"
        );
        assert!(reason(b"/dynmcp/tds").contains("names no kind"));
        assert!(reason(b"/dynmcp/tds/").contains("no id"));
        let broken = keys().name(b"/dynmcp/tds/\xff").unwrap_err();
        assert_eq!(broken.place, r"etcd key `/dynmcp/tds/\xff`");
        assert!(broken.reason.contains("not UTF-8"));
    }

    #[test]
    fn history_and_definitions_lie_apart() {
        assert!(Keyspace::new("/a/", "/a/history/").is_none());
        assert!(Keyspace::new("/a", "/a/").is_none());
        assert!(Keyspace::new("/a/b", "/a").is_none());
        assert!(Keyspace::new("/a", "/ab").is_some());
    }
}
