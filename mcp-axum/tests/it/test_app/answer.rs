//! What came back.

use reqwest::header::HeaderMap;
use serde_json::Value;

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Of what, for messages.
    pub request: String,
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub async fn read(request: String, response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self {
            request,
            status,
            headers,
            text: response.text().await.unwrap(),
        }
    }

    /// The body as JSON; an event stream gives its last message.
    #[track_caller]
    pub fn json(&self) -> Value {
        let is_stream = self
            .header("content-type")
            .is_some_and(|value| value.starts_with("text/event-stream"));
        let text = match is_stream {
            true => self
                .text
                .lines()
                .rev()
                .find_map(|line| line.strip_prefix("data:"))
                .unwrap_or_default(),
            false => &self.text,
        };
        serde_json::from_str(text)
            .unwrap_or_else(|error| panic!("{}: not JSON ({error}): {self:?}", self.request))
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Must be a 200.
    #[track_caller]
    pub fn ok(self) -> Self {
        self.expect(200)
    }

    /// Must have this status; in the envelope of the admin API also as `code`.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}: {}", self.request, self.text);
        if let Some(code) = serde_json::from_str::<Value>(&self.text)
            .ok()
            .and_then(|body| body.get("code")?.as_u64())
        {
            assert_eq!(
                code,
                u64::from(status),
                "{}: `code` and status differ: {}",
                self.request,
                self.text
            );
        }
        self
    }

    /// Must be a failure of the admin API with this status; its text.
    #[track_caller]
    pub fn error(self, status: u16) -> String {
        let answer = self.expect(status);
        let body = answer.json();
        let members: Vec<&String> = body.as_object().unwrap().keys().collect();
        assert_eq!(members, ["code", "error"], "{body}");
        body["error"].as_str().unwrap().to_owned()
    }

    /// `data` of the admin API's envelope; must be a success.
    #[track_caller]
    pub fn data(self) -> Value {
        self.ok().json()["data"].take()
    }

    /// `revision` of the admin API's envelope.
    #[track_caller]
    pub fn revision(&self) -> u64 {
        self.json()["revision"]
            .as_u64()
            .unwrap_or_else(|| panic!("no revision: {}", self.text))
    }

    /// `warnings` of the admin API's envelope.
    #[track_caller]
    pub fn warnings(&self) -> Vec<String> {
        let warnings = self.json()["warnings"].take();
        warnings
            .as_array()
            .into_iter()
            .flatten()
            .map(|warning| warning.as_str().unwrap().to_owned())
            .collect()
    }
}
