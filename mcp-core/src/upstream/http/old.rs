//! What connections are begun with that are not streamable HTTP: the stream of HTTP+SSE, and the handshake of a WebSocket.

use super::{EVENTS, HttpLink, answer::content_type, credentials};
use crate::{
    connect,
    framing::sse::{Event, Parser},
    upstream::error::UpstreamError,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, Uri, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::{collections::VecDeque, sync::Arc};

/// A stream of events.
#[derive(Debug)]
pub(in crate::upstream) struct Events {
    uri: Uri,
    body: Incoming,
    parser: Parser,
    ready: VecDeque<Event>,
    most: u64,
}

impl Events {
    /// The next event; `None` at the end.
    pub(in crate::upstream) async fn next(&mut self) -> Result<Option<Event>, UpstreamError> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(event));
            }
            let Some(frame) = self.body.frame().await else {
                return Ok(None);
            };
            let frame = frame.map_err(|error| connect::receiving(&self.uri, &error))?;
            let Ok(bytes) = frame.into_data() else { continue };
            let events = self.parser.push(&bytes);
            self.ready = events
                .map_err(|_| UpstreamError::TooLarge { limit: self.most })?
                .into();
        }
    }
}

impl HttpLink {
    pub(in crate::upstream) fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The definition's headers and credential, and the way that was gone.
    fn own_headers(&self, via: Option<&HeaderValue>) -> Result<HeaderMap, UpstreamError> {
        let mut headers = credentials::headers(&self.definition, &self.secrets)?;
        if let Some(via) = via.or(self.via.as_ref()) {
            headers.insert(header::VIA, via.clone());
        }
        Ok(headers)
    }

    /// The stream that the server sends when it is asked for its URL.
    pub(in crate::upstream) async fn event_stream(self: &Arc<Self>) -> Result<Events, UpstreamError> {
        let mut headers = self.own_headers(None)?;
        headers.insert(header::ACCEPT, EVENTS);
        let response = self.send(&self.uri, Method::GET, headers, Bytes::new()).await?;
        if !response.status().is_success() {
            return Err(self.refused(response, None).await);
        }
        match content_type(&response) {
            "text/event-stream" => Ok(Events {
                uri: self.uri.clone(),
                body: response.into_body(),
                parser: Parser::new(self.most),
                ready: VecDeque::new(),
                most: self.most,
            }),
            other => Err(UpstreamError::NotMcp(format!(
                "{} sends no stream of events but `{other}`",
                self.uri
            ))),
        }
    }

    /// Posts a message to another URL of the same server; what comes back says only whether it was taken.
    pub(in crate::upstream) async fn post_to(
        &self,
        uri: &Uri,
        body: Bytes,
        via: Option<&HeaderValue>,
    ) -> Result<(), UpstreamError> {
        let headers = self.own_headers(via)?;
        let response = self.send(uri, Method::POST, headers, body).await?;
        self.refusal(response, None).await
    }

    /// Asks for another protocol on a connection.
    pub(in crate::upstream) async fn upgrade(
        &self,
        asked: HeaderMap,
    ) -> Result<Response<Incoming>, UpstreamError> {
        let mut headers = self.own_headers(None)?;
        headers.extend(asked);
        self.send(&self.uri, Method::GET, headers, Bytes::new()).await
    }
}
