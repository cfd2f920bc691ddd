//! Where something is that is asked over HTTP, and what it is shown.

use http::{HeaderName, HeaderValue, Uri};
use mcp_common::{
    plugin::{PluginError, Table},
    secret::{ExposeSecret, Secret},
};

/// Whether this can be an address. Credentials in it would be shown wherever it is.
pub(super) fn check_url(table: &Table<'_>, name: &str, url: &str) -> Result<(), PluginError> {
    let uri: Uri = url.parse().map_err(|_| table.wrong(name, "is no URL"))?;
    let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
    let authority = uri.authority();
    match is_web && authority.is_some_and(|authority| !authority.as_str().contains('@')) {
        true => Ok(()),
        false => Err(table.wrong(
            name,
            "must begin with http:// or https:// and must not carry credentials; they belong into `token` or `headers`",
        )),
    }
}

/// Whether these can be sent.
pub(super) fn check_headers(table: &Table<'_>, headers: &[(String, Secret)]) -> Result<(), PluginError> {
    for (name, value) in headers {
        let is_header =
            name.parse::<HeaderName>().is_ok() && HeaderValue::from_str(value.expose_secret()).is_ok();
        if !is_header {
            // The value may be a credential.
            return Err(table.wrong("headers", format!("`{name}` cannot be a header with this value")));
        }
    }
    Ok(())
}
