//! What authenticators ask for: documents of those whom the configuration names.

use super::http;
use async_trait::async_trait;
use mcp_common::plugin::Fetch;

/// Gets them as commands get descriptions: redirects are followed, but not away from https.
pub(crate) struct Documents;

#[async_trait]
impl Fetch for Documents {
    async fn get(&self, url: &str, limit: usize) -> Result<Vec<u8>, String> {
        http::get(url, limit).await.map_err(|error| error.to_string())
    }
}
