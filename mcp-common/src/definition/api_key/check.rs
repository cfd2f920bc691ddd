//! What in a key's document does not go together, with the member that is to change.

use super::ApiKeyDefinition;
use crate::{definition::role::ADMIN_ROLE, problem::Problem};

/// The longest id, in bytes.
const LONGEST_ID: usize = 64;
/// The longest name: it stands in every log line.
const LONGEST_NAME: usize = 128;
/// More secrets at once are no replacement of one by the next.
pub const MOST_SECRETS: usize = 4;
/// More roles or instances belong into patterns.
const MOST_ENTRIES: usize = 1_000;

pub(super) fn problems(id: &str, definition: &ApiKeyDefinition) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut wrong = |field: &str, reason: String| problems.push(Problem::at(field, reason));
    if !is_id(id) {
        // `_` stands between the parts of a key.
        wrong("id", format!("must have 1 to {LONGEST_ID} of A-Z a-z 0-9 -"));
    }
    if let Some(name) = &definition.name
        && (name.is_empty() || name.len() > LONGEST_NAME || name.chars().any(char::is_control))
    {
        let reason =
            format!("must have 1 to {LONGEST_NAME} bytes without control characters: it stands in logs");
        wrong("name", reason);
    }
    match definition.secrets.len() {
        0 => wrong(
            "secrets",
            "is empty: a key without a secret lets nobody in; to switch a key off write `status: inactive`"
                .to_owned(),
        ),
        1..=MOST_SECRETS => {}
        n => wrong(
            "secrets",
            format!("has {n}, at most {MOST_SECRETS} are allowed; take out those that have ended"),
        ),
    }
    // There are so few, or it is refused for that.
    for (index, secret) in definition.secrets.iter().enumerate().take(MOST_SECRETS) {
        if definition
            .secrets
            .iter()
            .take(index)
            .any(|other| other.sha256 == secret.sha256)
        {
            wrong(
                &format!("secrets[{index}].sha256"),
                "stands here twice".to_owned(),
            );
        }
    }
    let patterns = [
        ("instances", Some(&definition.instances)),
        ("tools", definition.tools.as_ref()),
        ("resources", definition.resources.as_ref()),
        ("prompts", definition.prompts.as_ref()),
    ];
    let patterns: Vec<_> = patterns
        .into_iter()
        .filter_map(|(member, list)| Some((member, list?)))
        .collect();
    let lengths = patterns.iter().map(|(member, list)| (*member, list.len()));
    for (member, len) in lengths.chain([("roles", definition.roles.len())]) {
        if len > MOST_ENTRIES {
            wrong(
                member,
                format!("has {len} entries, at most {MOST_ENTRIES} are allowed"),
            );
        }
    }
    for (index, role) in definition.roles.iter().enumerate() {
        if role.is_empty() {
            wrong(&format!("roles[{index}]"), "must not be empty".to_owned());
        } else if role != ADMIN_ROLE && role.trim().eq_ignore_ascii_case(ADMIN_ROLE) {
            wrong(
                &format!("roles[{index}]"),
                format!("`{role}` is no role that opens anything; write `{ADMIN_ROLE}`"),
            );
        }
    }
    for (member, list) in patterns {
        for index in list
            .iter()
            .zip(0..)
            .filter(|(pattern, _)| pattern.0.is_empty())
            .map(|(_, index)| index)
        {
            let reason = "must be what is meant, with `*` for any text".to_owned();
            wrong(&format!("{member}[{index}]"), reason);
        }
    }
    problems.extend(definition.limits.problem());
    problems
}

/// A list that lost what could not be read may be too short for that alone.
pub(super) fn follows(place: &str, because_of: &str) -> bool {
    place == "secrets" && because_of.starts_with("secrets")
}

fn is_id(id: &str) -> bool {
    let is_part = |c: u8| c.is_ascii_alphanumeric() || c == b'-';
    (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(is_part)
}
