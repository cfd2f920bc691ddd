//! What in a secret's document does not go together, with the member that is to change.

use super::{
    SecretDefinition, is_secret_name,
    name::LONGEST,
    usable_by::{EVERYTHING, MOST_ENTRIES},
};
use crate::problem::Problem;

/// The largest value, in bytes: keys and certificates are smaller.
pub const LARGEST_VALUE: usize = 64 << 10;
/// What is never shown of a document.
pub const PRIVATE: &[&str] = &["value", "sealed"];
/// Around a value of no bytes: what makes two ciphertexts of one value differ, and what finds changes.
const LEAST_SEALED: usize = 12 + 16;
/// The longest name of a key.
const LONGEST_VERSION: usize = 64;

pub(super) fn problems(id: &str, definition: &SecretDefinition) -> Vec<Problem> {
    let mut problems = Vec::new();
    if !is_secret_name(id) {
        problems.push(Problem::at(
            "id",
            format!("must have 1 to {LONGEST} of A-Z a-z 0-9 . _ -"),
        ));
    }
    match definition.value_problem() {
        Some(problem) => problems.push(problem),
        None => problems.extend(sealed(definition)),
    }
    for (member, list) in definition.usable_by.lists() {
        let field = format!("usable_by.{member}");
        if list.len() > MOST_ENTRIES {
            let reason = format!("has {} entries, at most {MOST_ENTRIES} are allowed", list.len());
            problems.push(Problem::at(field.clone(), reason));
        }
        for (index, pattern) in list.iter().enumerate().take(MOST_ENTRIES) {
            let reason = match &*pattern.0 {
                "" => format!("must be what is meant, with `{EVERYTHING}` for any text"),
                _ => continue,
            };
            problems.push(Problem::at(format!("{field}[{index}]"), reason));
        }
    }
    problems
}

/// What can be known of a ciphertext without its key.
fn sealed(definition: &SecretDefinition) -> Option<Problem> {
    let problem = |field: &str, reason: &str| Some(Problem::at(field, reason));
    if definition.sealed.is_empty() {
        return problem(
            "value",
            "is missing, and no value is stored: write the secret through a gateway or with `dynmcp secrets put`",
        );
    }
    let version = &definition.key_version;
    if version.is_empty() || version.len() > LONGEST_VERSION || !version.bytes().all(|c| c.is_ascii_graphic())
    {
        return problem("key_version", "does not say which key opens the value");
    }
    let length = definition.sealed_bytes().map(|bytes| bytes.len());
    match length {
        None => problem(
            "sealed",
            "is no ciphertext: it is not base64; write the value anew",
        ),
        Some(length) if length < LEAST_SEALED => problem(
            "sealed",
            "is no whole ciphertext: it was cut off; write the value anew",
        ),
        Some(length) if length > LARGEST_VALUE + LEAST_SEALED => {
            problem("sealed", "is larger than a secret may be")
        }
        Some(_) => None,
    }
}
