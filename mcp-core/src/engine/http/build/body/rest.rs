//! The body that arguments make without being told to: JSON, every value as the text it came in.

use crate::{engine::http::build::arguments::Arguments, json::quoted, tool::Call};
use bytes::Bytes;

/// `None` for a call without a body.
pub(super) fn build(call: &Call, arguments: &Arguments<'_>) -> Option<Bytes> {
    if let Some(groups) = &arguments.groups {
        return groups
            .body
            .map(|body| Bytes::copy_from_slice(body.get().as_bytes()));
    }
    if call.rest_in_query {
        return None;
    }
    let mut out = Vec::new();
    for (name, raw) in arguments.root.iter() {
        if call.path.has(name) || call.is_placed(&[name]) {
            continue;
        }
        out.push(if out.is_empty() { b'{' } else { b',' });
        quoted(&mut out, name);
        out.push(b':');
        out.extend_from_slice(raw.get().as_bytes());
    }
    if out.is_empty() {
        return call.has_body.then(|| Bytes::from_static(b"{}"));
    }
    out.push(b'}');
    Some(Bytes::from(out))
}
