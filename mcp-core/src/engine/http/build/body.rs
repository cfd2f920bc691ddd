//! The body of one call.

mod base64;
mod fields;
mod members;
mod multipart;
mod rest;

use super::{arguments::Arguments, leaf::Scope, template};
use crate::{
    encode::Plain,
    engine::{failure::Failure, result::Outcome},
    json::{members::Members, pointer::pointer_of},
    tool::{Body, BodyPlan, Call, Content, Format},
};
use bytes::Bytes;
use http::HeaderValue;
use std::borrow::Cow;

/// Ready to be sent.
#[derive(Debug)]
pub(super) struct Payload {
    pub(super) bytes: Bytes,
    pub(super) content_type: HeaderValue,
}

/// `None` for a call without a body.
pub(super) fn build(
    call: &Call,
    arguments: &Arguments<'_>,
    scope: &Scope<'_>,
    max_bytes: u64,
) -> Result<Option<Payload>, Failure> {
    let plain = |bytes| Payload {
        bytes,
        content_type: call.content_type.clone(),
    };
    match &call.body {
        Body::Rest => Ok(rest::build(call, arguments).map(plain)),
        Body::None => match &arguments.groups {
            Some(groups) if groups.body.is_some() => Err(Failure::argument(
                "/body",
                "has no place: this tool sends no body",
            )),
            _ => Ok(None),
        },
        Body::Built(plan) => built(call, plan, arguments, scope, max_bytes),
    }
}

pub(super) fn too_large(size: u64, max_bytes: u64) -> Failure {
    let text = format!(
        "The request body has at least {size} bytes, at most {max_bytes} are allowed; nothing was sent."
    );
    Failure::new(Outcome::TooLarge, text)
}

fn built(
    call: &Call,
    plan: &BodyPlan,
    arguments: &Arguments<'_>,
    scope: &Scope<'_>,
    max_bytes: u64,
) -> Result<Option<Payload>, Failure> {
    let value = value(call, plan, arguments, scope)?;
    let name = name(plan, arguments);
    let wrong = |reason: String| Failure::argument(&name, &reason);
    let plain = |bytes| Payload {
        bytes,
        content_type: call.content_type.clone(),
    };
    let fields = |json: &Option<Cow<'_, str>>| match json.as_deref() {
        Some(json) if !json.starts_with('{') => Err(wrong(
            "must be an object: its members are the fields of the body".into(),
        )),
        _ => Ok(()),
    };
    match &plan.format {
        Format::Json => Ok(value.map(|json| plain(json.into_owned().into_bytes().into()))),
        Format::Raw { is_base64 } => {
            let Some(json) = value else { return Ok(None) };
            let mut content = Vec::new();
            append(&mut content, &json, *is_base64, max_bytes).map_err(wrong)?;
            if !is_base64 && is_xml(&call.content_type) {
                check_xml(&content).map_err(wrong)?;
            }
            Ok(Some(plain(content.into())))
        }
        Format::Form(encodings) => {
            fields(&value)?;
            let Some(json) = value else { return Ok(None) };
            let members = Members::read(&json).map_err(wrong)?;
            let taken = (&plan.taken, arguments.is_guarded);
            let form = fields::form(&members, encodings, taken, max_bytes)
                .map_err(|(field, reason)| Failure::argument(&pointer_of(&[field]), &reason))?;
            Ok(Some(plain(form.into())))
        }
        Format::Multipart(multipart) => {
            fields(&value)?;
            let json = value.unwrap_or(Cow::Borrowed("{}"));
            let members = Members::read(&json).map_err(wrong)?;
            let fields = multipart::Fields {
                members,
                taken: (&plan.taken, arguments.is_guarded),
            };
            multipart::build(call, multipart, &fields, arguments, scope, max_bytes)
        }
    }
}

/// The value that is the body, or whose members are its fields, as JSON text.
fn value<'a>(
    call: &Call,
    plan: &'a BodyPlan,
    arguments: &Arguments<'a>,
    scope: &Scope<'a>,
) -> Result<Option<Cow<'a, str>>, Failure> {
    match &plan.content {
        Content::Root(path) => {
            check_rest(call, arguments)?;
            let value = arguments
                .at(path)
                .map_err(|reason| Failure::argument(&pointer_of(path), &reason))?;
            Ok(value.map(|raw| Cow::Borrowed(raw.get())))
        }
        Content::Template(template) => {
            check_rest(call, arguments)?;
            let mut out = Vec::new();
            let is_there = template::write(&mut out, template, scope)?;
            let text = String::from_utf8(out).unwrap_or_default();
            Ok(is_there.then_some(Cow::Owned(text)))
        }
        Content::Members { params, tree, taken } => {
            if let (Format::Raw { .. }, Some(groups)) = (&plan.format, &arguments.groups) {
                return Ok(groups.body.map(|raw| Cow::Borrowed(raw.get())));
            }
            members::build(call, params, tree, taken, arguments, scope)
        }
    }
}

/// The argument to blame when the body as a whole is wrong.
fn name(plan: &BodyPlan, arguments: &Arguments<'_>) -> String {
    match (&plan.content, &arguments.groups) {
        (Content::Root(path), _) => pointer_of(path),
        (Content::Template(_), _) => "tds_ext_info.body.template".to_owned(),
        (Content::Members { .. }, Some(_)) => "/body".to_owned(),
        (Content::Members { .. }, None) => "(root)".to_owned(),
    }
}

/// Where the body is one argument or a template, no other argument has a place in it.
fn check_rest(call: &Call, arguments: &Arguments<'_>) -> Result<(), Failure> {
    let lost = |pointer: &str| {
        Err(Failure::argument(
            pointer,
            "has no place: the definition says what the body is",
        ))
    };
    let Some(groups) = &arguments.groups else {
        let is_lost = |name: &str| !call.path.has(name) && !call.is_placed(&[name]);
        let mut names = arguments.root.iter().map(|(name, _)| name);
        return match names.find(|name| !call.rest_in_query && is_lost(name)) {
            Some(name) => lost(&pointer_of(&[name])),
            None => Ok(()),
        };
    };
    let Some(body) = groups.body.filter(|body| body.get().starts_with('{')) else {
        return Ok(());
    };
    let members = Members::read(body.get()).map_err(|reason| Failure::argument("/body", &reason))?;
    let mut names = members.iter().map(|(name, _)| name);
    match names.find(|name| !call.is_placed(&["body", name])) {
        Some(name) => lost(&pointer_of(&["body", name])),
        None => Ok(()),
    }
}

/// Appends a text as it is, or the bytes that it stands for; other values as JSON text.
fn append(out: &mut Vec<u8>, json: &str, is_base64: bool, max_bytes: u64) -> Result<(), String> {
    let text = match json.as_bytes().first() {
        Some(b'"') => match Plain::read(json)? {
            Plain::Text(text) => text,
            _ => Cow::Borrowed(json),
        },
        _ if is_base64 => return Err("must be a text: bytes, written in base64".into()),
        _ => Cow::Borrowed(json),
    };
    let too_large = |size: usize| format!("has {size} bytes, at most {max_bytes} are allowed");
    if !is_base64 {
        if text.len() as u64 > max_bytes {
            return Err(too_large(text.len()));
        }
        out.extend_from_slice(text.as_bytes());
        return Ok(());
    }
    if text.starts_with("data:") {
        return Err("is not base64; give the bytes alone, without `data:…,` before them".into());
    }
    // A look at the length comes before room is made for the bytes. Line breaks in the text make it longer, not more.
    if text.len() as u64 / 4 * 3 > max_bytes.saturating_mul(2) {
        return Err(too_large(text.len() / 4 * 3));
    }
    let start = out.len();
    // With room for what ends a multipart body, so that it is not moved.
    out.reserve(text.len() / 4 * 3 + 256);
    base64::append(out, &text)?;
    let size = out.len() - start;
    if size as u64 > max_bytes {
        return Err(too_large(size));
    }
    Ok(())
}

fn is_xml(content_type: &HeaderValue) -> bool {
    let text = content_type.to_str().unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default().trim();
    let kind = essence.rsplit(['/', '+']).next().unwrap_or_default();
    kind.eq_ignore_ascii_case("xml")
}

/// Characters that no XML 1.0 document can have, escaped or not (its section 2.2). Leaving them out would change a value in
/// silence, and sending them would leave it to the upstream what it makes of them.
fn check_xml(text: &[u8]) -> Result<(), String> {
    let is_wrong =
        |c: &char| matches!(c, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}');
    let text = std::str::from_utf8(text).unwrap_or_default();
    match text.chars().find(is_wrong) {
        Some(wrong) => Err(format!(
            "has the character U+{:04X}, which no XML document can have",
            u32::from(wrong)
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{append, check_xml, is_xml};
    use http::HeaderValue;

    #[test]
    fn xml_has_no_control_characters() {
        for kind in [
            "text/xml; charset=utf-8",
            "application/soap+xml",
            "application/XML",
        ] {
            assert!(is_xml(&HeaderValue::from_static(kind)), "{kind}");
        }
        assert!(!is_xml(&HeaderValue::from_static("text/html")));
        assert_eq!(
            check_xml("a\t\r\n\u{7f}\u{85}ü\u{fffd}\u{1F600}".as_bytes()),
            Ok(())
        );
        for (text, name) in [
            ("a\0", "U+0000"),
            ("\u{1f}", "U+001F"),
            ("\u{ffff}", "U+FFFF"),
            ("a\u{b}b", "U+000B"),
        ] {
            assert!(check_xml(text.as_bytes()).unwrap_err().contains(name));
        }
    }

    fn content(json: &str, is_base64: bool, max_bytes: u64) -> Result<Vec<u8>, String> {
        let mut out = Vec::new();
        append(&mut out, json, is_base64, max_bytes).map(|()| out)
    }

    #[test]
    fn content_has_a_bound() {
        assert_eq!(content(r#""a\nü""#, false, 4).unwrap(), "a\nü".as_bytes());
        assert!(
            content(r#""abcde""#, false, 4)
                .unwrap_err()
                .contains("has 5 bytes, at most 4")
        );
        assert!(
            content("\"QUJDREU=\"", true, 4)
                .unwrap_err()
                .contains("has 5 bytes, at most 4")
        );
        assert!(content("5", true, 4).is_err());
        assert_eq!(content("1.10", false, 4).unwrap(), b"1.10");
        let data_url = "\"data:text/plain;base64,QQ==\"";
        assert!(content(data_url, true, 1).unwrap_err().contains("without `data:"));
    }
}
