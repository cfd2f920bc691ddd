//! Has a running gateway do the import.

use super::fetch;
use crate::cli::Failure;
use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt, Full, Limited};
use mcp_core::import::{Format, ImportOptions, Report};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

/// Of an answer: a report over the largest document.
const MAX_ANSWER: usize = 64 * 1024 * 1024;

#[derive(Deserialize)]
struct Envelope {
    data: Option<Report>,
    error: Option<String>,
}

pub(super) async fn import(
    server: &str,
    key: &str,
    format: Format,
    text: String,
    options: &ImportOptions,
    dry_run: bool,
) -> Result<Report, Failure> {
    let url = format!(
        "{}/admin/import/{}?{}",
        server.trim_end_matches('/'),
        format.as_str(),
        query(options, dry_run)
    );
    let request = Request::post(&url)
        .header(header::AUTHORIZATION, format!("Bearer {key}"))
        .header(header::CONTENT_TYPE, "text/plain; charset=utf-8")
        .body(Full::from(Bytes::from(text)))
        .map_err(|error| Failure::configuration(format_args!("--server {server}: {error}")))?;
    let response = fetch::send(&fetch::client()?, request).await?;
    let status = response.status();
    let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await;
    let body = body
        .map_err(|error| Failure::runtime(format_args!("{server}: {error}")))?
        .to_bytes();
    let envelope: Envelope = serde_json::from_slice(&body).map_err(|_| {
        Failure::runtime(format_args!(
            "{server}: answered {status}, which is no gateway's answer"
        ))
    })?;
    match envelope {
        Envelope {
            data: Some(report), ..
        } => Ok(report),
        Envelope { error, .. } => {
            let error = error.unwrap_or_else(|| status.to_string());
            Err(Failure::runtime(format_args!("{server}: {error}")))
        }
    }
}

fn query(options: &ImportOptions, dry_run: bool) -> String {
    let mut pairs = vec![("instance", options.instance.clone())];
    pairs.extend(options.source.clone().map(|source| ("source", source)));
    pairs.extend(options.base_url.clone().map(|url| ("base_url", url)));
    pairs.extend(
        options
            .include
            .iter()
            .map(|pattern| ("include", pattern.to_string())),
    );
    pairs.extend(
        options
            .exclude
            .iter()
            .map(|pattern| ("exclude", pattern.to_string())),
    );
    pairs.extend(options.rename.iter().map(|rename| ("rename", rename.to_string())));
    for (name, is_set) in [("prune", options.prune), ("dry_run", dry_run)] {
        if is_set {
            pairs.push((name, "true".to_owned()));
        }
    }
    let encoded = pairs
        .iter()
        .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
    encoded.collect::<Vec<_>>().join("&")
}
