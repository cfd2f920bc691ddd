//! Keys that mean nothing are typos: refused, with the key that was probably meant.

use super::layers::DEFAULT_TOML;
use std::collections::BTreeSet;

/// More different than this is another word, not a typo.
const SIMILAR: f64 = 0.7;

/// Fewer letters stand in any key.
const SHORTEST: usize = 3;

/// A sentence for each key of `merged` that the reference does not have, except below `free_form` tables.
pub(super) fn find(merged: &toml::Table, free_form: &[String]) -> Vec<String> {
    let known = paths(&DEFAULT_TOML.parse().unwrap_or_default());
    let is_known = |path: &String| {
        let in_free_form = free_form.iter().any(|table| {
            path == table
                || path
                    .strip_prefix(table.as_str())
                    .is_some_and(|rest| rest.starts_with('.'))
        });
        known.contains(path)
            || in_free_form
            || ["authenticator", "authorizer"].contains(&path.as_str())
            || [
                "webhooks",
                "sign_in",
                "discovery",
                "register",
                "agents",
                "agents.known",
            ]
            .contains(&path.as_str())
    };
    let unknown: Vec<String> = paths(merged).into_iter().filter(|path| !is_known(path)).collect();
    // An unknown table stands for all that is in it.
    let is_topmost = |path: &&String| {
        !unknown.iter().any(|other| {
            path.strip_prefix(other.as_str())
                .is_some_and(|rest| rest.starts_with('.'))
        })
    };
    unknown
        .iter()
        .filter(is_topmost)
        .map(|path| describe(path, &known))
        .collect()
}

/// One sentence about the key `path`, which is none of `known` (full paths).
fn describe(path: &str, known: &BTreeSet<String>) -> String {
    let nearest = known
        .iter()
        .map(|candidate| (similarity(path, candidate), candidate))
        .filter(|(similarity, _)| *similarity >= SIMILAR)
        .max_by(|(a, _), (b, _)| a.total_cmp(b));
    match nearest {
        Some((_, candidate)) => format!("{path}: there is no such key; did you mean `{candidate}`?"),
        None => format!("{path}: there is no such key; `dynmcp config default` prints all there are"),
    }
}

fn similarity(path: &str, candidate: &str) -> f64 {
    let split = |path: &str| {
        path.rsplit_once('.')
            .map_or((String::new(), path.to_owned()), |(a, b)| (a.into(), b.into()))
    };
    let ((table, key), (candidate_table, candidate_key)) = (split(path), split(candidate));
    // The right key in the wrong table is the more likely slip than a wrong key that looks alike as a whole.
    let says_something = key.len().min(candidate_key.len()) >= SHORTEST;
    let contained = says_something && (candidate_key.contains(&key) || key.contains(&candidate_key));
    let key =
        strsim::normalized_damerau_levenshtein(&key, &candidate_key).max(if contained { 0.9 } else { 0.0 });
    let table = strsim::normalized_damerau_levenshtein(&table, &candidate_table);
    0.85 * key + 0.15 * table
}

/// All keys of a table, as dotted paths, tables and leaves.
pub(super) fn paths(table: &toml::Table) -> BTreeSet<String> {
    fn walk(prefix: &str, table: &toml::Table, found: &mut BTreeSet<String>) {
        for (key, value) in table {
            let path = if prefix.is_empty() {
                key.clone()
            } else {
                format!("{prefix}.{key}")
            };
            if let toml::Value::Table(inner) = value {
                walk(&path, inner, found);
            }
            found.insert(path);
        }
    }
    let mut found = BTreeSet::new();
    walk("", table, &mut found);
    found
}
