//! The demo is its own first client, over the network like every other.

use super::DemoError;
use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client as HttpClient, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;
use std::net::SocketAddr;

pub(super) struct Client {
    http: HttpClient<HttpConnector, Full<Bytes>>,
    gateway: SocketAddr,
    key: String,
}

impl Client {
    pub(super) fn new(gateway: SocketAddr, key: &str) -> Self {
        Self {
            http: HttpClient::builder(TokioExecutor::new()).build_http(),
            gateway,
            key: key.to_owned(),
        }
    }

    pub(super) async fn get(&self, path: &str) -> Result<Value, DemoError> {
        self.send(Method::GET, path, String::new()).await
    }

    pub(super) async fn put(&self, path: &str, body: String) -> Result<Value, DemoError> {
        self.send(Method::PUT, path, body).await
    }

    pub(super) async fn post(&self, path: &str, body: String) -> Result<Value, DemoError> {
        self.send(Method::POST, path, body).await
    }

    async fn send(&self, method: Method, path: &str, body: String) -> Result<Value, DemoError> {
        let failed = |reason: String| DemoError::Failed(format!("{method} {path}: {reason}"));
        let request = Request::builder()
            .method(method.clone())
            .uri(format!("http://{}{path}", self.gateway))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.key))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json, text/event-stream")
            .body(Full::from(body))
            .map_err(|error| failed(error.to_string()))?;
        let response = self
            .http
            .request(request)
            .await
            .map_err(|error| failed(error.to_string()))?;
        let status = response.status();
        let body = response
            .into_body()
            .collect()
            .await
            .map_err(|error| failed(error.to_string()))?
            .to_bytes();
        let text = String::from_utf8_lossy(&body);
        if !status.is_success() {
            return Err(failed(format!("{status} {text}")));
        }
        serde_json::from_str(&text).map_err(|error| failed(format!("no JSON ({error}): {text}")))
    }
}
