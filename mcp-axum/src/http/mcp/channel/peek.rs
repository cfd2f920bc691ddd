//! What a channel has to know of a message before the protocol reads it.

use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// A look at a message.
#[derive(Debug, Default)]
pub(in super::super) struct Peek {
    /// Of a request, as it is written.
    pub(in super::super) id: Option<String>,
    /// It is not answered, whatever becomes of it.
    pub(in super::super) is_notification: bool,
    /// It says that it belongs to 2026-07-28 or later.
    pub(in super::super) is_modern: bool,
    /// The client has heard what `initialize` was answered with.
    pub(in super::super) is_initialized: bool,
    /// The id of the request that it cancels.
    pub(in super::super) cancels: Option<String>,
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Params<'a> {
    #[serde(borrow, rename = "requestId")]
    request: Option<&'a RawValue>,
    #[serde(borrow, rename = "_meta")]
    meta: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Meta<'a> {
    #[serde(borrow, rename = "io.modelcontextprotocol/protocolVersion")]
    version: Option<&'a RawValue>,
}

impl Peek {
    /// What is no message is the protocol's to refuse.
    pub(in super::super) fn read(body: &[u8]) -> Self {
        let Ok(wire) = serde_json::from_slice::<Wire<'_>>(body) else {
            return Self::default();
        };
        let params: Option<Params<'_>> = wire.params.and_then(|raw| serde_json::from_str(raw.get()).ok());
        let (request, meta) = params.map_or((None, None), |params| (params.request, params.meta));
        let meta: Option<Meta<'_>> = meta.and_then(|raw| serde_json::from_str(raw.get()).ok());
        let method = wire.method.as_deref().unwrap_or_default();
        let cancels = request.filter(|_| method == "notifications/cancelled");
        Self {
            is_notification: wire.id.is_none() && !method.is_empty(),
            id: wire
                .id
                .filter(|_| !method.is_empty())
                .map(|id| id.get().to_owned()),
            is_modern: meta.is_some_and(|meta| meta.version.is_some()),
            is_initialized: method == "notifications/initialized",
            cancels: cancels.map(|id| id.get().to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_channel_has_to_know_is_seen() {
        let modern = Peek::read(
            br#"{"id":"a","method":"x","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#,
        );
        assert_eq!((modern.id.as_deref(), modern.is_modern), (Some("\"a\""), true));
        let cancelled = Peek::read(br#"{"method":"notifications/cancelled","params":{"requestId":7}}"#);
        assert_eq!((cancelled.id, cancelled.cancels.as_deref()), (None, Some("7")));
        let initialized = Peek::read(br#"{"method":"notifications/initialized"}"#);
        assert!(initialized.is_initialized && initialized.is_notification && !modern.is_notification);
        // The answer to a request of the gateway is no request.
        assert_eq!(Peek::read(br#"{"id":1,"result":{"method":"x"}}"#).id, None);
        for nothing in [
            "",
            "[]",
            "{\"id\":1}",
            "{\"method\":5}",
            "{\"id\":1,\"method\":\"x\",\"params\":[1]}",
        ] {
            let peek = Peek::read(nothing.as_bytes());
            assert!(!peek.is_modern && peek.cancels.is_none(), "{nothing}");
        }
    }
}
