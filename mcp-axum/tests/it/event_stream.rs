//! Reads server-sent events as a client would.

use crate::test_app::DEADLINE;
use reqwest::{RequestBuilder, Response};
use serde_json::Value;
use std::time::Duration;

/// An open stream.
pub struct EventStream {
    response: Response,
    buffer: String,
}

impl EventStream {
    /// Sends the request and expects a stream.
    pub async fn open(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["x-accel-buffering"], "no");
        Self {
            response,
            buffer: String::new(),
        }
    }

    /// The next message; `None` when the stream has ended.
    pub async fn next(&mut self) -> Option<Value> {
        tokio::time::timeout(DEADLINE, self.read())
            .await
            .expect("no event in time")
    }

    /// Where the client posts to, which the first event of HTTP+SSE says.
    pub async fn endpoint(&mut self) -> String {
        loop {
            if let Some((event, rest)) = self.buffer.split_once("\n\n") {
                let endpoint = event.strip_prefix("event: endpoint\ndata: ");
                let endpoint = endpoint
                    .unwrap_or_else(|| panic!("no endpoint: {event}"))
                    .to_owned();
                self.buffer = rest.to_owned();
                return endpoint;
            }
            let chunk = self.response.chunk().await.unwrap().expect("no event");
            self.buffer.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// Fails if a message comes within this time.
    pub async fn stays_silent(&mut self, time: Duration) {
        if let Ok(message) = tokio::time::timeout(time, self.read()).await {
            panic!("an unexpected message: {message:?}");
        }
    }

    async fn read(&mut self) -> Option<Value> {
        loop {
            if let Some((event, rest)) = self.buffer.split_once("\n\n") {
                // Clients of Streamable HTTP read no other events.
                let is_message = !event.starts_with("event: ") || event.starts_with("event: message\n");
                let data = event
                    .lines()
                    .filter(|_| is_message)
                    .find_map(|line| line.strip_prefix("data: "))
                    .map(str::to_owned);
                self.buffer = rest.to_owned();
                match data {
                    Some(data) => return Some(serde_json::from_str(&data).unwrap()),
                    None => continue, // a comment, or no message
                }
            }
            let chunk = self.response.chunk().await.unwrap()?;
            self.buffer.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}
