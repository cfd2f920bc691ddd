//! What authenticators ask for: documents of those whom the configuration names.

use super::http;
use ::http::{Method, Request, StatusCode, header};
use async_trait::async_trait;
use http_body_util::Full;
use mcp_common::plugin::{Fetch, Form};
use std::{sync::OnceLock, time::Duration};

/// How long an answer is waited for, by whoever does not give up sooner.
const PATIENCE: Duration = Duration::from_secs(30);

/// Gets them as commands get descriptions: redirects are followed, but not away from https.
#[derive(Default)]
pub(crate) struct Documents {
    /// For what is sent: connections stay open.
    client: OnceLock<http::HttpClient>,
}

#[async_trait]
impl Fetch for Documents {
    async fn get(&self, url: &str, limit: usize) -> Result<Vec<u8>, String> {
        http::get(url, limit).await.map_err(|error| error.to_string())
    }

    async fn post(&self, form: Form<'_>, limit: usize) -> Result<Vec<u8>, String> {
        let client = match self.client.get() {
            Some(client) => client.clone(),
            None => {
                let client = http::client().map_err(|error| error.to_string())?;
                self.client.get_or_init(|| client).clone()
            }
        };
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
        let response = http::send(&client, request, PATIENCE)
            .await
            .map_err(|error| error.to_string())?;
        if response.status() != StatusCode::OK {
            return Err(format!("{url} answers {}", response.status()));
        }
        let body = http::body(url, response.into_body(), limit).await;
        body.map(Into::into).map_err(|error| error.to_string())
    }
}
