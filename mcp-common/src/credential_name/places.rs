//! Where credentials stand in something that was written: the same search for all kinds of definitions.

use super::{is_literal_credential, shows_credential};
use serde_json::Value;

/// The places of literal credentials in a JSON value that stands at `place` under `name`.
pub fn in_json(name: &str, value: &Value, place: &str) -> Vec<String> {
    let mut places = Vec::new();
    walk(name, value, place, &mut places);
    places
}

fn walk(name: &str, value: &Value, place: &str, places: &mut Vec<String>) {
    match value {
        Value::String(text) if is_literal_credential(name, text) || in_text(text) => {
            places.push(place.to_owned())
        }
        Value::Object(members) => {
            for (name, value) in members {
                walk(name, value, &format!("{place}.{name}"), places);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(name, item, &format!("{place}[{index}]"), places);
            }
        }
        _ => {}
    }
}

/// Whether a text has one in it that is not the whole of it: `"password": "…"` of JSON, with templates or without, and
/// `password=…` of a form or query.
pub fn in_text(text: &str) -> bool {
    let mut quoted = text.split('"').skip(1);
    while let Some(name) = quoted.next() {
        // What stands between a name and its text.
        let Some(between) = quoted.next() else { break };
        if between.trim() != ":" {
            // It was the end of a text, or what lies between two.
            continue;
        }
        let Some(value) = quoted.next() else { break };
        if is_literal_credential(name, value) {
            return true;
        }
        quoted.next();
    }
    let is_form = !text.contains(char::is_whitespace) && !text.contains('"');
    is_form && !in_query(text).is_empty() || shows_credential(text)
}

/// The names of parameters with literal credentials in a query or form, or in a URL that has one.
pub fn in_query(url: &str) -> Vec<&str> {
    let query = url.split_once('?').map_or(url, |(_, query)| query);
    let query = query.split('#').next().unwrap_or_default();
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let found = pairs.filter(|(name, value)| is_literal_credential(name, value));
    found.map(|(name, _)| name).collect()
}

/// Which words of a command line are credentials, or have one: `--token x`, `--token=x`, `TOKEN=x`, `Authorization: Bearer x`.
pub fn in_words(words: &[String]) -> Vec<usize> {
    let option = |word: &str| {
        word.starts_with('-')
            .then(|| word.trim_start_matches('-').to_owned())
    };
    let is_given = |index: usize, word: &str| {
        let before = index.checked_sub(1).and_then(|before| option(&words[before]));
        let is_value = !word.starts_with('-');
        is_value && before.is_some_and(|name| !name.contains('=') && is_literal_credential(&name, word))
    };
    let has_pair = |word: &str| {
        let mut pairs = ["=", ": "].iter().filter_map(|between| word.split_once(between));
        let is_name = |name: &str| {
            !name.is_empty()
                && name
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        };
        pairs.any(|(name, value)| is_name(name) && is_literal_credential(name.trim_start_matches('-'), value))
    };
    let is_one = |index: usize, word: &str| is_given(index, word) || has_pair(word) || in_text(word);
    let found = words
        .iter()
        .enumerate()
        .filter(|(index, word)| is_one(*index, word));
    found.map(|(index, _)| index).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn texts_are_looked_into() {
        for (text, expected) in [
            (r#"{"password":"hunter2"}"#, true),
            (
                r#"{"user": "{{ args.user }}", "login": {"password" : "hunter2"}}"#,
                true,
            ),
            (r#"{"password": "{{ args.password }}", "user": "a"}"#, false),
            ("user=a&password=hunter2", true),
            ("user=a&password={{ args.password }}", false),
            ("Say \"password\": it is a word", false),
            ("grant_type=client_credentials", false),
            ("", false),
        ] {
            assert_eq!(in_text(text), expected, "{text}");
        }
        let value =
            json!({"a": [{"api_key": "abc"}, {"text": "x"}], "token": ["t1", 5], "b": "{\"secret\":\"s\"}"});
        assert_eq!(
            in_json("", &value, "vars.x"),
            ["vars.x.a[0].api_key", "vars.x.token[0]", "vars.x.b"]
        );
    }

    #[test]
    fn queries_and_command_lines_are_read_word_by_word() {
        assert_eq!(in_query("http://a/t?client_secret=abc&page=1"), ["client_secret"]);
        assert_eq!(in_query("/x?token={token}&sort=name"), [""; 0]);
        let words =
            |words: &[&str]| in_words(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        assert_eq!(words(&["-y", "server", "--token", "abcdef"]), [3]);
        assert_eq!(
            words(&[
                "--api-key=x1",
                "-e",
                "API_TOKEN=abc",
                "--header",
                "Authorization: Bearer abcdefgh"
            ]),
            [0, 2, 4]
        );
        assert_eq!(words(&["postgres://app:hunter2@db/x"]), [0]);
        assert_eq!(
            words(&[
                "--token-file",
                "/run/t",
                "--token",
                "--verbose",
                "--password=",
                "--key-name=token"
            ]),
            [0; 0]
        );
        assert_eq!(
            words(&["--api-key", "${API_KEY}", "-c", "pagination=token"]),
            [0; 0]
        );
    }
}
