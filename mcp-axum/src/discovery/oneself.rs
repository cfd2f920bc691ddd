//! A gateway that makes itself known (`[[register]]`) where it also looks finds itself there. It is passed over: nobody calls at one's own door.

use async_trait::async_trait;
use mcp_common::discovery::{Discovery, Look, NotSeen};
use serde_json::Value;
use std::{sync::Arc, time::Duration};

/// What a discovery finds, without what is at these addresses.
pub(super) struct Others {
    pub(super) found: Box<dyn Discovery>,
    pub(super) own: Arc<[String]>,
}

impl Others {
    fn is_own(&self, url: &Value) -> bool {
        let plain = |url: &str| url.trim_end_matches('/').to_owned();
        let url = url.as_str().map(plain);
        url.is_some_and(|url| self.own.iter().any(|own| plain(own) == url))
    }

    /// Whether anything is left of the upstream.
    fn keep(&self, document: &mut Value) -> bool {
        let Some(endpoints) = document.get_mut("endpoints").and_then(Value::as_array_mut) else {
            return !self.is_own(&document["url"]);
        };
        let before = endpoints.len();
        endpoints.retain(|endpoint| !self.is_own(&endpoint["url"]));
        before == 0 || !endpoints.is_empty()
    }
}

#[async_trait]
impl Discovery for Others {
    async fn look(&mut self) -> Result<Look, NotSeen> {
        let mut look = self.found.look().await?;
        if let Look::Set(set) = &mut look {
            set.upstreams
                .retain_mut(|one| one.document.as_mut().map_or(true, |document| self.keep(document)));
        }
        Ok(look)
    }

    async fn changed(&mut self) {
        self.found.changed().await;
    }

    fn pause(&self) -> Duration {
        self.found.pause()
    }
}
