//! The table `data_source.http`. Every value may also come as text, from the environment.

use http::Uri;
use mcp_common::{
    plugin::{PluginError, Settings, Table},
    secret::Secret,
};
use std::time::Duration;

const TABLE: &str = "data_source.http";
const KNOWN: [&str; 5] = ["url", "token", "poll_ms", "timeout_ms", "max_bytes"];

/// Where the service is and how it is asked.
pub(super) struct HttpSettings {
    pub(super) url: Uri,
    pub(super) token: Option<Secret>,
    pub(super) poll: Duration,
    pub(super) timeout: Duration,
    pub(super) max_bytes: usize,
}

impl HttpSettings {
    pub(super) fn read(settings: &Settings) -> Result<Self, PluginError> {
        let table = Table::new(TABLE, settings, &KNOWN)?;
        Ok(Self {
            url: url(&table)?,
            token: table.secret("token")?,
            poll: Duration::from_millis(table.number("poll_ms", 10..=3_600_000, 5_000)?),
            timeout: Duration::from_millis(table.number("timeout_ms", 10..=600_000, 10_000)?),
            max_bytes: table.number("max_bytes", 1_024..=(1 << 30), 64 << 20)?,
        })
    }
}

fn url(table: &Table<'_>) -> Result<Uri, PluginError> {
    let text = table
        .text("url")?
        .ok_or_else(|| table.wrong("url", "is missing: give the address of the definitions"))?;
    let wrong = |reason: &str| table.wrong("url", reason);
    let url: Uri = text
        .parse()
        .map_err(|_| wrong("expected an address such as https://definitions.example.com/v1"))?;
    if !matches!(url.scheme_str(), Some("http" | "https")) {
        return Err(wrong("expected an address that begins with http:// or https://"));
    }
    // An address is shown in logs and answers.
    if url
        .authority()
        .is_some_and(|authority| authority.as_str().contains('@'))
    {
        return Err(wrong("must not contain a password: put a token into `token`"));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refusal(settings: Settings) -> String {
        HttpSettings::read(&settings).map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn every_value_may_be_text() {
        let settings = json!({"url": "https://x.example/defs?team=a", "token": "t", "poll_ms": "250"});
        let settings = HttpSettings::read(&settings).unwrap();
        assert_eq!(settings.url.query(), Some("team=a"));
        assert_eq!(settings.poll, Duration::from_millis(250));
        assert_eq!(settings.timeout, Duration::from_secs(10));
    }

    #[test]
    fn a_refusal_names_the_key_and_shows_no_secret() {
        for (settings, expected) in [
            (
                json!({}),
                "data_source.http.url: is missing: give the address of the definitions",
            ),
            (
                json!({"url": "ftp://x/"}),
                "data_source.http.url: expected an address that begins with http:// or https://",
            ),
            (
                json!({"url": "/defs"}),
                "data_source.http.url: expected an address that begins with http:// or https://",
            ),
            (
                json!({"url": "http://anna:hunter2@x/"}),
                "data_source.http.url: must not contain a password: put a token into `token`",
            ),
            (
                json!({"url": "http://x/", "token": 7}),
                "data_source.http.token: expected text that is not empty",
            ),
            (
                json!({"url": "http://x/", "poll_ms": 1}),
                "data_source.http.poll_ms: expected a whole number from 10 to 3600000, not `1`",
            ),
            (
                json!({"url": "http://x/", "interval": 1}),
                "data_source.http.interval: no such setting; there are: url, token, poll_ms, timeout_ms, max_bytes",
            ),
        ] {
            assert_eq!(refusal(settings), expected);
        }
    }
}
