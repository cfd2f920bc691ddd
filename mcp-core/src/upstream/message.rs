//! Messages of JSON-RPC as they are written to upstreams and read from them. Of what is read, results stay the text that
//! they are: they go on to clients without having been parsed.

use super::{
    asked::Inquiry,
    error::{RpcError, excerpt},
};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{json, value::RawValue};
use std::borrow::Cow;

/// A message that came.
#[derive(Debug)]
pub(super) enum Incoming {
    /// An answer to one of our requests; `None` for an id that is none of ours.
    Answer {
        id: Option<u64>,
        outcome: Result<Bytes, RpcError>,
    },
    /// The server asks something.
    Request(Inquiry),
    /// The server tells something.
    Notification {
        method: String,
        params: Option<Box<RawValue>>,
    },
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<WireError<'a>>,
}

#[derive(Deserialize)]
struct WireError<'a> {
    code: i64,
    #[serde(borrow, default)]
    message: Cow<'a, str>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

/// Longer ones are read where nobody else waits for the thread.
const LONG: usize = 256 << 10;

/// The same as [`read`], of messages that may be long.
pub(super) async fn read_aside(text: &Bytes) -> Result<Incoming, String> {
    if text.len() <= LONG {
        return read(text);
    }
    let text = text.clone();
    let read = tokio::task::spawn_blocking(move || read(&text));
    read.await.unwrap_or_else(|error| Err(error.to_string()))
}

/// Reads one message, or says why it is none.
pub(super) fn read(text: &Bytes) -> Result<Incoming, String> {
    let wire: Wire<'_> = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    if let Some(method) = wire.method {
        let method = method.into_owned();
        return Ok(match wire.id {
            Some(id) => Incoming::Request(Inquiry {
                id: id.to_owned(),
                method,
                params: wire.params.map(ToOwned::to_owned),
            }),
            None => Incoming::Notification {
                method,
                params: wire.params.map(ToOwned::to_owned),
            },
        });
    }
    let outcome = match (wire.result, wire.error) {
        (Some(result), None) => Ok(text.slice_ref(result.get().as_bytes())),
        (_, Some(error)) => Err(RpcError {
            code: error.code,
            message: excerpt(&error.message),
            data: error.data.map(ToOwned::to_owned),
        }),
        (None, None) => return Err("it has no method, no result and no error".to_owned()),
    };
    let id = wire.id.and_then(|id| id.get().parse().ok());
    Ok(Incoming::Answer { id, outcome })
}

/// A notification.
pub(super) fn notification(method: &str, params: &str) -> String {
    format!("{{\"jsonrpc\":\"2.0\",\"method\":\"{method}\",\"params\":{{{params}}}}}")
}

/// What a server's own requests are answered with where no client can be asked.
pub(super) fn reply(id: &RawValue, method: &str) -> String {
    let id = id.get();
    if method == "ping" {
        return format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{}}}}");
    }
    let error =
        json!({"code": -32601, "message": format!("no client can be asked for {} now", excerpt(method))});
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{error}}}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(json: &'static str) -> Bytes {
        Bytes::from_static(json.as_bytes())
    }

    #[test]
    fn results_stay_the_text_that_they_are() {
        let json = r#"{ "result" : {"b": 12345678901234567890123, "a":1.10 , "é":"\u00e9"} , "id":7,"jsonrpc":"2.0"}"#;
        let Ok(Incoming::Answer {
            id: Some(7),
            outcome: Ok(result),
        }) = read(&text(json))
        else {
            panic!("no answer");
        };
        assert_eq!(
            result,
            r#"{"b": 12345678901234567890123, "a":1.10 , "é":"\u00e9"}"#
        );
    }

    #[test]
    fn what_comes_is_told_apart() {
        let is = |json| format!("{:?}", read(&text(json)));
        for (json, expected) in [
            (r#"{"jsonrpc":"2.0","method":"notifications/x"}"#, "Notification"),
            (r#"{"jsonrpc":"2.0","id":0,"method":"ping"}"#, "Request"),
            (r#"{"id":"a","result":{}}"#, "id: None"),
            (r#"{"id":1.5,"result":{}}"#, "id: None"),
            (
                r#"{"id":3,"error":{"code":-1,"message":"m","data":[1]}}"#,
                "code: -1",
            ),
            (r#"{"id":3}"#, "it has no method"),
            ("[]", "Err"),
            ("banner", "Err"),
            ("\"text\"", "Err"),
        ] {
            assert!(is(json).contains(expected), "{json}: {}", is(json));
        }
    }

    #[test]
    fn a_server_that_asks_is_answered_with_its_own_id() {
        let id = RawValue::from_string("\"x-1\"".to_owned()).unwrap();
        assert_eq!(reply(&id, "ping"), r#"{"jsonrpc":"2.0","id":"x-1","result":{}}"#);
        assert!(reply(&id, "roots/list").contains("-32601"));
    }
}
