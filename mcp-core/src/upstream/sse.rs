//! HTTP+SSE of 2024-11-05: a stream of events on which everything comes, and another URL that messages are posted to.

use super::{
    conduit::{Conduit, Outward},
    error::{UpstreamError, excerpt},
    http::{Events, HttpLink, Versions},
    news::News,
    settings::HubSettings,
};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, Uri};
use mcp_common::definition::UpstreamDefinition;
use std::sync::{Arc, Weak};
use tokio_util::sync::CancellationToken;
use url::Url;

/// The event that names the URL for messages.
const ENDPOINT: &str = "endpoint";

/// Where messages to the server are posted.
#[derive(Debug)]
pub(super) struct Mailbox {
    http: Arc<HttpLink>,
    to: Uri,
}

/// Opens the stream, and waits for the server to say where messages go.
pub(super) async fn open(
    definition: &Arc<UpstreamDefinition>,
    settings: &HubSettings,
    news: Arc<News>,
) -> Result<Arc<Conduit>, UpstreamError> {
    let http = HttpLink::new(definition, settings, news.clone(), Versions::All)?;
    let mut events = http.event_stream().await?;
    let to = loop {
        match events.next().await? {
            Some(event) if event.kind.as_deref() == Some(ENDPOINT) => {
                break endpoint(http.uri(), &event.data)?;
            }
            // A comment or a wish for the wait after an interruption.
            Some(event) if event.data.is_empty() => {}
            Some(_) => {
                let text =
                    "the server's stream begins with something else than the URL for messages".to_owned();
                return Err(UpstreamError::NotMcp(text));
            }
            None => {
                let text = "the server's stream ended before it said where messages are posted to".to_owned();
                return Err(UpstreamError::NotMcp(text));
            }
        }
    };
    let mailbox = Arc::new(Mailbox { http, to });
    let conduit = Conduit::new(Outward::Posts(mailbox), news, "stream");
    conduit.kept_by(read(events, Arc::downgrade(&conduit), conduit.stop()));
    Ok(conduit)
}

/// What the server names, seen from the URL of the stream. Credentials of the one place are not shown to another.
fn endpoint(stream: &Uri, named: &[u8]) -> Result<Uri, UpstreamError> {
    let named = String::from_utf8_lossy(named);
    let resolved = Url::parse(&stream.to_string()).and_then(|stream| Ok((stream.join(&named)?, stream)));
    let (resolved, stream) = resolved.map_err(|_| {
        let named = excerpt(&named);
        UpstreamError::NotMcp(format!("the server's URL for messages is none: `{named}`"))
    })?;
    if resolved.origin() != stream.origin() {
        return Err(UpstreamError::Refused(format!(
            "the server wants messages to be posted to another place than {}, which is not done: {}",
            stream.origin().ascii_serialization(),
            excerpt(&named)
        )));
    }
    let text = resolved.as_str();
    text.parse()
        .map_err(|_| UpstreamError::NotMcp(format!("`{}` is not a URL that can be called", excerpt(text))))
}

async fn read(mut events: Events, conduit: Weak<Conduit>, stop: CancellationToken) {
    let reason = loop {
        let event = tokio::select! {
            () = stop.cancelled() => break "the stream was ended".to_owned(),
            event = events.next() => event,
        };
        match event {
            Ok(Some(event)) if event.data.is_empty() || event.kind.is_some() => {}
            Ok(Some(event)) => {
                let Some(conduit) = conduit.upgrade() else { return };
                // What is no message is counted.
                let _ = conduit.take(&event.data).await;
            }
            Ok(None) => break "the server's stream ended".to_owned(),
            Err(error) => break error.to_string(),
        }
    };
    if let Some(conduit) = conduit.upgrade() {
        conduit.over(&reason);
    }
}

impl Mailbox {
    /// The answer to the message comes on the stream; this says only that it was taken.
    pub(super) async fn post(&self, body: Bytes, via: Option<&HeaderValue>) -> Result<(), UpstreamError> {
        match self.http.post_to(&self.to, body, via).await {
            // The server has not looked at it, since it does not know whose it is.
            Err(UpstreamError::Status { status, .. })
                if status == StatusCode::NOT_FOUND || status == StatusCode::GONE =>
            {
                Err(UpstreamError::SessionGone)
            }
            posted => posted,
        }
    }

    /// Posts what nobody waits for.
    pub(super) fn post_beside(self: &Arc<Self>, body: String) {
        let mailbox = self.clone();
        self.http
            .beside(async move { mailbox.post(body.into(), None).await });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_go_to_where_the_stream_comes_from() {
        let at = |named: &str| endpoint(&Uri::from_static("https://a.example/x/sse?k=1"), named.as_bytes());
        for (named, expected) in [
            (
                "/messages/?session_id=1",
                "https://a.example/messages/?session_id=1",
            ),
            ("messages?s=1", "https://a.example/x/messages?s=1"),
            ("https://a.example:443/m", "https://a.example/m"),
        ] {
            assert_eq!(at(named).unwrap().to_string(), expected, "{named}");
        }
        for named in [
            "https://b.example/m",
            "//b.example/m",
            "http://a.example/m",
            "data:x",
        ] {
            let error = at(named).unwrap_err().to_string();
            assert!(error.contains("another place than https://a.example"), "{error}");
        }
        assert!(at("http://[").unwrap_err().to_string().contains("is none"));
    }
}
