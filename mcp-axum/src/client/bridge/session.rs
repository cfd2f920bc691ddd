//! What older revisions agree on once: the revision, and the session if there is one.

use super::{Bridge, EITHER, INTERNAL_ERROR, JSON, SESSION, VERSION, answer::is_events, message::Message};
use crate::client::{ClientError, http as transport};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, header};
use hyper::body::Incoming;
use mcp_core::framing::sse::Parser;
use serde::Deserialize;
use serde_json::Value;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The most bytes of what an instance says of itself.
const MOST: usize = 1 << 20;

/// The agreement, and the words that led to it.
#[derive(Default)]
pub(super) struct Session {
    agreed: Mutex<Agreed>,
    /// Held while a session is begun anew.
    renewing: tokio::sync::Mutex<()>,
}

/// What was agreed on.
#[derive(Clone, Default)]
pub(super) struct Agreed {
    version: Option<HeaderValue>,
    session: Option<HeaderValue>,
    /// The client's `initialize`.
    opening: Option<Bytes>,
    /// The notifications that tell of a list whose changes the gateway tells of.
    pub(super) changes: Vec<&'static str>,
}

#[derive(Deserialize)]
struct Answer {
    result: Option<Opened>,
}

#[derive(Deserialize)]
struct Opened {
    #[serde(rename = "protocolVersion")]
    version: String,
    #[serde(default)]
    capabilities: Value,
}

impl Session {
    pub(super) fn agreed(&self) -> Agreed {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Agreed> {
        self.agreed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Agreed {
    pub(super) fn has_session(&self) -> bool {
        self.session.is_some()
    }

    /// What every message shows.
    pub(super) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.extend(self.version.clone().map(|version| (VERSION, version)));
        headers.extend(self.session.clone().map(|session| (SESSION, session)));
        headers
    }

    fn read(session: Option<HeaderValue>, opening: Bytes, answer: &[u8]) -> Option<Self> {
        let opened = serde_json::from_slice::<Answer>(answer).ok()?.result?;
        let lists = [
            ("tools", "notifications/tools/list_changed"),
            ("prompts", "notifications/prompts/list_changed"),
            ("resources", "notifications/resources/list_changed"),
        ];
        let told = |list: &&(&str, _)| opened.capabilities[list.0]["listChanged"] == true;
        let mut session = session;
        session.iter_mut().for_each(|session| session.set_sensitive(true));
        Some(Self {
            version: HeaderValue::try_from(opened.version).ok(),
            session,
            opening: Some(opening),
            changes: lists.iter().filter(told).map(|list| list.1).collect(),
        })
    }
}

impl Bridge {
    /// Passes `initialize` on, and remembers what came of it.
    pub(super) async fn initialize(self: &Arc<Self>, message: Message) {
        *self.session.lock() = Agreed::default();
        let id = message.id().unwrap_or("null");
        let response = match self.post(&message).await {
            Ok(response) if response.status().is_success() => response,
            Ok(response) => {
                let refusal = self.refusal(response).await;
                return self.refused(&message, refusal).await;
            }
            Err(error) => {
                let reason = error.to_string();
                (self.complain)(&reason);
                return self.fault(id, INTERNAL_ERROR, &reason).await;
            }
        };
        let session = response.headers().get(SESSION).cloned();
        match self.message(response, MOST).await {
            Ok(answer) => {
                if let Some(agreed) = Agreed::read(session, message.text.clone(), &answer) {
                    *self.session.lock() = agreed;
                }
                self.write(answer).await;
            }
            Err(error) => {
                let reason = error.to_string();
                (self.complain)(&reason);
                self.fault(id, INTERNAL_ERROR, &reason).await;
            }
        }
    }

    /// Begins a session anew that the gateway does not know any more, unless somebody did meanwhile.
    pub(super) async fn renew(&self, before: &Agreed) -> Result<(), ClientError> {
        let _renewing = self.session.renewing.lock().await;
        let now = self.session.agreed();
        if now.session != before.session {
            return Ok(());
        }
        let lost = || ClientError::Protocol("the gateway ended the session".to_owned());
        let opening = now.opening.clone().ok_or_else(lost)?;
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, JSON);
        headers.insert(header::ACCEPT, EITHER);
        let response = self.send(Method::POST, headers.clone(), opening.clone()).await?;
        if !response.status().is_success() {
            return Err(lost());
        }
        let session = response.headers().get(SESSION).cloned();
        let answer = self.message(response, MOST).await?;
        let agreed = Agreed::read(session, opening, &answer).ok_or_else(lost)?;
        headers.extend(agreed.headers());
        *self.session.lock() = agreed;
        let told = Bytes::from_static(b"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
        self.send(Method::POST, headers, told).await?;
        (self.complain)("the gateway did not know the session any more; another one was begun");
        Ok(())
    }

    /// Tells the gateway that the session is over.
    pub(super) async fn end_session(&self) {
        let agreed = self.session.agreed();
        if agreed.has_session() {
            // Whoever is gone does not mind that nobody heard.
            let _ = self.send(Method::DELETE, agreed.headers(), Bytes::new()).await;
        }
    }

    /// The one message of an answer, whatever it is wrapped in.
    pub(super) async fn message(
        &self,
        response: Response<Incoming>,
        most: usize,
    ) -> Result<Bytes, ClientError> {
        let is_events = is_events(&response);
        let body = transport::body(&self.path, response.into_body(), most).await?;
        if !is_events {
            return Ok(body);
        }
        let events = Parser::new(most as u64).push(&body).unwrap_or_default();
        let message = events.into_iter().rfind(|event| !event.data.is_empty());
        let none = || ClientError::Protocol("the gateway's answer has no message".to_owned());
        message.map(|event| event.data).ok_or_else(none)
    }
}
