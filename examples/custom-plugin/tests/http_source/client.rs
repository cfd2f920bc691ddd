//! A source, a consumer of it, and what they say.

use custom_plugin::http_source::HttpSource;
use futures_util::StreamExt;
use mcp_common::{
    datasource::{Batch, Changes, DataSource, Expected, SourceError, Write},
    key::{Key, Revision},
};
use serde_json::Value;
use std::time::Duration;

pub(crate) async fn open(settings: &Value) -> HttpSource {
    HttpSource::open(settings).await.unwrap()
}

/// Why it does not open.
pub(crate) async fn refusal(settings: &Value) -> mcp_common::plugin::PluginError {
    match HttpSource::open(settings).await {
        Err(error) => error,
        Ok(_) => panic!("it was opened"),
    }
}

pub(crate) async fn put(source: &HttpSource, id: &str) -> Result<Revision, SourceError> {
    let write = Write {
        key: &Key::tool(id),
        expected: Expected::Any,
        principal: "anna",
    };
    source.put(write, "{}".into()).await
}

/// The next batch, or what went wrong.
pub(crate) async fn next(changes: &mut Changes) -> Result<Batch, SourceError> {
    let next = tokio::time::timeout(Duration::from_secs(30), changes.next()).await;
    next.expect("nothing came")
        .expect("the stream ended without an error")
}

/// The reason of a fault that may pass.
pub(crate) fn passing<T: std::fmt::Debug>(answer: Result<T, SourceError>) -> String {
    match answer {
        Err(SourceError::Unavailable(reason)) => reason,
        other => panic!("expected a passing fault, got {other:?}"),
    }
}

/// The reason of one that somebody has to mend.
pub(crate) fn broken<T: std::fmt::Debug>(answer: Result<T, SourceError>) -> String {
    match answer {
        Err(SourceError::Broken(reason)) => reason,
        other => panic!("expected a lasting fault, got {other:?}"),
    }
}
