//! What authenticators and authorizers ask for: documents of those whom the configuration names.

use super::http;
use ::http::{Method, Request, header};
use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::Full;
use mcp_common::plugin::{Fetch, Form, Message, Received};
use std::{sync::OnceLock, time::Duration};

/// How long an answer is waited for, by whoever does not give up sooner.
const PATIENCE: Duration = Duration::from_secs(30);

/// Gets them as commands get descriptions: redirects are followed, but not away from https.
#[derive(Default)]
pub(crate) struct Documents {
    /// For what is sent: connections stay open.
    client: OnceLock<http::HttpClient>,
}

impl Documents {
    async fn send(&self, url: &str, request: Request<Full<Bytes>>, limit: usize) -> Result<Received, String> {
        let client = match self.client.get() {
            Some(client) => client.clone(),
            None => {
                let client = http::client().map_err(|error| error.to_string())?;
                self.client.get_or_init(|| client).clone()
            }
        };
        let response = http::send(&client, request, PATIENCE).await;
        let response = response.map_err(|error| error.to_string())?;
        let status = response.status();
        let body = http::body(url, response.into_body(), limit).await;
        Ok(Received {
            status,
            body: body.map_err(|error| error.to_string())?.into(),
        })
    }
}

#[async_trait]
impl Fetch for Documents {
    async fn get(&self, url: &str, limit: usize) -> Result<Vec<u8>, String> {
        http::get(url, limit).await.map_err(|error| error.to_string())
    }

    async fn post(&self, form: Form<'_>, limit: usize) -> Result<Received, String> {
        let Form {
            url,
            authorization,
            body,
        } = form;
        let request = Request::builder()
            .method(Method::POST)
            .uri(url)
            .header(header::AUTHORIZATION, authorization)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "application/json")
            .body(Full::from(body))
            .map_err(|error| error.to_string())?;
        self.send(url, request, limit).await
    }

    async fn ask(&self, message: Message<'_>, limit: usize) -> Result<Received, String> {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(message.url)
            .header(header::USER_AGENT, concat!("dynmcp/", env!("CARGO_PKG_VERSION")))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json");
        if let Some(authorization) = message.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let request = request
            .body(Full::from(message.body))
            .map_err(|error| error.to_string())?;
        self.send(message.url, request, limit).await
    }
}
