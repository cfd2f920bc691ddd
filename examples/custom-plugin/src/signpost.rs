//! A discovery that reads where servers are from its settings: as small as one can be.

use async_trait::async_trait;
use mcp_common::{
    discovery::{Announced, Discovery, Habits, Look, NotSeen, Set, Surroundings},
    plugin::{DiscoveryFactory, PluginError, Settings, Table},
};
use serde_json::json;
use std::{sync::Arc, time::Duration};

struct Signpost {
    /// `weather=https://weather.example/mcp`
    signs: Vec<Arc<str>>,
    has_looked: bool,
}

#[async_trait]
impl Discovery for Signpost {
    async fn look(&mut self) -> Result<Look, NotSeen> {
        if std::mem::replace(&mut self.has_looked, true) {
            return Ok(Look::Same);
        }
        let announced = self.signs.iter().map(|sign| match sign.split_once('=') {
            Some((id, url)) => Announced {
                id: id.to_owned(),
                document: Ok(json!({"url": url})),
            },
            None => Announced {
                id: sign.to_string(),
                document: Err("leads nowhere: write `name=URL`".to_owned()),
            },
        });
        Ok(Look::Set(Set {
            upstreams: announced.collect(),
            notes: Vec::new(),
        }))
    }
}

/// Makes `signpost` with what a `[[discovery]]` of this type has.
#[derive(Default)]
pub struct SignpostFactory;

#[mcp_common::discovery("signpost")]
impl DiscoveryFactory for SignpostFactory {
    fn habits(&self) -> Habits {
        Habits {
            interval: Duration::from_secs(3_600),
            is_trusted: false,
            may_be_empty: false,
        }
    }

    fn check(&self, place: &str, settings: &Settings) -> Vec<PluginError> {
        signs(place, settings).err().into_iter().collect()
    }

    fn make(
        &self,
        place: &str,
        settings: &Settings,
        _gateway: &Surroundings,
    ) -> Result<Box<dyn Discovery>, PluginError> {
        Ok(Box::new(Signpost {
            signs: signs(place, settings)?,
            has_looked: false,
        }))
    }
}

fn signs(place: &str, settings: &Settings) -> Result<Vec<Arc<str>>, PluginError> {
    Table::new(place, settings, &["signs"])?.words("signs")
}
