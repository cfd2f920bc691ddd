//! A read-only data source that makes its definitions up: one instance with one tool.

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use mcp_common::{
    datasource::{Changes, DataSource, HistoryEntry, Load, Record, SourceError, Write},
    key::{Key, Revision},
    plugin::{DataSourceFactory, PluginError, Settings, Table},
};
use serde_json::json;
use std::sync::Arc;

/// Nothing ever changes here.
const REVISION: Revision = 1;

struct Greeter {
    greeting: String,
}

impl Greeter {
    fn records(&self) -> Vec<Record> {
        let tool = json!({
            "name": "greet",
            "description": format!("Says \"{}\" to somebody.", self.greeting),
            "input_schema": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
            "tds_ext_info": {"domain": "greetings.example.com", "method": "GET", "path": "/greet"},
        });
        let instance = json!({"name": "Greetings", "tool_ids": ["greet"]});
        [(Key::tool("greet"), tool), (Key::instance("greetings"), instance)]
            .map(|(key, body)| Record {
                key,
                revision: REVISION,
                updated_at: None,
                body: Bytes::from(body.to_string()),
            })
            .into()
    }

    fn read_only() -> SourceError {
        SourceError::ReadOnly("the greeter makes its definitions up".to_owned())
    }
}

#[async_trait]
impl DataSource for Greeter {
    async fn load(&self) -> Result<Load, SourceError> {
        Ok(Load {
            revision: REVISION,
            records: self.records(),
            unreadable: Vec::new(),
        })
    }

    /// Stays open: the end of a watch means that the source is gone.
    async fn watch(&self, _from: Revision) -> Result<Changes, SourceError> {
        Ok(stream::pending().boxed())
    }

    async fn put(&self, _write: Write<'_>, _body: Bytes) -> Result<Revision, SourceError> {
        Err(Self::read_only())
    }

    async fn delete(&self, _write: Write<'_>) -> Result<Option<Revision>, SourceError> {
        Err(Self::read_only())
    }

    async fn history(&self, _key: &Key, _limit: usize) -> Result<Vec<HistoryEntry>, SourceError> {
        Ok(Vec::new())
    }
}

/// Opens `greeter` with the table `data_source.greeter`.
#[derive(Default)]
pub struct GreeterFactory;

#[mcp_common::datasource("greeter")]
#[async_trait]
impl DataSourceFactory for GreeterFactory {
    async fn open(&self, settings: &Settings) -> Result<Arc<dyn DataSource>, PluginError> {
        let table = Table::new("data_source.greeter", settings, &["greeting"])?;
        let greeting = table.text("greeting")?.unwrap_or("Hello").to_owned();
        Ok(Arc::new(Greeter { greeting }))
    }
}
