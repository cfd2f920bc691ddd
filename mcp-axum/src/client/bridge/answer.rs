//! What the gateway answers, on its way to the client.

use super::{Bridge, INTERNAL_ERROR, MOST, message::Message};
use crate::client::{ClientError, http as transport};
use bytes::Bytes;
use http::{Response, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use mcp_common::problem::innermost_cause;
use mcp_core::framing::sse::Parser;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{sync::Arc, time::Duration};

/// A stream on which nothing comes for so long is broken: comments come more often.
const SILENCE: Duration = Duration::from_secs(60);
/// The headers of a request differ from its body, or are missing (2026-07-28).
const HEADER_MISMATCH: i64 = -32020;
/// What of a page of somebody else is repeated.
const MOST_WORDS: usize = 300;

/// Why the gateway did not do it.
pub(super) struct Refusal {
    /// What the client is answered: a JSON-RPC error object.
    error: Option<Box<RawValue>>,
    code: Option<i64>,
    /// For people.
    pub(super) reason: String,
    status: StatusCode,
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    method: Option<serde::de::IgnoredAny>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct WireError {
    code: i64,
    message: String,
}

impl Bridge {
    /// Sends a request and passes on what comes back, until it is answered.
    pub(super) async fn request(self: &Arc<Self>, message: Message) {
        let mut sent = self.post(&message).await;
        if let Ok(response) = sent {
            if response.status().is_success() {
                return self.pass_on(&message, response).await;
            }
            let refusal = self.refusal(response).await;
            // The tool is another one now than when its schema was seen, or nobody has asked for it yet.
            if refusal.code != Some(HEADER_MISMATCH) || message.method() != "tools/call" {
                return self.refused(&message, refusal).await;
            }
            self.learn(&message).await;
            sent = self.post(&message).await;
        }
        match sent {
            Ok(response) if response.status().is_success() => self.pass_on(&message, response).await,
            Ok(response) => {
                let refusal = self.refusal(response).await;
                self.refused(&message, refusal).await;
            }
            Err(error) => {
                let reason = error.to_string();
                (self.complain)(&reason);
                self.fault(message.id().unwrap_or("null"), INTERNAL_ERROR, &reason)
                    .await;
            }
        }
    }

    pub(super) async fn refused(&self, message: &Message, refusal: Refusal) {
        let id = message.id().unwrap_or("null");
        let Some(error) = &refusal.error else {
            (self.complain)(&refusal.reason);
            return self
                .fault(id, refusal.status.as_u16().into(), &refusal.reason)
                .await;
        };
        if refusal.code == Some(refusal.status.as_u16().into()) {
            // Of the door, not of the protocol: the key, or the instance.
            (self.complain)(&refusal.reason);
        }
        let text = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{error}}}");
        self.write(text.into()).await;
    }

    /// Passes on a success.
    pub(super) async fn pass_on(self: &Arc<Self>, message: &Message, response: Response<Incoming>) {
        let answered = self.carry(message, response).await;
        let reason = match answered {
            Ok(true) => return,
            Ok(false) if message.id().is_none() => return,
            Ok(false) => "the gateway's answer ended before it was complete".to_owned(),
            Err(error) => error.to_string(),
        };
        (self.complain)(&reason);
        self.fault(message.id().unwrap_or("null"), INTERNAL_ERROR, &reason)
            .await;
    }

    /// Whether the request was answered, or needs no answer any more.
    async fn carry(
        self: &Arc<Self>,
        message: &Message,
        response: Response<Incoming>,
    ) -> Result<bool, ClientError> {
        if is_events(&response) {
            let mut is_answered = false;
            let id = message.id();
            let carried = async {
                self.events(response, |text| is_answered |= answers(text, id))
                    .await
            };
            // A subscription is a request that is not answered before its end.
            let is_listening = message.method() == "subscriptions/listen";
            tokio::select! {
                carried = carried => carried?,
                () = self.over.cancelled(), if is_listening => return Ok(true),
            }
            return Ok(is_answered);
        }
        let status = response.status();
        let body = transport::body(&self.path, response.into_body(), MOST).await?;
        if body.is_empty() {
            // Cancelled, or a batch that asks nothing.
            return Ok(status == StatusCode::ACCEPTED);
        }
        // Standard output is for messages, whatever somebody on the way answers in the gateway's place.
        if !matches!(body.trim_ascii_start().first(), Some(b'{' | b'[')) {
            return Err(ClientError::Protocol(
                "what was answered is no message".to_owned(),
            ));
        }
        self.write(body).await;
        Ok(true)
    }

    /// Passes on events until their stream ends.
    pub(super) async fn events(
        &self,
        response: Response<Incoming>,
        mut see: impl FnMut(&Bytes),
    ) -> Result<(), ClientError> {
        let at = || self.path.clone();
        let mut body = response.into_body();
        let mut parser = Parser::new(MOST as u64);
        loop {
            let frame = match tokio::time::timeout(SILENCE, body.frame()).await {
                Ok(None) => return Ok(()),
                Ok(Some(Ok(frame))) => frame,
                Ok(Some(Err(error))) => {
                    let cause = innermost_cause(&error);
                    return Err(ClientError::Transport { at: at(), cause });
                }
                Err(_) => {
                    let seconds = SILENCE.as_secs();
                    return Err(ClientError::Silent { at: at(), seconds });
                }
            };
            let Ok(chunk) = frame.into_data() else { continue };
            let too_large = |_| ClientError::TooLarge {
                at: at(),
                limit: MOST,
            };
            for event in parser.push(&chunk).map_err(too_large)? {
                if event.kind.is_none() && !event.data.is_empty() {
                    see(&event.data);
                    self.write(event.data).await;
                }
            }
        }
    }

    /// Reads why the gateway did not do it.
    pub(super) async fn refusal(&self, response: Response<Incoming>) -> Refusal {
        let status = response.status();
        let body = transport::body(&self.path, response.into_body(), MOST)
            .await
            .unwrap_or_default();
        let wire: Option<Wire<'_>> = serde_json::from_slice(&body).ok();
        let error = wire.and_then(|wire| wire.error);
        let known: Option<WireError> = error.and_then(|error| serde_json::from_str(error.get()).ok());
        let reason = match (&known, error) {
            (Some(known), _) => known.message.clone(),
            // The gateway's own refusals are a text.
            (None, Some(error)) => serde_json::from_str(error.get()).unwrap_or_else(|_| error.to_string()),
            (None, None) => {
                let words = String::from_utf8_lossy(&body);
                let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
                let words = &words[..words.floor_char_boundary(MOST_WORDS)];
                format!(
                    "{} answered {status}, which is no gateway's answer: {words}",
                    self.path
                )
            }
        };
        Refusal {
            code: known.as_ref().map(|known| known.code),
            error: error.filter(|_| known.is_some()).map(ToOwned::to_owned),
            reason,
            status,
        }
    }
}

fn answers(text: &[u8], id: Option<&str>) -> bool {
    let wire: Option<Wire<'_>> = serde_json::from_slice(text).ok();
    wire.is_some_and(|wire| wire.method.is_none() && wire.id.map(RawValue::get) == id)
}

pub(super) fn is_events(response: &Response<Incoming>) -> bool {
    let value = response.headers().get(header::CONTENT_TYPE);
    let text = value.and_then(|value| value.to_str().ok()).unwrap_or_default();
    text.split(';')
        .next()
        .is_some_and(|essence| essence.trim().eq_ignore_ascii_case("text/event-stream"))
}
