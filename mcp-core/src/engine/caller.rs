//! What templates see of the caller: who it is, and the headers of its request that they name.

use super::CallContext;
use crate::tool::{CallerName, template::exact_value, var};
use http::HeaderName;
use mcp_common::authenticator::{Attributes, Principal};
use minijinja::{
    Error, ErrorKind,
    value::{Enumerator, Object, ObjectRepr, Value},
};
use std::{borrow::Cow, collections::HashMap, sync::Arc};

/// `principal`. Only what a template looks at is read.
#[derive(Debug)]
struct Named(Principal);

impl Object for Named {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match key.as_str()? {
            "sub" => Some(Value::from(self.0.subject.clone())),
            "roles" => Some(self.0.roles().iter().map(String::as_str).collect()),
            "claims" => Some(Value::from_object(Claims(self.0.attributes.clone()))),
            _ => None,
        }
    }
}

/// `principal.claims`.
#[derive(Debug)]
struct Claims(Option<Arc<Attributes>>);

impl Object for Claims {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let raw = self.0.as_deref()?.claims.get(key.as_str()?)?;
        let unreadable = |reason| Value::from(Error::new(ErrorKind::BadSerialization, reason));
        Some(exact_value::read(raw.get()).unwrap_or_else(unreadable))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::NonEnumerable
    }
}

/// The caller, as templates and conditions name it.
pub(crate) fn principal(principal: &Principal) -> Value {
    Value::from_object(Named(principal.clone()))
}

/// `request.headers`: those that the templates name, whatever the letter case.
#[derive(Debug)]
struct Headers(HashMap<HeaderName, Value>);

impl Object for Headers {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = HeaderName::from_bytes(key.as_str()?.as_bytes()).ok()?;
        self.0.get(&name).cloned()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::NonEnumerable
    }
}

/// `request`; nothing where no header is named.
pub(super) fn request<'a>(
    context: &CallContext<'_>,
    mut named: impl Iterator<Item = &'a HeaderName>,
) -> Value {
    let Some(first) = named.next() else {
        return Value::UNDEFINED;
    };
    let mut found = HashMap::new();
    for name in std::iter::once(first).chain(named) {
        let value = header(context, name).map(|text| match text {
            Ok(text) => Value::from(text.as_ref()),
            Err(reason) => Value::from(Error::new(ErrorKind::InvalidOperation, reason)),
        });
        found.extend(value.map(|value| (name.clone(), value)));
    }
    let headers = Value::from_object(Headers(found));
    minijinja::context! { headers }
}

/// The same of texts by name.
pub(super) fn request_of(headers: HashMap<String, String>) -> Value {
    let named = headers.into_iter().filter_map(|(name, text)| {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        Some((name, Value::from(text)))
    });
    let headers = Value::from_object(Headers(named.collect()));
    minijinja::context! { headers }
}

/// The header's text; of several lines one, as RFC 9110, section 5.3, joins them.
pub(super) fn header<'a>(
    context: &CallContext<'a>,
    name: &HeaderName,
) -> Option<Result<Cow<'a, str>, String>> {
    let mut lines = context.headers?.get_all(name).iter().peekable();
    lines.peek()?;
    let texts: Result<Vec<&str>, _> = lines.map(|line| std::str::from_utf8(line.as_bytes())).collect();
    Some(match texts.as_deref() {
        Ok([one]) => Ok(Cow::Borrowed(one)),
        Ok(several) => Ok(Cow::Owned(several.join(", "))),
        Err(_) => Err(format!(
            "cannot be made: the header `{name}` of the request is not text"
        )),
    })
}

/// A claim as JSON text.
pub(super) fn claim<'a>(principal: &'a Principal, path: &[String]) -> Option<&'a str> {
    var(&principal.attributes.as_deref()?.claims, path)
}

/// The names that this caller does not have, as a sentence has them; `None` if it has them all.
pub(super) fn lacking<'a>(
    context: &CallContext<'_>,
    named: impl Iterator<Item = &'a CallerName>,
) -> Option<String> {
    let mut lacking: Vec<String> = Vec::new();
    for name in named {
        let is_there = match name {
            CallerName::Claim(path) => claim(context.principal, path).is_some(),
            CallerName::Header(header) => context
                .headers
                .is_some_and(|headers| headers.contains_key(header)),
        };
        let text = format!("`{name}`");
        if !is_there && !lacking.contains(&text) {
            lacking.push(text);
        }
    }
    (!lacking.is_empty()).then(|| lacking.join(", "))
}
