//! Finds out how a server speaks: `server/discover` first, whose answer alone shows 2026-07-28; whatever else comes, or
//! nothing, means an older revision, and `initialize` on the same connection.

use super::{About, CLIENT_INFO, Link, Question};
use crate::relay::ClientCan;
use crate::upstream::{
    error::{RpcError, UpstreamError},
    features::Declared,
    news::News,
    outgoing::Speech,
};
use bytes::Bytes;
use mcp_common::definition::upstream::UpstreamEra;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use std::{borrow::Cow, sync::Arc, time::Duration};

/// What is asked for of older servers.
const NEWEST_LEGACY: &str = "2025-11-25";
/// A server that has not answered after this time does not know what it was asked.
const SILENCE: Duration = Duration::from_secs(15);
/// The error of a server that was asked in a revision that it does not speak (2026-07-28).
const UNSUPPORTED_VERSION: i64 = -32022;

/// What is known in the end: how to speak, with whom, and the next id.
type Shaken = (Speech, About, u64);

/// A connection on which nothing was said yet.
pub(super) struct Opening<'a> {
    link: &'a Link,
    news: Arc<News>,
    next_id: u64,
    /// What older servers are told that their client answers.
    client: ClientCan,
}

#[derive(Deserialize)]
struct Discovered<'a> {
    #[serde(borrow, rename = "supportedVersions")]
    versions: Vec<Cow<'a, str>>,
    #[serde(default)]
    capabilities: Declared,
    #[serde(borrow)]
    instructions: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "_meta")]
    meta: Option<Meta<'a>>,
}

#[derive(Deserialize)]
struct Initialized<'a> {
    #[serde(borrow, rename = "protocolVersion")]
    version: Cow<'a, str>,
    #[serde(default)]
    capabilities: Declared,
    #[serde(borrow)]
    instructions: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "serverInfo")]
    server_info: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Meta<'a> {
    #[serde(borrow, rename = "io.modelcontextprotocol/serverInfo")]
    server_info: Option<&'a RawValue>,
}

impl About {
    fn new(
        capabilities: &Declared,
        instructions: Option<Cow<'_, str>>,
        server_info: Option<&RawValue>,
    ) -> Self {
        Self {
            server_info: server_info.map(ToOwned::to_owned),
            instructions: instructions.map(Cow::into_owned),
            features: capabilities.into(),
        }
    }
}

impl<'a> Opening<'a> {
    pub(super) fn new(link: &'a Link, news: Arc<News>, client: ClientCan) -> Self {
        Self {
            link,
            news,
            next_id: 1,
            client,
        }
    }

    pub(super) async fn run(mut self, era: UpstreamEra, limit: Duration) -> Result<Shaken, UpstreamError> {
        match era {
            UpstreamEra::Modern => self.discover().await,
            UpstreamEra::Legacy => self.initialize().await,
            UpstreamEra::Auto => self.either(limit).await,
        }
    }

    async fn either(&mut self, limit: Duration) -> Result<Shaken, UpstreamError> {
        let silence = SILENCE.min(limit / 2);
        match tokio::time::timeout(silence, self.discover()).await {
            Ok(Ok(shaken)) => return Ok(shaken),
            Ok(Err(error)) if !means_older(&error) => return Err(error),
            Ok(Err(_)) | Err(_) => {}
        }
        match self.initialize().await {
            // It was only slow: servers stay with the revision that they were first spoken to in.
            Err(UpstreamError::Rpc(error)) if speaks_modern(&error) => self.discover().await,
            shaken => shaken,
        }
    }

    async fn discover(&mut self) -> Result<Shaken, UpstreamError> {
        let result = match self.ask(Speech::Modern, "server/discover", String::new()).await {
            // Said once, it may be of another server behind the same address.
            Err(UpstreamError::Rpc(error)) if speaks_modern(&error) => {
                self.ask(Speech::Modern, "server/discover", String::new()).await?
            }
            result => result?,
        };
        let found: Discovered<'_> = serde_json::from_slice(&result).map_err(|error| {
            UpstreamError::NotMcp(format!("the answer to server/discover is none: {error}"))
        })?;
        if !found
            .versions
            .iter()
            .any(|version| version == Speech::MODERN_VERSION)
        {
            let text = format!(
                "the server speaks {}, not {}",
                found.versions.join(", "),
                Speech::MODERN_VERSION
            );
            return Err(UpstreamError::NotMcp(text));
        }
        let server_info = found.meta.and_then(|meta| meta.server_info);
        let about = About::new(&found.capabilities, found.instructions, server_info);
        Ok((Speech::Modern, about, self.next_id))
    }

    async fn initialize(&mut self) -> Result<Shaken, UpstreamError> {
        let params = format!(
            "\"protocolVersion\":\"{NEWEST_LEGACY}\",\"capabilities\":{},\"clientInfo\":{}",
            self.client.declared(),
            CLIENT_INFO
        );
        let result = self.ask(Speech::Opening, "initialize", params).await?;
        let agreed: Initialized<'_> = serde_json::from_slice(&result)
            .map_err(|error| UpstreamError::NotMcp(format!("the answer to initialize is none: {error}")))?;
        let Some(version) = Speech::LEGACY.into_iter().find(|known| *known == agreed.version) else {
            let text = format!(
                "the server speaks the revision `{}`, which is not known",
                agreed.version
            );
            return Err(UpstreamError::NotMcp(crate::upstream::error::excerpt(&text)));
        };
        let speech = Speech::Legacy(version);
        self.news.agreed(speech);
        self.link.notify("notifications/initialized", speech).await?;
        let about = About::new(&agreed.capabilities, agreed.instructions, agreed.server_info);
        Ok((speech, about, self.next_id))
    }

    async fn ask(&mut self, speech: Speech, method: &str, params: String) -> Result<Bytes, UpstreamError> {
        let id = self.next_id;
        self.next_id += 1;
        let question = Question {
            method,
            params: params.into(),
            ..Question::default()
        };
        self.link.ask(id, speech, &question).await
    }
}

/// Whether a failed `server/discover` shows a server that does not know it, and not one that is away or closed.
fn means_older(error: &UpstreamError) -> bool {
    match error {
        UpstreamError::Rpc(_) | UpstreamError::NotMcp(_) => true,
        UpstreamError::Status { status, .. } => {
            (400..500).contains(status) && !matches!(status, 401 | 403 | 408 | 429)
        }
        _ => false,
    }
}

fn speaks_modern(error: &RpcError) -> bool {
    let data: Option<Value> = error
        .data
        .as_ref()
        .and_then(|data| serde_json::from_str(data.get()).ok());
    let supported = data.as_ref().and_then(|data| data["supported"].as_array());
    error.code == UNSUPPORTED_VERSION
        && supported.is_some_and(|all| all.iter().any(|version| version == Speech::MODERN_VERSION))
}
