//! What happens in a gateway (`GET /admin/events`), followed over interruptions.

use super::{ClientError, Gateway};
use futures_util::{Stream, stream};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use mcp_common::backoff::Backoff;
use mcp_core::framing::sse::{Event, Parser};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use std::{collections::VecDeque, fmt::Write, time::Duration};

/// An event has few members.
const MOST: u64 = 1 << 20;
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// What is heard of it.
#[derive(Debug)]
pub(crate) enum News {
    /// The gateway tells from now on.
    Opened,
    /// Something happened.
    Event(Event),
    /// It tells no more; it is asked again after a while.
    Broken(ClientError),
    /// It refuses, and would again: the last that is heard.
    Refused(ClientError),
}

struct Follower<'a> {
    gateway: &'a Gateway,
    types: String,
    /// The number of the last event that is known.
    known: Option<u64>,
    backoff: Backoff,
    state: State,
}

enum State {
    /// To be asked, at once or after a while.
    Closed {
        waits: bool,
    },
    Open {
        body: Incoming,
        parser: Box<Parser>,
        read: VecDeque<Event>,
    },
    Over,
}

/// Events of these types (with commas between), from the one after `since` on; new ones alone where nothing is said.
/// Nothing is lost where one `next` of it is given up.
pub(crate) fn follow<'a>(
    gateway: &'a Gateway,
    types: &str,
    since: Option<u64>,
) -> impl Stream<Item = News> + use<'a> {
    let follower = Follower {
        gateway,
        types: utf8_percent_encode(types, NON_ALPHANUMERIC).to_string(),
        known: since,
        backoff: Backoff::between(FIRST_WAIT, LONGEST_WAIT),
        state: State::Closed { waits: false },
    };
    stream::unfold(follower, |mut follower| async move {
        let news = follower.next().await?;
        Some((news, follower))
    })
}

impl Follower<'_> {
    async fn next(&mut self) -> Option<News> {
        loop {
            match &mut self.state {
                State::Over => return None,
                State::Closed { waits } => {
                    if *waits {
                        tokio::time::sleep(self.backoff.next_wait()).await;
                    }
                    return Some(self.open().await);
                }
                State::Open { body, parser, read } => {
                    if let Some(event) = read.pop_front() {
                        self.backoff.reset();
                        if let Some(id) = event.id.as_deref().and_then(|id| id.parse().ok()) {
                            self.known = Some(id);
                        }
                        return Some(News::Event(event));
                    }
                    match body.frame().await {
                        None => self.state = State::Closed { waits: true },
                        Some(Err(error)) => {
                            self.state = State::Closed { waits: true };
                            return Some(News::Broken(ClientError::Protocol(error.to_string())));
                        }
                        Some(Ok(frame)) => {
                            let Ok(data) = frame.into_data() else { continue };
                            match parser.push(&data) {
                                Ok(events) => read.extend(events),
                                Err(_) => return Some(self.refused("an event is too large")),
                            }
                        }
                    }
                }
            }
        }
    }

    async fn open(&mut self) -> News {
        let mut path = format!("/admin/events?types={}", self.types);
        if let Some(known) = self.known {
            // Writing to a `String` cannot fail.
            let _ = write!(path, "&since={known}");
        }
        let accept = HeaderValue::from_static("text/event-stream");
        let headers = HeaderMap::from_iter([(header::ACCEPT, accept)]);
        self.state = State::Closed { waits: true };
        let response = match self.gateway.open(Method::GET, &path, headers, "").await {
            Ok(response) => response,
            Err(error) => return News::Broken(error),
        };
        let status = response.status();
        if status == StatusCode::OK {
            self.state = State::Open {
                body: response.into_body(),
                parser: Box::new(Parser::new(MOST)),
                read: VecDeque::new(),
            };
            return News::Opened;
        }
        let body = response.into_body().collect().await;
        let said: Option<Value> = body
            .ok()
            .and_then(|body| serde_json::from_slice(&body.to_bytes()).ok());
        let text = said.and_then(|said| Some(said["error"].as_str()?.to_owned()));
        let text = text.unwrap_or_else(|| status.to_string());
        match status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS {
            true => self.refused(&text),
            false => News::Broken(ClientError::Protocol(text)),
        }
    }

    fn refused(&mut self, text: &str) -> News {
        self.state = State::Over;
        News::Refused(ClientError::Protocol(text.to_owned()))
    }
}
