//! `GET /admin/events`: what happens, as a stream of events.

use super::parameters::Parameters;
use crate::{
    app::App,
    events::written_as_json,
    http::error::{Error, Result},
};
use axum::{
    Extension,
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderName, header};
use mcp_common::events::{Event, Events, Wanted as Types};
use mcp_core::peer::Peer;
use serde::Deserialize;
use serde_json::json;
use std::{convert::Infallible, fmt::Write, sync::Arc, time::Duration};
use tokio::{sync::OwnedSemaphorePermit, time::Instant};
use tokio_util::sync::CancellationToken;

/// Streams that are open at once.
pub(super) const MOST: usize = 64;
/// How often something is sent where nothing happens. Whether the reader still may is looked at before each piece.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// What is wanted.
#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    /// Types with commas between, `*` for any text at the end of one; all where nothing is said.
    types: Option<String>,
    /// The number of the last event that is known; only new ones where nothing is said.
    since: Option<u64>,
}

struct Reader {
    app: Arc<App>,
    headers: HeaderMap,
    peer: Option<Arc<Peer>>,
    events: Events,
    types: Types,
    number: u64,
    draining: CancellationToken,
    _place: OwnedSemaphorePermit,
}

/// Goes on until the reader leaves, may not read any more, or the gateway ends.
pub(super) async fn stream(
    State(app): State<Arc<App>>,
    Parameters(wanted): Parameters<Wanted>,
    headers: HeaderMap,
    peer: Option<Extension<Arc<Peer>>>,
) -> Result<Response> {
    let types = Types::new(wanted.types.as_deref().unwrap_or("*").split(','));
    let types = types.map_err(|unknown| Error::bad_request(format!("types: {unknown}")))?;
    let known = headers
        .get("last-event-id")
        .and_then(|id| id.to_str().ok()?.parse().ok());
    let events = app.events.clone();
    let Ok(place) = app.admin.event_streams.clone().try_acquire_owned() else {
        return Err(Error::unavailable(format!(
            "{MOST} streams of events are open; no more are at once"
        )));
    };
    let reader = Reader {
        number: known.or(wanted.since).unwrap_or_else(|| events.last()),
        draining: app.draining.clone(),
        events,
        types,
        headers,
        peer: peer.map(|Extension(peer)| peer),
        app,
        _place: place,
    };
    // The head goes out at once, with the first piece.
    let first = Bytes::from_static(b": events\n\n");
    let pieces = stream::unfold((reader, Some(first)), |(mut reader, first)| async move {
        let piece = match first {
            Some(first) => first,
            None => reader.next().await?,
        };
        Some((Ok::<_, Infallible>(piece), (reader, None)))
    });
    // A proxy that gathers an answer would gather this one for ever.
    let head = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((head, Body::from_stream(pieces)).into_response())
}

impl Reader {
    async fn next(&mut self) -> Option<Bytes> {
        // Events that are not wanted put nothing off.
        let silence = Instant::now() + KEEP_ALIVE;
        loop {
            // What was told before the end is told to everybody.
            tokio::select! {
                biased;
                () = self.events.after(self.number) => {}
                () = self.draining.cancelled() => return None,
                () = tokio::time::sleep_until(silence) => {
                    return self.may_still_read().await.then(|| Bytes::from_static(b": \n\n"));
                }
            }
            let news = self.events.since(self.number);
            self.number = news.events.last()?.number;
            let mut text = String::new();
            if news.missed > 0 {
                // Writing to a `String` cannot fail.
                let _ = write!(
                    text,
                    "event: missed\ndata: {}\n\n",
                    json!({"missed": news.missed})
                );
            }
            let wanted = |event: &&Arc<Event>| self.types.has(event.kind);
            for event in news.events.iter().filter(wanted) {
                text.push_str(&written(event));
            }
            if !text.is_empty() {
                // However often something happens, nothing of it is for those who may not read it any more.
                return self.may_still_read().await.then(|| text.into());
            }
        }
    }

    /// Keys end and roles change while a stream is open.
    async fn may_still_read(&self) -> bool {
        super::access::may_still(
            &self.app.latest(),
            &self.headers,
            self.peer.as_deref(),
            "admin/events/read",
        )
        .await
    }
}

fn written(event: &Event) -> String {
    let data = written_as_json(event);
    format!("id: {}\nevent: {}\ndata: {data}\n\n", event.number, event.kind)
}
