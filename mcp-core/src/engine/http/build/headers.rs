//! The headers of one call: the definition's, and the arguments that are headers or cookies.

use super::{
    arguments::{Arguments, Groups},
    leaf::{Filled, Scope},
    param,
};
use crate::{
    encode::{self, MAX_HEADER, MAX_HEADERS, Plain, component, header_value, item, simple},
    engine::failure::Failure,
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
            Filled::Json(json) => simple(json, false)
                .map_err(|reason| Failure::argument(field, &reason))?
                .map(Into::into),
        };
        if let Some(text) = text {
            let value = header_value(text.as_bytes()).map_err(|reason| scope.blame(leaf, field, &reason))?;
            headers.insert(header.clone(), value);
        }
    }
    for (header, param) in &call.params.header {
        let given = arguments.given(param.place, &param.name);
        let Some(json) = param::value(param, arguments, given, scope)? else {
            continue;
        };
        let text = encode::header_text(&json, param.spelling);
        let value = text.and_then(|text| text.map(|text| header_value(text.as_bytes())).transpose());
        if let Some(value) = value.map_err(|reason| param::blame(param, arguments, &reason))? {
            headers.insert(header.clone(), value);
        }
    }
    if !call.params.cookie.is_empty() {
        declared_cookies(&mut headers, call, arguments, scope)?;
    }
    if let Some(groups) = &arguments.groups {
        header_group(&mut headers, call, groups)?;
        cookie_group(&mut headers, call, groups)?;
    }
    Ok(headers)
}

fn header_group(headers: &mut HeaderMap, call: &Call, groups: &Groups<'_>) -> Result<(), Failure> {
    for (name, raw) in groups.header.iter() {
        if call.is_placed(&["header", name]) {
            continue;
        }
        let wrong = |reason: &str| Failure::argument(&format!("/header/{name}"), reason);
        let header = read_header_name(name).map_err(&wrong)?;
        if call.taken_headers.contains(&header) {
            return Err(wrong("is given by the definition"));
        }
        if !call.declared_names.has_header(name) {
            return Err(wrong(
                "is not a header of this tool; only headers that its definition names are sent",
            ));
        }
        if let Some(text) = simple(raw.get(), false).map_err(|reason| wrong(&reason))? {
            let value = header_value(text.as_bytes()).map_err(|reason| wrong(&reason))?;
            if headers.len() >= MAX_HEADERS {
                return Err(wrong(&format!(
                    "is one too many: at most {MAX_HEADERS} headers are sent"
                )));
            }
            headers.insert(header, value);
        }
    }
    Ok(())
}

fn declared_cookies(
    headers: &mut HeaderMap,
    call: &Call,
    arguments: &Arguments<'_>,
    scope: &Scope<'_>,
) -> Result<(), Failure> {
    let mut line = cookie_line(headers);
    for (index, param) in call.params.cookie.iter().enumerate() {
        let given = arguments.given(param.place, &param.name);
        if let Some(json) = param::value(param, arguments, given, scope)? {
            let has_names_of_its_own = !param.is_own();
            encode::pairs(&param.wire, &json, param.spelling, &mut |name, words| {
                let giver = call.taken_cookies.gives(name, Some(index), arguments.is_guarded);
                if let Some(giver) = giver.filter(|_| has_names_of_its_own && name != param.wire) {
                    return Err(giver.refusal(name));
                }
                cookie_name(&mut line, name)?;
                words.encode(&mut line);
                check_line(&line)
            })
            .map_err(|reason| param::blame(param, arguments, &reason))?;
        }
    }
    set_cookie_line(headers, line);
    Ok(())
}

fn cookie_group(headers: &mut HeaderMap, call: &Call, groups: &Groups<'_>) -> Result<(), Failure> {
    if groups.cookie.is_empty() {
        return Ok(());
    }
    let mut line = cookie_line(headers);
    for (name, raw) in groups.cookie.iter() {
        if !call.is_placed(&["cookie", name]) {
            cookie(&mut line, name, raw.get(), call)
                .map_err(|reason| Failure::argument(&format!("/cookie/{name}"), &reason))?;
        }
    }
    set_cookie_line(headers, line);
    Ok(())
}

fn cookie_line(headers: &HeaderMap) -> Vec<u8> {
    let line = headers.get(header::COOKIE);
    line.map(|value| value.as_bytes().to_vec()).unwrap_or_default()
}

fn set_cookie_line(headers: &mut HeaderMap, line: Vec<u8>) {
    if let Ok(value) = HeaderValue::from_maybe_shared(bytes::Bytes::from(line))
        && !value.is_empty()
    {
        headers.insert(header::COOKIE, value);
    }
}

/// A list repeats its name before each item.
fn check_line(line: &[u8]) -> Result<(), String> {
    if line.len() <= MAX_HEADER {
        return Ok(());
    }
    Err(format!(
        "makes a Cookie header of more than {MAX_HEADER} bytes, which are not sent"
    ))
}

/// Begins one more cookie.
fn cookie_name(line: &mut Vec<u8>, name: &str) -> Result<(), String> {
    // The grammar of cookie names is that of header names.
    if name.is_empty() || http::HeaderName::from_bytes(name.as_bytes()).is_err() {
        return Err(format!("`{name}` cannot be a cookie's name"));
    }
    if !line.is_empty() {
        line.extend_from_slice(b"; ");
    }
    line.extend_from_slice(name.as_bytes());
    line.push(b'=');
    Ok(())
}

fn cookie(line: &mut Vec<u8>, name: &str, json: &str, call: &Call) -> Result<(), String> {
    let unknown =
        || "is not a cookie of this tool; only cookies that its definition names are sent".to_owned();
    let mut add = |name: &str, is_declared: bool, value: &str| {
        // A cookie has no brackets that lead inside.
        if let Some(giver) = call.taken_cookies.gives(name, None, true) {
            return Err(giver.refusal(name));
        }
        if !is_declared {
            return Err(unknown());
        }
        cookie_name(line, name)?;
        component(line, value);
        check_line(line)
    };
    let is_declared = call.declared_names.has_cookie(name);
    match Plain::read(json)? {
        Plain::Null if is_declared => Ok(()),
        Plain::Null => Err(unknown()),
        Plain::Text(text) => add(name, is_declared, &text),
        Plain::List(items) => items
            .iter()
            .try_for_each(|raw| item(raw.get())?.map_or(Ok(()), |text| add(name, is_declared, &text))),
        Plain::Object(members) => members.iter().try_for_each(|(member, raw)| {
            let is_declared = call.declared_names.has_cookie_in(name, member);
            item(raw.get())?.map_or(Ok(()), |text| {
                add(member, is_declared, &text).map_err(|reason| format!("its member `{member}` {reason}"))
            })
        }),
    }
}
