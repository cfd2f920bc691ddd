//! What a caller is told who has no account connected that an upstream is used with: a page to open, in the way that the client understands.

use crate::{
    json::members::Members,
    oauth::Ticket,
    relay::{Answer, Line, Trouble},
    upstream::Hub,
};
use mcp_common::authenticator::Principal;
use serde_json::{Value, json, value::RawValue};
use std::{borrow::Cow, sync::Arc, time::Duration};

/// The name of our question among those of servers.
const QUESTION: &str = "dynmcp-connect-account";
/// How long a call waits for somebody who has opened the page; then they are asked again.
const PATIENCE: Duration = Duration::from_secs(30);

/// The caller of a request for something of an upstream.
pub(super) struct Connecting<'a> {
    hub: &'a Hub,
    upstream: &'a Arc<str>,
    principal: &'a Principal,
    owner: Option<Arc<str>>,
}

impl<'a> Connecting<'a> {
    pub(super) fn of(hub: &'a Hub, upstream: &'a Arc<str>, principal: &'a Principal) -> Self {
        Self {
            hub,
            upstream,
            principal,
            owner: principal.identity(),
        }
    }

    /// What tells the caller from all others.
    pub(super) fn owner(&self) -> Option<&Arc<str>> {
        self.owner.as_ref()
    }

    /// The parameters without the answer to our question, if there is one: whoever opens the page needs some time there, and whoever does not
    /// want to is not asked again.
    pub(super) async fn answered<'p>(&self, params: &'p str) -> Result<Cow<'p, str>, Trouble> {
        // Most requests answer nothing.
        if !params.contains(QUESTION) {
            return Ok(params.into());
        }
        let members = Members::read(params).map_err(Trouble::Invalid)?;
        let answers = members.get("inputResponses").map(RawValue::get).unwrap_or("{}");
        let Ok(answers) = Members::read(answers) else {
            return Ok(params.into());
        };
        let Some(own) = answers.get(QUESTION) else {
            return Ok(params.into());
        };
        let own: Value = serde_json::from_str(own.get()).unwrap_or_default();
        match (own["action"].as_str(), &self.owner) {
            (Some("decline" | "cancel"), _) => {
                return Err(Trouble::Failed(format!(
                    "The upstream `{}` is used with your own account there, and you did not want to connect one: nothing was called.",
                    self.upstream
                )));
            }
            (Some("accept"), Some(owner)) => {
                // Where nobody comes back in time they are asked again.
                let waiting = self.hub.until_connected(self.upstream, owner, PATIENCE);
                let _ = Box::pin(waiting).await;
            }
            _ => {}
        }
        let mut out = String::from("{");
        let mut member = |name: &str, value: &str| {
            let comma = if out.len() > 1 { "," } else { "" };
            out.extend([comma, &*json!(name).to_string(), ":", value]);
        };
        for (name, value) in members.iter() {
            if name != "inputResponses" {
                member(name, value.get());
                continue;
            }
            let others = answers.iter().filter(|(name, _)| *name != QUESTION);
            let others: Vec<String> = others
                .map(|(name, value)| format!("{}:{}", json!(name), value.get()))
                .collect();
            if !others.is_empty() {
                member(name, &format!("{{{}}}", others.join(",")));
            }
        }
        out.push('}');
        Ok(out.into())
    }

    /// Asks the caller to connect an account: by the result, where the client is asked so, or by what an older one or a person understands.
    pub(super) fn asked(&self, reason: &str, line: &Line, may_ask: bool) -> Result<Answer, Trouble> {
        let upstream = self.upstream;
        let Some(owner) = &self.owner else {
            return Err(Trouble::Failed(format!(
                "The upstream `{upstream}` is used with the account of each caller, and this call is nobody's in particular."
            )));
        };
        let ticket = Ticket {
            upstream: upstream.clone(),
            owner: owner.clone(),
            name: self.principal.subject.clone(),
        };
        let url = self.hub.connect_link(ticket).map_err(|error| {
            Trouble::Failed(format!(
                "The upstream `{upstream}` is used with your own account there ({reason}), and nobody can connect one: {error}."
            ))
        })?;
        let message = format!(
            "`{upstream}` is used with your own account there: {reason}. Open this page to connect it."
        );
        let opens = line.client().opens_pages();
        if opens && may_ask && line.asks_by_results() {
            let params = json!({"mode": "url", "message": message, "url": url});
            let question = json!({"method": "elicitation/create", "params": params});
            return Ok(Answer::asking(&json!({QUESTION: question})));
        }
        if opens && !line.asks_by_results() {
            let (_, id) = url.rsplit_once('/').unwrap_or_default();
            let page = json!({"mode": "url", "message": message, "url": url, "elicitationId": id});
            let data = RawValue::from_string(json!({"elicitations": [page]}).to_string());
            if let Ok(data) = data {
                return Err(Trouble::NeedsPages { message, data });
            }
        }
        Err(Trouble::Failed(format!(
            "The upstream `{upstream}` is used with your own account there: {reason}. Nothing was called. Open {url} in a browser, connect the account, \
             and call again."
        )))
    }
}
