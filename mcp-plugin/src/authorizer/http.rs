//! `http`: a service that is asked by POST. 200 allows, unless its body says otherwise; 403 refuses; anything else is no answer.

mod said;

use crate::trustworthy::is_trustworthy;
use async_trait::async_trait;
use mcp_common::{
    authorizer::{Authorizer, Opinion, Question},
    plugin::{AuthorizerFactory, Fetch, Message, PluginError, Settings, Table},
    secret::{ExposeSecret, Secret},
};
use serde::Serialize;
use std::sync::Arc;

const TABLE: &str = "authorizer.http";
/// A longer answer is none, in bytes.
const LONGEST_ANSWER: usize = 64 << 10;

/// Asks one service.
struct Service {
    url: String,
    /// The header `Authorization`, whole.
    authorization: Option<Secret>,
    /// As the document of OPA's data API: `{"input": …}`.
    wraps: bool,
    http: Arc<dyn Fetch>,
}

#[derive(Serialize)]
struct Wrapped<'a> {
    input: &'a Question<'a>,
}

#[async_trait]
impl Authorizer for Service {
    async fn decide(&self, question: &Question<'_>) -> Result<Opinion, String> {
        let body = match self.wraps {
            true => serde_json::to_vec(&Wrapped { input: question }),
            false => serde_json::to_vec(question),
        };
        let message = Message {
            url: &self.url,
            authorization: self.authorization.as_ref().map(|secret| secret.expose_secret()),
            body: body.map_err(|error| error.to_string())?,
        };
        said::opinion(&self.http.ask(message, LONGEST_ANSWER).await?)
    }
}

/// Makes the authorizer `http` from the table `authorizer.http`.
#[derive(Default)]
pub struct HttpFactory;

#[mcp_common::authorizer("http")]
impl AuthorizerFactory for HttpFactory {
    fn check(&self, settings: &Settings) -> Vec<PluginError> {
        read(settings).err().into_iter().collect()
    }

    fn make(&self, settings: &Settings, http: Arc<dyn Fetch>) -> Result<Arc<dyn Authorizer>, PluginError> {
        let (url, key, wraps) = read(settings)?;
        Ok(Arc::new(Service {
            url,
            authorization: key.map(|key| Secret::from(format!("Bearer {}", key.expose_secret()))),
            wraps,
            http,
        }))
    }
}

fn read(settings: &Settings) -> Result<(String, Option<Secret>, bool), PluginError> {
    let table = Table::new(TABLE, settings, &["url", "key", "format"])?;
    let url = table.text("url")?;
    let url = url.ok_or_else(|| table.wrong("url", "must be given: where the service is asked"))?;
    if !is_trustworthy(url) {
        let reason = "must begin with https://, or with http:// and a name of this machine, and has no credentials in it";
        return Err(table.wrong("url", reason));
    }
    let wraps = match table.text("format")? {
        None | Some("plain") => false,
        Some("opa") => true,
        Some(_) => return Err(table.wrong("format", "must be \"plain\" or \"opa\"")),
    };
    let key = table.secret("key")?;
    let is_sendable = |key: &Secret| {
        let text = key.expose_secret();
        text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    if key.as_ref().is_some_and(|key| !is_sendable(key)) {
        return Err(table.wrong("key", "must be letters, digits and signs, without blanks"));
    }
    Ok((url.to_owned(), key, wraps))
}
