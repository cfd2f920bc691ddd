//! `multipart/form-data` (RFC 7578): fields, and files out of arguments.

mod writer;

use super::{Payload, append, fields::check};
use crate::{
    encode::{self, Plain},
    engine::{
        failure::Failure,
        http::build::{
            arguments::Arguments,
            leaf::{Filled, Scope},
        },
        result::Outcome,
    },
    json::{members::Members, pointer::pointer_of},
    tool::{Call, FieldSpelling, Leaf, Multipart, Part, TakenFields},
};
use http::{HeaderName, HeaderValue};
use serde_json::value::RawValue;
use writer::{Head, Writer};

const JSON: &str = "application/json";

/// The body's value, taken apart.
pub(super) struct Fields<'a> {
    pub(super) members: Members<'a>,
    /// And whether the instance's arguments are guarded.
    pub(super) taken: (&'a TakenFields, bool),
}

pub(super) fn build(
    call: &Call,
    multipart: &Multipart,
    fields: &Fields<'_>,
    arguments: &Arguments<'_>,
    scope: &Scope<'_>,
    max_bytes: u64,
) -> Result<Option<Payload>, Failure> {
    let mut writer = Writer::new(max_bytes)?;
    for (name, raw) in fields.members.iter() {
        writer.field(
            name,
            raw.get(),
            multipart.encodings.get(name),
            fields.taken,
            scope,
        )?;
    }
    for part in &multipart.parts {
        writer.files(part, arguments, scope, max_bytes)?;
    }
    // RFC 2046, section 5.1.1: a multipart body has at least one part.
    if writer.is_empty() {
        return Ok(None);
    }
    let essence = call.content_type.to_str().unwrap_or("multipart/form-data");
    let content_type = format!("{essence}; boundary={}", writer.boundary());
    let content_type = HeaderValue::try_from(content_type)
        .map_err(|error| Failure::new(Outcome::Refused, error.to_string()))?;
    Ok(Some(Payload {
        bytes: writer.end(),
        content_type,
    }))
}

impl Writer {
    /// A member of the body's value.
    fn field(
        &mut self,
        member: &str,
        json: &str,
        encoding: Option<&FieldSpelling>,
        taken: (&TakenFields, bool),
        scope: &Scope<'_>,
    ) -> Result<(), Failure> {
        let wrong = |reason: String| Failure::argument(&pointer_of(&[member]), &reason);
        let headers = match encoding {
            Some(encoding) => headers(&encoding.headers, scope)?,
            None => Vec::new(),
        };
        let head = Head {
            name: member,
            filename: None,
            content_type: encoding.and_then(|encoding| encoding.content_type.as_deref()),
            headers: &headers,
        };
        if let Some(style) = encoding.and_then(|encoding| encoding.style) {
            let content_type = head.content_type.or((style == encode::JSON).then_some(JSON));
            let head = Head { content_type, ..head };
            return encode::pairs(member, json, style, &mut |name, words| {
                check(name, member, taken)?;
                self.part(Head { name, ..head }, words.plain().as_bytes());
                Ok(())
            })
            .map_err(wrong);
        }
        check(member, member, taken).map_err(wrong)?;
        let mut one = |json: &str| match Plain::read(json)? {
            Plain::Null => Ok(()),
            Plain::Text(text) => {
                self.part(head, text.as_bytes());
                Ok(())
            }
            Plain::List(_) | Plain::Object(_) => {
                let content_type = head.content_type.or(Some(JSON));
                self.part(Head { content_type, ..head }, json.as_bytes());
                Ok::<_, String>(())
            }
        };
        match Plain::read(json).map_err(wrong)? {
            Plain::List(items) => items.iter().try_for_each(|raw| one(raw.get())),
            _ => one(json),
        }
        .map_err(wrong)
    }

    /// The argument of a declared part: one content, or a list of them.
    fn files(
        &mut self,
        part: &Part,
        arguments: &Arguments<'_>,
        scope: &Scope<'_>,
        max_bytes: u64,
    ) -> Result<(), Failure> {
        let pointer = pointer_of(&part.from);
        let value = arguments
            .at(&part.from)
            .map_err(|reason| Failure::argument(&pointer, &reason))?;
        let Some(value) = value.filter(|raw| raw.get() != "null") else {
            return Ok(());
        };
        let is_list = value.get().starts_with('[');
        let contents: Vec<&RawValue> = if is_list {
            serde_json::from_str(value.get())
                .map_err(|error| Failure::argument(&pointer, &error.to_string()))?
        } else {
            vec![value]
        };
        let filenames = texts(part.filename.as_ref(), scope)?;
        let types = texts(part.content_type.as_ref(), scope)?;
        let headers = headers(&part.headers, scope)?;
        let max_bytes = part.max_bytes.unwrap_or(max_bytes);
        for (index, raw) in contents.into_iter().enumerate() {
            let place = if is_list {
                format!("{pointer}/{index}")
            } else {
                pointer.clone()
            };
            let wrong = |reason: String| Failure::argument(&place, &reason);
            let filename = filenames.get(index).map(str::to_owned);
            // Without a file's name, servers take a part for a plain field.
            let filename = filename.or_else(|| {
                let number = if is_list {
                    format!("-{}", index + 1)
                } else {
                    String::new()
                };
                part.is_base64.then(|| format!("{}{number}", part.name))
            });
            let content_type = types.get(index).map(str::to_owned);
            if let Some(text) = &content_type {
                encode::header_value(text.as_bytes())
                    .map_err(|reason| wrong(format!("its content type {reason}")))?;
            }
            let by_content = if part.is_base64 {
                Some("application/octet-stream")
            } else {
                raw.get().starts_with(['{', '[']).then_some(JSON)
            };
            let head = Head {
                name: &part.name,
                filename: filename.as_deref(),
                content_type: content_type.as_deref().or(by_content),
                headers: &headers,
            };
            let content = |out: &mut Vec<u8>| append(out, raw.get(), part.is_base64, max_bytes);
            self.part_of(head, content).map_err(wrong)?;
        }
        Ok(())
    }
}

/// One text for all files of a part, or one for each.
enum Texts {
    Same(Option<String>),
    Each(Vec<String>),
}

impl Texts {
    fn get(&self, index: usize) -> Option<&str> {
        match self {
            Self::Same(text) => text.as_deref(),
            Self::Each(texts) => texts.get(index).map(String::as_str),
        }
    }
}

fn texts(leaf: Option<&(Leaf, String)>, scope: &Scope<'_>) -> Result<Texts, Failure> {
    let Some((leaf, field)) = leaf else {
        return Ok(Texts::Same(None));
    };
    let json = match scope.fill(leaf, field)? {
        Filled::Nothing => return Ok(Texts::Same(None)),
        Filled::Text(text) => return Ok(Texts::Same(Some(text.into_owned()))),
        Filled::Json(json) => json,
    };
    let read = match Plain::read(&json) {
        Ok(Plain::Null) => Ok(Texts::Same(None)),
        Ok(Plain::Text(text)) => Ok(Texts::Same(Some(text.into_owned()))),
        Ok(Plain::List(items)) => items
            .iter()
            .map(|raw| Ok(encode::item(raw.get())?.unwrap_or_default().into_owned()))
            .collect::<Result<_, String>>()
            .map(Texts::Each),
        Ok(Plain::Object(_)) => Err("must be a text, or a list of them".to_owned()),
        Err(reason) => Err(reason),
    };
    read.map_err(|reason| scope.blame(leaf, field, &reason))
}

fn headers(
    leaves: &[(HeaderName, Leaf, String)],
    scope: &Scope<'_>,
) -> Result<Vec<(HeaderName, HeaderValue)>, Failure> {
    let mut headers = Vec::with_capacity(leaves.len());
    for (name, leaf, field) in leaves {
        let text = match scope.fill(leaf, field)? {
            Filled::Nothing => None,
            Filled::Text(text) => Some(text.into_owned()),
            Filled::Json(json) => {
                encode::simple(&json, false).map_err(|reason| scope.blame(leaf, field, &reason))?
            }
        };
        if let Some(text) = text {
            let value =
                encode::header_value(text.as_bytes()).map_err(|reason| scope.blame(leaf, field, &reason))?;
            headers.push((name.clone(), value));
        }
    }
    Ok(headers)
}
