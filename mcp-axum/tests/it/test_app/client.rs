//! An HTTP client with or without a key.

use super::Answer;
use reqwest::{Body, Method, RequestBuilder};
use serde_json::Value;
use std::net::SocketAddr;

/// Sends what a caller of one role would send. Clones share connections.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    address: SocketAddr,
    key: Option<String>,
    headers: Vec<(&'static str, String)>,
}

impl Client {
    pub fn new(address: SocketAddr, key: Option<String>) -> Self {
        Self {
            http: reqwest::Client::new(),
            address,
            key,
            headers: Vec::new(),
        }
    }

    /// Sends this header with every request, beside others of its name.
    pub fn with_header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// A request with this role's key; finish it with [`send`](Self::send).
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut request = self
            .http
            .request(method, format!("http://{}{path}", self.address));
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        match &self.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        }
    }

    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let request = request.build().unwrap();
        let name = format!("{} {}", request.method(), request.url());
        let response = self
            .http
            .execute(request)
            .await
            .unwrap_or_else(|error| panic!("{name}: {error:?}"));
        Answer::read(name, response).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    pub async fn put(&self, path: &str, document: &Value) -> Answer {
        self.put_text(path, document.to_string()).await
    }

    /// Any bytes as the body.
    pub async fn put_text(&self, path: &str, body: impl Into<Body>) -> Answer {
        let request = self
            .request(Method::PUT, path)
            .header("content-type", "application/json");
        self.send(request.body(body)).await
    }

    /// Only if the stored revision is this one.
    pub async fn put_if(&self, path: &str, document: &Value, revision: u64) -> Answer {
        let request = self
            .request(Method::PUT, path)
            .header("if-match", format!("\"{revision}\""));
        self.send(request.body(document.to_string())).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path)).await
    }
}
