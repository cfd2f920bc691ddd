//! The admin API of a running gateway.

use crate::Gateway;
use anyhow::{Context, Result, ensure};
use reqwest::Client;
use serde_json::Value;
use std::{sync::Arc, time::Duration};

/// Writes definitions with the gateway's key. A write that is refused or answered with a warning is an error.
#[derive(Clone)]
pub struct Admin {
    origin: Arc<str>,
    client: Client,
}

impl Admin {
    /// Of the gateway at this origin, which has the key of tests.
    pub fn new(origin: &str) -> Result<Self> {
        let client = Client::builder().timeout(Duration::from_secs(20)).build()?;
        Ok(Self {
            origin: origin.into(),
            client,
        })
    }

    /// Whether the gateway says that it is ready.
    pub(crate) async fn is_ready(&self) -> bool {
        let answer = self.client.get(format!("{}/readyz", self.origin)).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    /// Stores a tool definition.
    pub async fn put_tool(&self, id: &str, document: &Value) -> Result<()> {
        self.put("tds", id, document).await
    }

    /// Stores an instance definition.
    pub async fn put_instance(&self, id: &str, document: &Value) -> Result<()> {
        self.put("ids", id, document).await
    }

    /// Stores a definition of either collection, without being strict about warnings: the revision of the write.
    pub async fn write(&self, collection: &str, id: &str, document: &Value) -> Result<u64> {
        let url = format!("{}/admin/{collection}/{id}", self.origin);
        let answer = self.client.put(&url).bearer_auth(Gateway::KEY).json(document);
        let body = json(answer.send().await?).await?;
        body["revision"]
            .as_u64()
            .with_context(|| format!("PUT {url} was answered {body}"))
    }

    /// `data` of what the path under `/admin` answers.
    pub async fn get(&self, path: &str) -> Result<Value> {
        let url = format!("{}/admin/{path}", self.origin);
        let answer = self.client.get(&url).bearer_auth(Gateway::KEY).send().await?;
        Ok(json(answer).await?["data"].take())
    }

    /// `data` of what comes of a POST to the path under `/admin`.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let url = format!("{}/admin/{path}", self.origin);
        let answer = self
            .client
            .post(&url)
            .bearer_auth(Gateway::KEY)
            .json(body)
            .send()
            .await?;
        Ok(json(answer).await?["data"].take())
    }

    /// Deletes a definition.
    pub async fn delete(&self, collection: &str, id: &str) -> Result<()> {
        let url = format!("{}/admin/{collection}/{id}", self.origin);
        json(self.client.delete(&url).bearer_auth(Gateway::KEY).send().await?).await?;
        Ok(())
    }

    async fn put(&self, collection: &str, id: &str, document: &Value) -> Result<()> {
        let url = format!("{}/admin/{collection}/{id}", self.origin);
        let answer = self.client.put(&url).bearer_auth(Gateway::KEY).json(document);
        let envelope = json(answer.send().await?).await?;
        ensure!(envelope["code"] == 200, "PUT {url} was answered {envelope}");
        let warnings = envelope["warnings"].as_array().map_or(0, Vec::len);
        ensure!(warnings == 0, "PUT {url} warns: {envelope}");
        Ok(())
    }
}

/// What a good answer says; of any other one its words, which a status alone would lose.
async fn json(answer: reqwest::Response) -> Result<Value> {
    let (url, status) = (answer.url().clone(), answer.status());
    let body = answer.text().await?;
    ensure!(status.is_success(), "{url} was answered {status}: {body}");
    serde_json::from_str(&body).with_context(|| format!("{url} answered no JSON: {body}"))
}
