//! `http_polling`: a document at a URL that lists servers. It is asked for only if it is another one (`ETag`), and what it listed stays while it is away.

use super::{
    seen,
    web_address::{check_headers, check_url},
};
use async_trait::async_trait;
use bytes::Bytes;
use http::header;
use mcp_common::{
    discovery::{Discovery, Fetched, Habits, Look, NotSeen, Page, Pages, Surroundings},
    plugin::{DiscoveryFactory, PluginError, Settings, Table},
    secret::{ExposeSecret, Secret},
};
use serde_json::Value;
use std::{sync::Arc, time::Duration};

/// Makes `http_polling`.
#[derive(Default)]
pub struct HttpPolling;

#[mcp_common::discovery("http_polling")]
impl DiscoveryFactory for HttpPolling {
    fn habits(&self) -> Habits {
        Habits {
            interval: Duration::from_secs(30),
            // Whoever answers there would learn the secrets that it names.
            is_trusted: false,
            may_be_empty: false,
        }
    }

    fn check(&self, place: &str, settings: &Settings) -> Vec<PluginError> {
        Place::read(place, settings).err().into_iter().collect()
    }

    fn make(
        &self,
        place: &str,
        settings: &Settings,
        gateway: &Surroundings,
    ) -> Result<Box<dyn Discovery>, PluginError> {
        Ok(Box::new(Polled {
            place: Place::read(place, settings)?,
            pages: gateway.pages.clone(),
            most: gateway.max_bytes,
            etag: None,
            last: None,
        }))
    }
}

struct Place {
    url: String,
    headers: Vec<(String, Secret)>,
    timeout: Duration,
}

impl Place {
    fn read(place: &str, settings: &Settings) -> Result<Self, PluginError> {
        let table = Table::new(place, settings, &["url", "token", "headers", "timeout"])?;
        let url = table
            .text("url")?
            .ok_or_else(|| table.wrong("url", "is missing: where the document is that lists servers"))?;
        check_url(&table, "url", url)?;
        let mut headers = Vec::new();
        if let Some(token) = table.secret("token")? {
            let value = format!("Bearer {}", token.expose_secret());
            headers.push(("authorization".to_owned(), Secret::from(value)));
        }
        match table.get("headers") {
            None => {}
            Some(Value::Object(members)) => {
                for (name, value) in members {
                    let text = value
                        .as_str()
                        .ok_or_else(|| table.wrong("headers", "has a value that is no text"))?;
                    headers.push((name.clone(), Secret::from(text.to_owned())));
                }
            }
            Some(_) => return Err(table.wrong("headers", "expected a table of names and texts")),
        }
        check_headers(&table, &headers)?;
        Ok(Self {
            url: url.to_owned(),
            headers,
            timeout: Duration::from_secs(table.number("timeout", 1..=600, 10)?),
        })
    }
}

struct Polled {
    place: Place,
    pages: Arc<dyn Pages>,
    most: usize,
    etag: Option<String>,
    last: Option<Bytes>,
}

#[async_trait]
impl Discovery for Polled {
    async fn look(&mut self) -> Result<Look, NotSeen> {
        let page = Page {
            url: &self.place.url,
            headers: &self.place.headers,
            known: self.etag.as_deref(),
            timeout: self.place.timeout,
            max_bytes: self.most,
        };
        match self.pages.get(page).await.map_err(NotSeen::Away)? {
            Fetched::Same => Ok(Look::Same),
            Fetched::Page { body, headers } => {
                let etag = headers.get(header::ETAG).and_then(|etag| etag.to_str().ok());
                let etag = etag.map(str::to_owned);
                let seen = seen(body, &mut self.last);
                // Of what cannot be read nothing is known.
                self.etag = etag.filter(|_| seen.is_ok());
                seen.map_err(|reason| NotSeen::Away(format!("{} {reason}", self.place.url)))
            }
        }
    }
}
