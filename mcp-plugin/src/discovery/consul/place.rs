//! Which services of which Consul are wanted, and how it is asked for them.

use crate::discovery::{
    replicas::{self, Template},
    web_address::{check_headers, check_url},
};
use mcp_common::{
    plugin::{PluginError, Settings, Table},
    secret::Secret,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::{sync::Arc, time::Duration};

/// What stands for itself in a URL (RFC 3986, section 2.3).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// Where an agent listens.
const AGENT: &str = "http://127.0.0.1:8500";
/// The tag of those that are wanted, where nothing else is said.
const TAG: &str = "mcp";

pub(super) struct Place {
    url: String,
    pub(super) headers: Vec<(String, Secret)>,
    tag: Option<String>,
    services: Vec<Arc<str>>,
    datacenter: Option<String>,
    pub(super) timeout: Duration,
    pub(super) template: Template,
}

impl Place {
    pub(super) fn read(place: &str, settings: &Settings) -> Result<Self, PluginError> {
        let own = ["url", "token", "tag", "services", "datacenter", "timeout"];
        let table = Table::new(place, settings, &[&own[..], &replicas::SETTINGS].concat())?;
        let url = table.text("url")?.unwrap_or(AGENT);
        check_url(&table, "url", url)?;
        let token = table.secret("token")?;
        let headers: Vec<_> = token
            .map(|token| ("x-consul-token".to_owned(), token))
            .into_iter()
            .collect();
        check_headers(&table, &headers).map_err(|_| table.wrong("token", "cannot stand in a header"))?;
        let services = table.words("services")?;
        let tag = match table.text("tag")? {
            None => Some(TAG.to_owned()).filter(|_| services.is_empty()),
            Some(tag) if tag.contains(['"', '\\']) || tag.chars().any(char::is_control) => {
                return Err(table.wrong("tag", "must have no quotes, backslashes and control characters"));
            }
            Some(tag) => Some(tag.to_owned()),
        };
        Ok(Self {
            url: url.trim_end_matches('/').to_owned(),
            headers,
            tag,
            services,
            datacenter: table.text("datacenter")?.map(str::to_owned),
            timeout: Duration::from_secs(table.number("timeout", 1..=600, 10)?),
            template: Template::read(&table)?,
        })
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Whether a service with these tags is meant.
    pub(super) fn wants(&self, name: &str, tags: &[String]) -> bool {
        let is_named = self.services.is_empty() || self.services.iter().any(|service| **service == *name);
        is_named && self.tag.as_ref().is_none_or(|tag| tags.contains(tag))
    }

    /// Which services there are.
    pub(super) fn services(&self) -> String {
        format!("/v1/catalog/services?{}", self.datacenter())
    }

    /// The instances of one that pass all of their checks. An instance has the tag itself, not only another one of the service.
    pub(super) fn instances(&self, name: &str) -> String {
        let name = utf8_percent_encode(name, UNRESERVED);
        let mut path = format!("/v1/health/service/{name}?passing=true&{}", self.datacenter());
        if let Some(tag) = &self.tag {
            let filter = format!("\"{tag}\" in Service.Tags");
            path += &format!("&filter={}", utf8_percent_encode(&filter, UNRESERVED));
        }
        path
    }

    fn datacenter(&self) -> String {
        let name = self.datacenter.as_deref().unwrap_or_default();
        format!("dc={}", utf8_percent_encode(name, UNRESERVED))
    }
}
