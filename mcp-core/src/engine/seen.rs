//! What a template sees of a call, as texts: they go to another process and are read there.

use super::{CallContext, caller};
use crate::tool::{InstanceNames, template::exact_value};
use http::HeaderName;
use minijinja::Value;
use serde_json::json;
use std::{borrow::Cow, collections::BTreeMap};

/// The body of an answer, which somebody else wrote.
pub(super) const BODY: &str = "body";
const INSTANCE: &str = "instance";
const PRINCIPAL: &str = "principal";
const REQUEST: &str = "request";

/// JSON texts by name.
#[derive(Clone, Debug)]
pub(crate) struct Seen<'a>(Vec<(&'static str, Cow<'a, str>)>);

impl<'a> Seen<'a> {
    /// What every template sees, and `own` beside it. `headers` are those of the client's request that are named.
    pub(super) fn new<'h>(
        context: &CallContext<'_>,
        headers: impl Iterator<Item = &'h HeaderName>,
        own: Vec<(&'static str, Cow<'a, str>)>,
    ) -> Self {
        let mut texts = own;
        let principal = context.principal;
        let claims = principal.attributes.as_deref().map(|it| &it.claims);
        let principal = json!({"sub": principal.subject, "roles": principal.roles(), "claims": claims});
        texts.push((PRINCIPAL, principal.to_string().into()));
        texts.push((INSTANCE, context.instance.to_json().into()));
        let headers: BTreeMap<&str, Cow<'_, str>> = headers
            .filter_map(|name| Some((name.as_str(), caller::header(context, name)?.ok()?)))
            .collect();
        texts.push((REQUEST, json!(headers).to_string().into()));
        Self(texts)
    }

    /// The texts, each after its name.
    pub(super) fn texts(&self) -> Vec<&str> {
        self.0.iter().flat_map(|(name, text)| [*name, text]).collect()
    }
}

/// The names as a template sees them, of [such](Seen::texts) texts.
pub(super) fn read(texts: &[&str]) -> Result<Value, String> {
    let pairs = texts.chunks_exact(2).map(|pair| {
        let (name, text) = (pair[0], pair[1]);
        let value = match name {
            BODY => exact_value::read_loosely(text)?,
            INSTANCE => InstanceNames::of_json(text)
                .map_err(|error| error.to_string())?
                .value(),
            REQUEST => caller::request_of(serde_json::from_str(text).map_err(|error| error.to_string())?),
            _ => exact_value::read(text)?,
        };
        Ok((name.to_owned(), value))
    });
    let names: Result<BTreeMap<String, Value>, String> = pairs.collect();
    names.map(Value::from)
}
