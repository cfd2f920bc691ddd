//! Names that every client and model accepts.

use crate::{authoring::change_plan::digest, secrets::SECRET_VARIABLES};
use mcp_common::definition::name::MAX_NAME;

/// The name of a tool: the operation's id, else its method and path.
pub(super) fn tool(operation_id: Option<&str>, method: &str, path: &str) -> String {
    let from_id = operation_id
        .map(|id| clean(id, false))
        .filter(|name| !name.is_empty());
    let name = from_id.unwrap_or_else(|| clean(&format!("{}_{path}", method.to_ascii_lowercase()), false));
    short(&name)
}

/// The name of an argument; `[]` at the end of a list's name says nothing to a model.
pub(super) fn argument(wire: &str) -> String {
    let name = short(&clean(wire.strip_suffix("[]").unwrap_or(wire), true));
    if name.is_empty() { "value".to_owned() } else { name }
}

/// The name of an environment variable that the gateway lets definitions use unless it is told otherwise.
pub(super) fn secret(text: &str) -> String {
    let name = clean(text, false).replace('-', "_").to_ascii_uppercase();
    format!("{SECRET_VARIABLES}{}", name.trim_start_matches('_'))
}

/// The first name that is not taken; what is added depends on the operation only, so that it is the same next time.
pub(super) fn free(name: &str, operation: &str, is_taken: impl Fn(&str) -> bool) -> String {
    if !is_taken(name) {
        return name.to_owned();
    }
    let digest = digest(operation, 6);
    let head: String = name.chars().take(MAX_NAME - digest.len() - 1).collect();
    format!("{head}_{digest}")
}

fn clean(text: &str, keep_dots: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let is_kept = c.is_ascii_alphanumeric() || c == '-' || (keep_dots && c == '.');
        if is_kept {
            out.push(c);
        } else if !out.ends_with('_') && (!out.is_empty() || c == '_') {
            out.push('_');
        }
    }
    out.trim_end_matches(['_', '-']).to_owned()
}

fn short(name: &str) -> String {
    if name.len() <= MAX_NAME {
        return name.to_owned();
    }
    let digest = digest(name, 6);
    let head = name[..MAX_NAME - digest.len() - 1].trim_end_matches(['_', '-']);
    format!("{head}_{digest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_comes_from_the_id_or_from_method_and_path() {
        let table = [
            (Some("listPets"), "listPets"),
            (Some("repos/list-for-org"), "repos_list-for-org"),
            (Some("a.b c"), "a_b_c"),
            (Some("Пример"), "get_pets_id"),
            (None, "get_pets_id"),
        ];
        for (id, expected) in table {
            assert_eq!(tool(id, "GET", "/pets/{id}"), expected, "{id:?}");
        }
        let long = tool(Some(&"x".repeat(100)), "GET", "/");
        assert_eq!(long.len(), MAX_NAME);
        assert_ne!(long, tool(Some(&"x".repeat(101)), "GET", "/"));
    }

    #[test]
    fn a_taken_name_gets_the_same_addition_every_time() {
        let first = free("list", "GET /a", |name| name == "list");
        assert_eq!(first, free("list", "GET /a", |name| name == "list"));
        assert_ne!(first, free("list", "GET /b", |name| name == "list"));
        assert_eq!(free("list", "GET /a", |_| false), "list");
        assert!(
            free(&"x".repeat(64), "GET /a", |name| name.len() == 64
                && name.ends_with("xx"))
            .len()
                <= MAX_NAME
        );
    }
}
