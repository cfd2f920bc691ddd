//! What is looked at of a client's message: as much as the way to the gateway depends on.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// A message, as it came.
pub(super) struct Message {
    pub(super) text: Bytes,
    pub(super) kind: Kind,
    /// The revision that it names itself, as only 2026-07-28 and later do.
    pub(super) revision: Option<String>,
    /// What is called, read or fetched.
    pub(super) name: Option<String>,
    /// The arguments of a call.
    pub(super) arguments: Option<Box<RawValue>>,
}

pub(super) enum Kind {
    Request {
        /// The id as it is written.
        id: String,
        method: String,
    },
    Notification {
        method: String,
        /// The id of the request that it cancels.
        cancels: Option<String>,
    },
    /// The answer to a request of the gateway.
    Response,
    /// Several of them (2025-03-26).
    Batch,
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

#[derive(Default, Deserialize)]
#[serde(default)]
struct Params<'a> {
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    uri: Option<&'a RawValue>,
    #[serde(borrow, rename = "taskId")]
    task: Option<&'a RawValue>,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
    #[serde(borrow, rename = "requestId")]
    request: Option<&'a RawValue>,
    #[serde(borrow, rename = "_meta")]
    meta: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Meta<'a> {
    #[serde(borrow, rename = "io.modelcontextprotocol/protocolVersion")]
    revision: Option<&'a RawValue>,
}

impl Message {
    pub(super) fn read(text: Bytes) -> Result<Self, String> {
        let begins = text.iter().find(|byte| !byte.is_ascii_whitespace());
        if begins == Some(&b'[') {
            serde_json::from_slice::<Vec<&RawValue>>(&text).map_err(|error| not_json(&error))?;
            return Ok(Self {
                text,
                kind: Kind::Batch,
                revision: None,
                name: None,
                arguments: None,
            });
        }
        let wire: Wire<'_> = serde_json::from_slice(&text).map_err(|error| not_json(&error))?;
        // Whoever answers says what is wrong with them.
        let params: Params<'_> = wire
            .params
            .and_then(|raw| serde_json::from_str(raw.get()).ok())
            .unwrap_or_default();
        let meta: Option<Meta<'_>> = params.meta.and_then(|raw| serde_json::from_str(raw.get()).ok());
        let revision = meta.and_then(|meta| meta.revision).and_then(string);
        let method = wire.method.map(Cow::into_owned);
        let name = match method.as_deref() {
            Some("tools/call" | "prompts/get") => params.name,
            Some("resources/read") => params.uri,
            Some(method) if method.starts_with("tasks/") => params.task,
            _ => None,
        };
        let name = name.and_then(string);
        let arguments = params.arguments.map(ToOwned::to_owned);
        let kind = match (method, wire.id) {
            (Some(method), Some(id)) => Kind::Request {
                id: id.get().to_owned(),
                method,
            },
            (Some(method), None) => Kind::Notification {
                cancels: params
                    .request
                    .filter(|_| method == "notifications/cancelled")
                    .map(|id| id.get().to_owned()),
                method,
            },
            (None, _) => Kind::Response,
        };
        Ok(Self {
            kind,
            revision,
            name,
            arguments,
            text,
        })
    }

    /// Whether it belongs to a revision without sessions.
    pub(super) fn is_modern(&self) -> bool {
        self.revision.is_some()
    }

    /// The id of what has to be answered.
    pub(super) fn id(&self) -> Option<&str> {
        match &self.kind {
            Kind::Request { id, .. } => Some(id),
            _ => None,
        }
    }

    pub(super) fn method(&self) -> &str {
        match &self.kind {
            Kind::Request { method, .. } | Kind::Notification { method, .. } => method,
            Kind::Response | Kind::Batch => "",
        }
    }
}

fn not_json(error: &serde_json::Error) -> String {
    format!("the line is no message of JSON-RPC: {error}")
}

fn string(raw: &RawValue) -> Option<String> {
    serde_json::from_str(raw.get()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &'static str) -> Message {
        Message::read(Bytes::from_static(text.as_bytes())).unwrap()
    }

    #[test]
    fn messages_are_told_apart() {
        let call = read(
            r#"{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"x","arguments":{"n":1.0},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#,
        );
        assert_eq!(
            (call.id(), call.method(), call.name.as_deref()),
            (Some("\"a\""), "tools/call", Some("x"))
        );
        assert_eq!(call.revision.as_deref(), Some("2026-07-28"));
        assert_eq!(call.arguments.unwrap().get(), r#"{"n":1.0}"#);
        let read_resource = read(r#"{"id":1,"method":"resources/read","params":{"uri":"a:b","name":"no"}}"#);
        assert_eq!(
            (read_resource.name.as_deref(), read_resource.is_modern()),
            (Some("a:b"), false)
        );
        let cancelled = read(r#"{"method":"notifications/cancelled","params":{"requestId":7}}"#);
        let Kind::Notification {
            cancels: Some(cancels),
            ..
        } = cancelled.kind
        else {
            panic!("cancels nothing");
        };
        assert_eq!(cancels, "7");
        assert!(matches!(read(r#"{"id":1,"result":{}}"#).kind, Kind::Response));
        assert!(matches!(read(" [{\"id\":1}]").kind, Kind::Batch));
        // What is wrong inside is the gateway's to say.
        assert_eq!(read(r#"{"id":1,"method":"x","params":[1]}"#).method(), "x");
        for wrong in ["", "banner", "\"text\"", "{", "[1,", "5"] {
            let refused = Message::read(Bytes::from_static(wrong.as_bytes())).err();
            assert!(
                refused.is_some_and(|reason| reason.starts_with("the line is no message")),
                "{wrong}"
            );
        }
    }
}
