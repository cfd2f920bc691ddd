//! Has a running gateway do the import.

use crate::client::{ClientError, Gateway};
use http::{HeaderMap, HeaderValue, Method, header};
use mcp_core::authoring::import::{Format, ImportOptions, Report};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

pub(super) async fn import(
    gateway: &Gateway,
    format: Format,
    text: String,
    options: &ImportOptions,
    dry_run: bool,
) -> Result<Report, ClientError> {
    let path = format!("/admin/import/{}?{}", format.as_str(), query(options, dry_run));
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, plain)]);
    let answer = gateway.send(Method::POST, &path, headers, text).await?;
    gateway.data(&answer)
}

fn query(options: &ImportOptions, dry_run: bool) -> String {
    let mut pairs = vec![("instance", options.instance.clone())];
    pairs.extend(options.source.clone().map(|source| ("source", source)));
    pairs.extend(options.base_url.clone().map(|url| ("base_url", url)));
    pairs.extend(options.auth.iter().map(|auth| ("auth", auth.to_string())));
    pairs.extend(
        options
            .headers
            .iter()
            .map(|header| ("header", header.to_string())),
    );
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
