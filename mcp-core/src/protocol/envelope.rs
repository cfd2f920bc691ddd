//! The JSON-RPC frame, parsed without copying: `params` stays raw text until a method asks for it.
//! Rules: `docs/PROTOCOL.md`, chapter 4, steps 3 and 4 (JSON-RPC 2.0; batching only in 2025-03-26).

use super::fault::Fault;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// How many messages one batch may hold.
pub const MAX_BATCH: usize = 50;

/// What one POST carries.
#[derive(Debug)]
pub enum Body<'a> {
    /// One message.
    Single(Message<'a>),
    /// A JSON array; its elements are parsed when it is clear that a batch is allowed.
    Batch(Vec<&'a RawValue>),
}

/// One JSON-RPC message.
#[derive(Debug)]
pub enum Message<'a> {
    /// A request, which wants an answer.
    Request(Request<'a>),
    /// A notification, which wants none.
    Notification(Notification<'a>),
    /// A response, which answers a request of ours.
    Response(Response<'a>),
}

/// A JSON-RPC request.
#[derive(Debug)]
pub struct Request<'a> {
    /// The id as it was written, so that it is echoed with the same type.
    pub id: Id<'a>,
    /// The name of the method.
    pub method: Cow<'a, str>,
    /// The parameters, not parsed.
    pub params: Option<&'a RawValue>,
}

/// A JSON-RPC notification.
#[derive(Debug)]
pub struct Notification<'a> {
    /// The name of the method.
    pub method: Cow<'a, str>,
    /// The parameters, not parsed.
    pub params: Option<&'a RawValue>,
}

/// A JSON-RPC response.
#[derive(Debug)]
pub struct Response<'a> {
    /// What it answers, if that can be read.
    pub id: Option<Id<'a>>,
    /// The result, or the error object.
    pub outcome: Result<&'a RawValue, &'a RawValue>,
}

/// A string or an integer, as JSON text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Id<'a>(&'a str);

/// An id that outlives its message.
#[derive(Clone, Debug)]
pub(super) struct OwnedId(Box<str>);

impl OwnedId {
    pub(super) fn get(&self) -> Id<'_> {
        Id(&self.0)
    }
}

impl<'a> Id<'a> {
    /// The same for work that outlives the message.
    pub(super) fn to_owned(self) -> OwnedId {
        OwnedId(self.0.into())
    }

    /// JSON text.
    pub fn as_json(self) -> &'a str {
        self.0
    }

    pub(super) fn read(raw: &'a RawValue) -> Option<Self> {
        let text = raw.get();
        let digits = text.strip_prefix('-').unwrap_or(text);
        let integer = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        (text.starts_with('"') || integer).then_some(Self(text))
    }
}

#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(borrow, default)]
    jsonrpc: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "present")]
    params: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    error: Option<&'a RawValue>,
}

/// Unlike a plain `Option`, keeps `null` apart from absence.
pub(super) fn present<'de: 'a, 'a, D: Deserializer<'de>>(input: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(input).map(Some)
}

/// Takes a request body apart. The fault carries the id whenever it could be read.
pub fn parse(body: &[u8]) -> Result<Body<'_>, Fault> {
    let text = std::str::from_utf8(body).map_err(|error| {
        Fault::parse(format!(
            "the body is not UTF-8 after byte {}",
            error.valid_up_to()
        ))
    })?;
    if text.trim_start().starts_with('[') {
        let messages: Vec<&RawValue> =
            serde_json::from_str(text).map_err(|error| Fault::parse(error.to_string()))?;
        return Ok(Body::Batch(messages));
    }
    message(text).map(Body::Single)
}

/// One message of its own, or an element of a batch.
pub fn message(text: &str) -> Result<Message<'_>, Fault> {
    // A list would be read as the members in their order.
    let is_object = text.trim_start().starts_with('{');
    let no_object = || Fault::invalid_request("not a JSON-RPC message: expected an object");
    let frame: Frame<'_> = serde_json::from_str(text).map_err(|error| match error.classify() {
        serde_json::error::Category::Data if !is_object => no_object(),
        serde_json::error::Category::Data => {
            Fault::invalid_request(format!("not a JSON-RPC message: {error}"))
        }
        _ => Fault::parse(format!("not JSON: {error}")),
    })?;
    if !is_object {
        return Err(no_object());
    }
    let id = frame.id.map(|raw| Id::read(raw).ok_or(raw));
    let echo = |fault: Fault| match id {
        Some(Ok(id)) => fault.with_id(id),
        _ => fault,
    };
    if frame.jsonrpc.as_deref() != Some("2.0") {
        return Err(echo(Fault::invalid_request("`jsonrpc` must be \"2.0\"")));
    }
    let outcome = frame.result.map(Ok).or(frame.error.map(Err));
    match (frame.method, id) {
        (_, Some(Err(_))) => Err(Fault::invalid_request("`id` must be a string or an integer")),
        (Some(_), _) if outcome.is_some() => Err(echo(Fault::invalid_request(
            "a message has either `method` or `result`/`error`",
        ))),
        (Some(method), Some(Ok(id))) => Ok(Message::Request(Request {
            id,
            method,
            params: frame.params,
        })),
        (Some(method), None) => Ok(Message::Notification(Notification {
            method,
            params: frame.params,
        })),
        (None, id) if let Some(outcome) = outcome => Ok(Message::Response(Response {
            id: id.and_then(Result::ok),
            outcome,
        })),
        (None, _) => Err(echo(Fault::invalid_request("`method` is missing"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::growth;

    #[test]
    fn messages_are_read_in_time_that_grows_with_them() {
        let params = |size: usize| {
            format!(
                r#"{{"jsonrpc":"2.0","id":1,"method":"m","params":[{}1]}}"#,
                "1,".repeat(size / 2)
            )
        };
        let members = |size: usize| {
            let members: String = (0..size / 16).map(|n| format!("\"m{n}\":[[]],")).collect();
            format!(r#"{{{members}"jsonrpc":"2.0","method":"m"}}"#)
        };
        let batch = |size: usize| format!("[{}1]", r#"{"jsonrpc":"2.0","method":"m"},"#.repeat(size / 32));
        let id = |size: usize| format!(r#"{{"jsonrpc":"2.0","id":"{}","method":"m"}}"#, "x".repeat(size));
        let shapes: [(&str, &dyn Fn(usize) -> String); 4] = [
            ("params", &params),
            ("members", &members),
            ("a batch", &batch),
            ("an id", &id),
        ];
        for (what, make) in shapes {
            growth::is_linear(what, growth::ARGUMENTS, make, |text| drop(parse(text.as_bytes())));
        }
    }

    fn code(body: &[u8]) -> i32 {
        match parse(body) {
            Err(fault) => fault.code(),
            Ok(_) => 0,
        }
    }

    #[test]
    fn ids_are_kept_as_they_were_written() {
        for id in ["0", "-7", "\"\"", "\"a\\u0062\"", "12345678901234567890123"] {
            let body = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"ping\"}}");
            match parse(body.as_bytes()) {
                Ok(Body::Single(Message::Request(request))) => assert_eq!(request.id.as_json(), id),
                other => panic!("{id}: {other:?}"),
            }
        }
    }

    #[test]
    fn what_is_not_a_message_is_refused_with_the_right_code() {
        assert_eq!(code(b"{"), -32700);
        assert_eq!(code(b"\xff\xfe"), -32700);
        assert_eq!(code(b"[1,"), -32700);
        for id in ["null", "1.5", "1e3", "{}", "true"] {
            assert_eq!(
                code(format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"ping\"}}").as_bytes()),
                -32600,
                "{id}"
            );
        }
        for body in [
            "7",
            "{}",
            "{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"ping\"}",
            "{\"jsonrpc\":\"2.0\",\"id\":1}",
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":7}",
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":2,\"method\":\"ping\"}",
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"result\":{}}",
        ] {
            assert_eq!(code(body.as_bytes()), -32600, "{body}");
        }
    }

    #[test]
    fn an_element_of_a_batch_that_is_no_object_is_called_that() {
        for element in ["7", "\"a\"", "null", "[\"2.0\",1,\"ping\"]"] {
            let fault = message(element).unwrap_err();
            assert_eq!(fault.code(), -32600, "{element}");
            let text = fault.to_json();
            assert!(
                text.contains("expected an object") && !text.contains("Frame"),
                "{text}"
            );
        }
    }

    #[test]
    fn a_deeply_nested_body_costs_no_stack() {
        let body = format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":{}",
            "[".repeat(1_000_000)
        );
        assert_eq!(code(body.as_bytes()), -32700);
    }

    #[test]
    fn a_fault_echoes_a_readable_id() {
        let fault = parse(b"{\"id\":\"a\",\"jsonrpc\":\"1.0\",\"method\":\"x\"}").err();
        assert!(fault.is_some_and(|f| f.to_json().contains("\"id\":\"a\"")));
    }
}
