//! The headers of one call: the definition's, and the arguments that are headers or cookies.

use super::{
    arguments::{Arguments, Groups},
    leaf::{Filled, Scope},
};
use crate::{
    engine::{
        encode::{Plain, component, header_value, item},
        failure::Failure,
    },
    tool::{Call, read_header_name},
};
use http::{HeaderMap, HeaderValue, header};

pub(super) fn build(call: &Call, arguments: &Arguments<'_>, scope: &Scope<'_>) -> Result<HeaderMap, Failure> {
    let mut headers = call.headers.clone();
    for (header, leaf, field) in &call.header_leaves {
        let filled = scope.fill(leaf, field)?;
        let text = match &filled {
            Filled::Nothing => None,
            Filled::Text(text) => Some(text.clone()),
            Filled::Json(json) => simple(json)
                .map_err(|reason| Failure::argument(field, &reason))?
                .map(Into::into),
        };
        if let Some(text) = text {
            let value = header_value(text.as_bytes()).map_err(|reason| scope.blame(leaf, field, &reason))?;
            headers.insert(header.clone(), value);
        }
    }
    if let Some(groups) = &arguments.groups {
        header_group(&mut headers, call, groups)?;
        cookie_group(&mut headers, call, groups)?;
    }
    Ok(headers)
}

fn header_group(headers: &mut HeaderMap, call: &Call, groups: &Groups<'_>) -> Result<(), Failure> {
    for (name, raw) in groups.header.iter() {
        if call.is_placed_by_template(&["header", name]) {
            continue;
        }
        let wrong = |reason: &str| Failure::argument(&format!("/header/{name}"), reason);
        let header = read_header_name(name).map_err(&wrong)?;
        if call.taken_headers.contains(&header) {
            return Err(wrong("is given by the definition"));
        }
        if call
            .header_group
            .as_ref()
            .is_some_and(|declared| !declared.allows(name))
        {
            return Err(wrong(
                "is not a header of this tool; only headers that its schema names are sent",
            ));
        }
        if let Some(text) = simple(raw.get()).map_err(|reason| wrong(&reason))? {
            let value = header_value(text.as_bytes()).map_err(|reason| wrong(&reason))?;
            headers.insert(header, value);
        }
    }
    Ok(())
}

/// OpenAPI's `simple` style, not exploded; `None` for null.
fn simple(json: &str) -> Result<Option<String>, String> {
    let mut words = Vec::new();
    match Plain::read(json)? {
        Plain::Null => return Ok(None),
        Plain::Text(text) => return Ok(Some(text.into_owned())),
        Plain::List(items) => {
            for raw in items {
                words.push(item(raw.get())?.unwrap_or_default().into_owned());
            }
        }
        Plain::Object(members) => {
            for (name, raw) in members.iter() {
                words.push(name.to_owned());
                words.push(item(raw.get())?.unwrap_or_default().into_owned());
            }
        }
    }
    Ok(Some(words.join(",")))
}

fn cookie_group(headers: &mut HeaderMap, call: &Call, groups: &Groups<'_>) -> Result<(), Failure> {
    if groups.cookie.is_empty() {
        return Ok(());
    }
    let mut line = headers
        .get(header::COOKIE)
        .map(|value| value.as_bytes().to_vec())
        .unwrap_or_default();
    for (name, raw) in groups.cookie.iter() {
        if !call.is_placed_by_template(&["cookie", name]) {
            cookie(&mut line, name, raw.get())
                .map_err(|reason| Failure::argument(&format!("/cookie/{name}"), &reason))?;
        }
    }
    if let Ok(value) = HeaderValue::from_maybe_shared(bytes::Bytes::from(line))
        && !value.is_empty()
    {
        headers.insert(header::COOKIE, value);
    }
    Ok(())
}

fn cookie(line: &mut Vec<u8>, name: &str, json: &str) -> Result<(), String> {
    let mut add = |name: &str, value: &str| {
        // The grammar of cookie names is that of header names.
        if name.is_empty() || http::HeaderName::from_bytes(name.as_bytes()).is_err() {
            return Err(format!("`{name}` cannot be a cookie's name"));
        }
        if !line.is_empty() {
            line.extend_from_slice(b"; ");
        }
        line.extend_from_slice(name.as_bytes());
        line.push(b'=');
        component(line, value);
        Ok(())
    };
    match Plain::read(json)? {
        Plain::Null => Ok(()),
        Plain::Text(text) => add(name, &text),
        Plain::List(items) => items
            .iter()
            .try_for_each(|raw| item(raw.get())?.map_or(Ok(()), |text| add(name, &text))),
        Plain::Object(members) => members
            .iter()
            .try_for_each(|(name, raw)| item(raw.get())?.map_or(Ok(()), |text| add(name, &text))),
    }
}
