//! What an HTTP answer means: a message, a stream with one in it, or a refusal.

use super::{EVENTS, HttpLink, LAST_EVENT};
use crate::{
    connect,
    framing::{
        self,
        sse::{Event, Parser},
    },
    relay::Line,
    upstream::{
        authorization::wants_token,
        error::{UpstreamError, excerpt},
        message::{self, Incoming as Message},
        outgoing::{Outgoing, Speech},
    },
};
use bytes::{Bytes, BytesMut};
use http::{Method, Response, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::{sync::Arc, time::Duration};
use tokio_util::context::TokioContext;

/// How often the rest of an answer is asked for whose stream ended.
const RESUMPTIONS: u32 = 20;
/// How long is waited before that where the server does not say.
const WAIT: Duration = Duration::from_millis(500);
/// The longest that a server may make the gateway wait.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// A server that wants none would be asked without a pause.
const SHORTEST_WAIT: Duration = Duration::from_millis(100);
/// How much of a refusal is read.
const MOST_WORDS: u64 = 64 << 10;

/// How a stream of events goes on.
#[derive(Debug, Default)]
pub(super) struct Position {
    last_event: Option<String>,
    retry: Option<u64>,
}

impl Position {
    fn note(&mut self, event: &Event) {
        if let Some(id) = &event.id {
            self.last_event = Some(id.clone()).filter(|id| !id.is_empty());
        }
        self.retry = event.retry.or(self.retry);
    }

    pub(super) fn wait(&self) -> Duration {
        let wanted = self.retry.map_or(WAIT, Duration::from_millis);
        wanted.clamp(SHORTEST_WAIT, LONGEST_WAIT)
    }
}

impl HttpLink {
    /// The result of the request with this id.
    pub(super) async fn answer(
        self: &Arc<Self>,
        id: u64,
        response: Response<Incoming>,
        speech: Speech,
        line: Option<&Line>,
    ) -> Result<Bytes, UpstreamError> {
        if !response.status().is_success() {
            return Err(Box::pin(self.refused(response, Some(id))).await);
        }
        match content_type(&response) {
            "application/json" => {
                let body = self.body(response.into_body(), self.most).await?;
                self.result(&body, id).await
            }
            "text/event-stream" => Box::pin(self.streamed(id, response, speech, line)).await,
            "" if response.status() == StatusCode::ACCEPTED => {
                let text = "the server took the request and gave no answer".to_owned();
                Err(UpstreamError::NotMcp(text))
            }
            other => {
                let what = if other.is_empty() {
                    "no content type"
                } else {
                    other
                };
                let text = format!("{} is no MCP server: it answered with {what}", self.uri);
                Err(UpstreamError::NotMcp(text))
            }
        }
    }

    /// Beside the worker where it is long, and not on threads that each worker would have for it.
    async fn read(&self, text: &Bytes) -> Result<Message, String> {
        TokioContext::new(message::read_aside(text), self.home.clone()).await
    }

    async fn result(&self, body: &Bytes, id: u64) -> Result<Bytes, UpstreamError> {
        match self.read(body).await {
            Ok(Message::Answer {
                id: Some(answered),
                outcome,
            }) if answered == id => outcome.map_err(UpstreamError::Rpc),
            // Servers that could not read a request answer without its id.
            Ok(Message::Answer {
                id: None,
                outcome: Err(error),
            }) => Err(UpstreamError::Rpc(error)),
            Ok(_) => Err(UpstreamError::NotMcp(
                "the server's answer is to another request".to_owned(),
            )),
            Err(reason) => Err(UpstreamError::NotMcp(format!(
                "the server's answer is no message of JSON-RPC: {reason}"
            ))),
        }
    }

    /// Reads events until the answer comes, also from where a stream ended.
    async fn streamed(
        self: &Arc<Self>,
        id: u64,
        response: Response<Incoming>,
        speech: Speech,
        line: Option<&Line>,
    ) -> Result<Bytes, UpstreamError> {
        let mut position = Position::default();
        let mut response = response;
        let mut resumptions = 0;
        loop {
            let ended = match self
                .events(response, speech, &mut position, Some((id, line)))
                .await
            {
                Ok(Some(result)) => return Ok(result),
                Ok(None) => {
                    UpstreamError::Ended("the server's stream ended before the answer came".to_owned())
                }
                Err(error @ UpstreamError::Connection(_)) => error,
                Err(error) => return Err(error),
            };
            resumptions += 1;
            if speech == Speech::Modern || position.last_event.is_none() || resumptions > RESUMPTIONS {
                return Err(ended);
            }
            tokio::time::sleep(position.wait()).await;
            response = self.resume(&position, speech).await?;
            if !response.status().is_success() {
                // The request was taken before: what became of it nobody knows, and it is not made again as if nothing had.
                return Err(match self.refused(response, Some(id)).await {
                    UpstreamError::SessionGone => ended,
                    error => error,
                });
            }
        }
    }

    async fn resume(&self, position: &Position, speech: Speech) -> Result<Response<Incoming>, UpstreamError> {
        let mut headers = self.headers(&Outgoing::nothing(speech))?;
        headers.insert(header::ACCEPT, EVENTS);
        if let Some(id) = &position.last_event {
            let value = id.parse().map_err(|_| {
                UpstreamError::NotMcp("the server's event has an id that is no header".to_owned())
            })?;
            headers.insert(LAST_EVENT, value);
        }
        self.send(&self.uri, Method::GET, headers, Bytes::new()).await
    }

    /// Opens the stream on which the server tells what belongs to no request.
    pub(super) async fn open_stream(
        &self,
        position: &Position,
        speech: Speech,
    ) -> Result<Response<Incoming>, UpstreamError> {
        self.resume(position, speech).await
    }

    /// Takes what comes until the stream ends, or the answer to `id` came.
    pub(super) async fn events(
        self: &Arc<Self>,
        response: Response<Incoming>,
        speech: Speech,
        position: &mut Position,
        asked: Option<(u64, Option<&Line>)>,
    ) -> Result<Option<Bytes>, UpstreamError> {
        let id = asked.map(|(id, _)| id);
        let mut body = response.into_body();
        let mut parser = Parser::new(self.most);
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| connect::receiving(&self.uri, &error))?;
            let Ok(chunk) = frame.into_data() else { continue };
            let events = parser
                .push(&chunk)
                .map_err(|_| UpstreamError::TooLarge { limit: self.most })?;
            for event in events {
                position.note(&event);
                if event.data.is_empty() {
                    continue;
                }
                match self.read(&event.data).await {
                    Ok(Message::Answer {
                        id: answered,
                        outcome,
                    }) if id.is_some() && answered == id => {
                        return outcome.map(Some).map_err(UpstreamError::Rpc);
                    }
                    Ok(Message::Answer { .. }) => self.news.stray(),
                    Ok(Message::Request(request)) => {
                        self.reply(request, asked.and_then(|(_, line)| line), speech);
                    }
                    Ok(Message::Notification { method, params }) => {
                        // On the stream of a request everything belongs to that.
                        let own = asked.and_then(|(id, line)| Some((id, line?)));
                        let line_of = |named: Option<u64>| {
                            let own = own.filter(|(id, _)| named.is_none_or(|named| named == *id));
                            own.map(|(_, line)| line.clone())
                        };
                        if let Some(logged) = self.news.told(&method, params, line_of) {
                            logged.pass_on().await;
                        }
                    }
                    Err(_) => self.news.stray(),
                }
            }
        }
        Ok(None)
    }

    /// Whether a notification or the like was taken.
    pub(super) async fn refusal(
        &self,
        response: Response<Incoming>,
        id: Option<u64>,
    ) -> Result<(), UpstreamError> {
        match response.status().is_success() {
            true => Ok(()),
            false => Err(self.refused(response, id).await),
        }
    }

    /// Why the server did not do it.
    pub(in crate::upstream) async fn refused(
        &self,
        response: Response<Incoming>,
        id: Option<u64>,
    ) -> UpstreamError {
        let status = response.status();
        if status.is_redirection() {
            let to = response.headers().get(header::LOCATION);
            let to = to
                .and_then(|to| to.to_str().ok())
                .map(excerpt)
                .unwrap_or_default();
            let text = format!(
                "{} leads elsewhere ({status}) and is not followed: {to}; if that is the server, write it into `url`",
                self.uri
            );
            return UpstreamError::Refused(text);
        }
        let hint = match self.authorization.is_none() && wants_token(&response) {
            true => {
                "; it wants a token of OAuth: `auth.type: oauth2_client_credentials`, `oauth2_authorization_code` or `oauth2_user`"
            }
            false => "",
        };
        let is_json = content_type(&response) == "application/json";
        let is_text = is_json || content_type(&response) == "text/plain";
        let body = self
            .body(response.into_body(), MOST_WORDS)
            .await
            .unwrap_or_default();
        let error = match is_json.then(|| message::read(&body)) {
            Some(Ok(Message::Answer {
                id: answered,
                outcome: Err(error),
            })) => Some((answered, error)),
            _ => None,
        };
        let is_ours = |answered: &Option<u64>| id.is_some() && *answered == id;
        // The server has not looked at what was asked, since it does not know who asks.
        let is_lost = match status {
            StatusCode::NOT_FOUND => error
                .as_ref()
                .is_none_or(|(_, error)| error.code != METHOD_NOT_FOUND),
            StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::GONE => {
                error.as_ref().is_none_or(|(answered, _)| !is_ours(answered))
            }
            _ => false,
        };
        if is_lost && self.session.get().is_some() {
            return UpstreamError::SessionGone;
        }
        if let Some((_, error)) = error {
            return UpstreamError::Rpc(error);
        }
        let words = match std::str::from_utf8(&body) {
            Ok(text) if is_text && !text.trim().is_empty() => format!(": {}", excerpt(text)),
            _ => String::new(),
        };
        UpstreamError::Status {
            status: status.as_u16(),
            words: words + hint,
        }
    }

    async fn body(&self, mut body: Incoming, most: u64) -> Result<Bytes, UpstreamError> {
        let mut first = Bytes::new();
        let mut joined = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| connect::receiving(&self.uri, &error))?;
            let Ok(chunk) = frame.into_data() else { continue };
            if (first.len() + joined.len() + chunk.len()) as u64 > most {
                return Err(UpstreamError::TooLarge { limit: most });
            }
            // Most answers are one chunk; it is used where it lies.
            if first.is_empty() && joined.is_empty() {
                first = chunk;
                continue;
            }
            joined.extend_from_slice(&std::mem::take(&mut first));
            joined.extend_from_slice(&chunk);
        }
        Ok(if joined.is_empty() { first } else { joined.freeze() })
    }
}

/// JSON-RPC's code for a method that there is not.
const METHOD_NOT_FOUND: i64 = -32601;

/// Without parameters, in the letter case of the constants here where it is one of them.
pub(super) fn content_type(response: &Response<Incoming>) -> &str {
    let essence = framing::content_type(response.headers()).map_or("", framing::essence);
    let known = ["application/json", "text/event-stream", "text/plain"];
    let same = |known: &&&str| essence.eq_ignore_ascii_case(known);
    known.iter().find(same).copied().unwrap_or(essence)
}
