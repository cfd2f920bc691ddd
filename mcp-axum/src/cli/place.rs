//! Where keys and roles are: the configured data source, or a running gateway.

use crate::{
    cli::{
        Failure, foreign,
        gateway::GatewayArguments,
        store::{LocalStore, PRINCIPAL, Use},
    },
    client::Gateway,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use mcp_common::{
    document::Document,
    key::{Key, Kind, Revision},
};
use mcp_core::authoring::writer::{Delete, Expectation, Put};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use std::{path::PathBuf, sync::Arc};

/// What one page of a list has at the most.
const PAGE: usize = 200;

/// Where the definitions of one command are: opened once, so that what is written goes by what was read.
pub(super) enum Place {
    /// The configured data source.
    Here(Box<LocalStore>),
    /// A gateway.
    There(Box<Gateway>),
}

/// A definition as it is stored.
#[derive(Clone)]
pub(super) struct Stored {
    pub(super) key: Key,
    pub(super) document: Document,
    pub(super) revision: Revision,
}

impl Place {
    pub(super) async fn open(
        config: Option<PathBuf>,
        gateway: &GatewayArguments,
        purpose: Use,
    ) -> Result<Self, Failure> {
        Ok(match gateway.gateway()? {
            Some(gateway) => Self::There(Box::new(gateway)),
            None => Self::Here(Box::new(LocalStore::open(config, purpose).await?)),
        })
    }

    /// All definitions of a kind, as they are stored.
    pub(super) async fn all(&self, kind: Kind) -> Result<Vec<Stored>, Failure> {
        let gateway = match self {
            Self::There(gateway) => gateway,
            Self::Here(store) => {
                let load = store.load().await?;
                let of_kind = load.records.into_iter().filter(|record| record.key.kind == kind);
                let read = of_kind.map(|record| Stored {
                    // What is no JSON stands here as nothing; a gateway may know what it was before.
                    document: Document::take(record.body).unwrap_or_default(),
                    key: record.key,
                    revision: record.revision,
                });
                return Ok(read.collect());
            }
        };
        all_of_gateway(gateway, kind).await
    }

    /// Stores a definition where there is none of this id, or in the place of the one that was read, if nobody changed it meanwhile.
    pub(super) async fn write(
        &self,
        key: &Key,
        document: &Document,
        before: Option<Revision>,
    ) -> Result<(), Failure> {
        self.write_and(key, document, before, false).await
    }

    /// The same; with `force` also where it takes away the last key that may write keys.
    pub(super) async fn write_and(
        &self,
        key: &Key,
        document: &Document,
        before: Option<Revision>,
        force: bool,
    ) -> Result<(), Failure> {
        let warnings = match self {
            Self::There(gateway) => {
                let expected = match before {
                    Some(revision) => (header::IF_MATCH, format!("\"{revision}\"")),
                    None => (header::IF_NONE_MATCH, "*".to_owned()),
                };
                let value = HeaderValue::try_from(expected.1).map_err(Failure::runtime)?;
                let headers = HeaderMap::from_iter([(expected.0, value)]);
                let body = document.to_json();
                let answer = gateway
                    .send(Method::PUT, &forced(key, force), headers, body)
                    .await?;
                gateway.data::<Value>(&answer)?;
                answer.warnings()
            }
            Self::Here(store) => {
                let put = Put {
                    key,
                    document,
                    expectation: before.map_or(Expectation::Absent, Expectation::Revision),
                    strict: false,
                    dry_run: false,
                    keep_admin: !force && store.keeps_an_admin(),
                    warnings: Vec::new(),
                    principal: PRINCIPAL,
                };
                let written = store.writer.put(put).await?;
                store.arrived(written.revision).await;
                written.warnings
            }
        };
        for warning in warnings {
            eprintln!("note: {}", foreign::line(&warning));
        }
        Ok(())
    }

    pub(super) async fn delete(&self, key: &Key) -> Result<(), Failure> {
        self.delete_and(key, false).await
    }

    /// The same; with `force` also the last key that may write keys.
    pub(super) async fn delete_and(&self, key: &Key, force: bool) -> Result<(), Failure> {
        match self {
            Self::There(gateway) => {
                let answer = gateway
                    .send(Method::DELETE, &forced(key, force), HeaderMap::new(), "")
                    .await?;
                gateway.data::<Value>(&answer)?;
            }
            Self::Here(store) => {
                let written = store
                    .writer
                    .delete(Delete {
                        key,
                        expectation: Expectation::Any,
                        dry_run: false,
                        keep_admin: !force && store.keeps_an_admin(),
                        principal: PRINCIPAL,
                    })
                    .await?;
                store.arrived(written.revision).await;
            }
        }
        Ok(())
    }

    /// What a gateway has seen of it: the one that is asked, or the one that has this configuration, as far as that has written it down.
    pub(super) async fn usage(&self, key: &Key) -> Result<Option<Value>, Failure> {
        let gateway = match self {
            Self::There(gateway) => gateway,
            Self::Here(store) => return Ok(store.usage(key)),
        };
        let answer = gateway.get(&format!("{}/usage", path(key))).await?;
        match answer.status {
            StatusCode::NOT_FOUND => Ok(None),
            _ => Ok(Some(gateway.data(&answer)?)),
        }
    }
}

/// Page by page.
pub(super) async fn all_of_gateway(gateway: &Gateway, kind: Kind) -> Result<Vec<Stored>, Failure> {
    let mut all = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/admin/{}?limit={PAGE}{cursor}", kind.path_segment());
        let answer = gateway.get(&path).await?;
        let page: Vec<Box<RawValue>> = gateway.data(&answer)?;
        for text in page {
            all.push(shown(kind, text.get()).map_err(Failure::runtime)?);
        }
        let envelope: Value = serde_json::from_slice(&answer.body).map_err(Failure::runtime)?;
        match envelope["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={}", utf8_percent_encode(next, NON_ALPHANUMERIC)),
            None => return Ok(all),
        }
    }
}

/// What a gateway shows, as it is stored: without what it writes itself.
fn shown(kind: Kind, text: &str) -> Result<Stored, serde_json::Error> {
    #[derive(Deserialize)]
    struct Own {
        id: Arc<str>,
        revision: Revision,
    }
    let Own { id, revision } = serde_json::from_str(text)?;
    let mut document: Document = serde_json::from_str(text)?;
    for member in ["revision", "updated_at"] {
        document.remove(member);
    }
    Ok(Stored {
        key: Key { kind, id },
        document,
        revision,
    })
}

/// A gateway that knows no `force` need not be told that there is none.
fn forced(key: &Key, force: bool) -> String {
    let query = if force { "?force=true" } else { "" };
    format!("{}{query}", path(key))
}

fn path(key: &Key) -> String {
    let id = utf8_percent_encode(&key.id, NON_ALPHANUMERIC);
    format!("/admin/{}/{id}", key.kind.path_segment())
}
