//! Fields of a form: each member of an object as pairs of names and values.

use crate::{
    encode::{self, Plain, Words},
    json::members::Members,
    tool::{FieldSpelling, TakenFields},
};
use std::collections::HashMap;

/// `application/x-www-form-urlencoded`; errors with the field and the reason. What has more than `max_bytes` is not made
/// to its end: a list repeats the name of its field before each item.
pub(super) fn form<'a>(
    members: &'a Members<'_>,
    encodings: &HashMap<String, FieldSpelling>,
    taken: (&TakenFields, bool),
    max_bytes: u64,
) -> Result<Vec<u8>, (&'a str, String)> {
    let mut out = Vec::new();
    for (member, raw) in members.iter() {
        let encoding = encodings.get(member);
        pairs(member, raw.get(), encoding, &mut |name, words| {
            check(name, member, taken)?;
            if out.len() as u64 > max_bytes {
                return Ok(());
            }
            if !out.is_empty() {
                out.push(b'&');
            }
            encode::component(&mut out, name);
            out.push(b'=');
            words.encode(&mut out);
            Ok(())
        })
        .map_err(|reason| (member, reason))?;
    }
    Ok(out)
}

/// The field may be made of this member, or why not. `taken` comes with whether the instance's arguments are guarded.
pub(super) fn check(field: &str, member: &str, taken: (&TakenFields, bool)) -> Result<(), String> {
    let (taken, is_guarded) = taken;
    let giver = taken.gives(field, member, is_guarded);
    giver.map_or(Ok(()), |giver| Err(giver.refusal(field)))
}

/// The pairs in the field's style. Without one, as OpenAPI has it: items of a list each for themselves, an object as JSON text.
fn pairs(
    name: &str,
    json: &str,
    encoding: Option<&FieldSpelling>,
    emit: &mut dyn FnMut(&str, Words<'_>) -> Result<(), String>,
) -> Result<(), String> {
    if let Some(style) = encoding.and_then(|encoding| encoding.style) {
        return encode::pairs(name, json, style, emit);
    }
    match Plain::read(json)? {
        Plain::Object(_) => encode::pairs(name, json, encode::JSON, emit),
        _ => encode::pairs(name, json, encode::FORM, emit),
    }
}
