//! Where keys are: the configured data source, or a running gateway.

use crate::{
    cli::{
        Failure,
        gateway::GatewayArguments,
        plan::Target,
        store::{LocalStore, PRINCIPAL, Use, look},
    },
    client::Gateway,
    settings::{Layers, Settings},
};
use http::{HeaderMap, Method, StatusCode};
use mcp_common::{
    document::Document,
    key::{Key, Kind},
};
use mcp_core::authoring::{
    change_plan::{DesiredDefinition, PlanOptions},
    writer::Expectation,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, value::RawValue};
use std::path::PathBuf;

/// What one page of a list has at the most.
const PAGE: usize = 200;

/// Where the keys of one command are.
pub(super) struct Place<'a> {
    config: Option<PathBuf>,
    gateway: &'a GatewayArguments,
    there: Option<Gateway>,
}

impl<'a> Place<'a> {
    pub(super) fn open(config: Option<PathBuf>, gateway: &'a GatewayArguments) -> Result<Self, Failure> {
        Ok(Self {
            config,
            there: gateway.gateway()?,
            gateway,
        })
    }

    /// All keys, as they are stored.
    pub(super) async fn all(&self) -> Result<Vec<(Key, Document)>, Failure> {
        let Some(gateway) = &self.there else {
            let settings = Settings::load(&Layers::of_process(self.config.clone()))?;
            let load = look(&settings).await?;
            let keys = load
                .records
                .into_iter()
                .filter(|record| record.key.kind == Kind::API_KEY);
            // What cannot be read is in quarantine, and lets nobody in.
            let read = keys.filter_map(|record| Some((record.key, Document::take(record.body).ok()?)));
            return Ok(read.collect());
        };
        let mut all = Vec::new();
        let mut cursor = String::new();
        loop {
            let answer = gateway.get(&format!("/admin/keys?limit={PAGE}{cursor}")).await?;
            let page: Vec<Box<RawValue>> = gateway.data(&answer)?;
            for text in page {
                let document = Document::parse(text.get().as_bytes()).map_err(Failure::runtime)?;
                let id = document
                    .get("id")
                    .map(|id| serde_json::from_str::<String>(id.get()));
                let id = id.transpose().map_err(Failure::runtime)?.unwrap_or_default();
                all.push((Key::api_key(id), document));
            }
            let envelope: Value = serde_json::from_slice(&answer.body).map_err(Failure::runtime)?;
            match envelope["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={}", utf8_percent_encode(next, NON_ALPHANUMERIC)),
                None => return Ok(all),
            }
        }
    }

    /// The key of this id, or the only one of this name.
    pub(super) async fn find(&self, wanted: &str) -> Result<(Key, Document), Failure> {
        let all = self.all().await?;
        if let Some(found) = all.iter().find(|(key, _)| *key.id == *wanted) {
            return Ok(found.clone());
        }
        let has_name = |document: &Document| {
            let name = document.get("name");
            name.is_some_and(|name| serde_json::from_str::<&str>(name.get()).is_ok_and(|name| name == wanted))
        };
        let named: Vec<_> = all
            .into_iter()
            .filter(|(_, document)| has_name(document))
            .collect();
        match <[_; 1]>::try_from(named) {
            Ok([only]) => Ok(only),
            Err(none) if none.is_empty() => Err(Failure::runtime(format_args!(
                "no key has the id or the name `{wanted}`; `dynmcp keys list --include-inactive` lists all"
            ))),
            Err(several) => {
                let ids: Vec<&str> = several.iter().map(|(key, _)| &*key.id).collect();
                Err(Failure::runtime(format_args!(
                    "several keys are called `{wanted}`; take the id: {}",
                    ids.join(", ")
                )))
            }
        }
    }

    /// Stores it, if nobody changed it meanwhile.
    pub(super) async fn write(&self, key: &Key, document: &Document) -> Result<(), Failure> {
        let mut document = document.clone();
        // What the server writes itself.
        for member in ["revision", "updated_at"] {
            document.remove(member);
        }
        let target = Target::open(
            self.config.clone(),
            self.gateway.gateway()?,
            vec![DesiredDefinition::new(key, None, &document)],
            PlanOptions::default(),
            Use::Write,
        )
        .await?;
        let mut report = target.plan().await?;
        if let Some(problem) = report.problems.first() {
            return Err(Failure::runtime(problem));
        }
        if !report.is_empty() {
            target.apply(&mut report).await?;
        }
        Ok(())
    }

    pub(super) async fn delete(&self, key: &Key) -> Result<(), Failure> {
        match &self.there {
            Some(gateway) => {
                let answer = gateway
                    .send(Method::DELETE, &path(key), HeaderMap::new(), "")
                    .await?;
                gateway.data::<Value>(&answer)?;
            }
            None => {
                let store = LocalStore::open(self.config.clone(), Use::Write).await?;
                let written = store.writer.delete(key, Expectation::Any, PRINCIPAL).await?;
                store.arrived(written.revision).await;
            }
        }
        Ok(())
    }

    /// What a gateway has seen of it; a store knows nothing of the kind.
    pub(super) async fn usage(&self, key: &Key) -> Result<Option<Value>, Failure> {
        let Some(gateway) = &self.there else {
            return Ok(None);
        };
        let answer = gateway.get(&format!("{}/usage", path(key))).await?;
        match answer.status {
            StatusCode::NOT_FOUND => Ok(None),
            _ => Ok(Some(gateway.data(&answer)?)),
        }
    }
}

fn path(key: &Key) -> String {
    format!("/admin/keys/{}", utf8_percent_encode(&key.id, NON_ALPHANUMERIC))
}
