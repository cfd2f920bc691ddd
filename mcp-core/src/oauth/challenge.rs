//! What a server says that it wants (`WWW-Authenticate`, RFC 9110 section 11.6.1, RFC 6750 section 3, RFC 9728 section 5.1).

use super::scopes;
use http::{HeaderMap, header};

/// A longer header is not read.
const LONGEST: usize = 8 << 10;

/// The challenge for a bearer token; empty where there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Challenge {
    /// Where the metadata of the server are.
    pub(super) metadata: Option<String>,
    /// The scopes of what was asked for.
    pub(super) scopes: Vec<String>,
    /// What is wrong with the token.
    pub(super) error: Option<String>,
    /// What that means, for people.
    pub(super) words: Option<String>,
}

impl Challenge {
    /// The first for a bearer token.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let values = headers.get_all(header::WWW_AUTHENTICATE).iter();
        let texts = values
            .filter_map(|value| value.to_str().ok())
            .filter(|text| text.len() <= LONGEST);
        texts.filter_map(read).next().unwrap_or_default()
    }

    /// Whether the token is good and does not allow what was asked for.
    pub(crate) fn wants_more(&self) -> bool {
        self.error.as_deref() == Some("insufficient_scope")
    }

    /// Whether the server wants a token of OAuth, and says so.
    pub(crate) fn is_of_oauth(&self) -> bool {
        self.metadata.is_some()
    }
}

/// The challenge of `Bearer` in a list of challenges: parameters belong to the scheme before them.
fn read(text: &str) -> Option<Challenge> {
    let mut found: Option<Challenge> = None;
    let mut is_bearer = false;
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let word = rest.find(|c: char| c == '=' || c == ',' || c.is_ascii_whitespace());
        let (name, after) = rest.split_at(word.unwrap_or(rest.len()));
        let after = after.trim_start();
        let (value, after) = match after.strip_prefix('=') {
            // A scheme, perhaps with nothing behind it.
            None => {
                if !name.is_empty() {
                    is_bearer = found.is_none() && name.eq_ignore_ascii_case("bearer");
                    if is_bearer {
                        found = Some(Challenge::default());
                    }
                }
                rest = after.trim_start_matches([',', ' ', '\t']);
                continue;
            }
            Some(value) => value_of(value.trim_start()),
        };
        rest = after.trim_start_matches([',', ' ', '\t', '=']);
        let Some(challenge) = found.as_mut().filter(|_| is_bearer) else {
            continue;
        };
        match &*name.to_ascii_lowercase() {
            "resource_metadata" => challenge.metadata = Some(value),
            "scope" => challenge.scopes = scopes::parse(&value),
            "error" => challenge.error = Some(value),
            "error_description" => challenge.words = Some(value),
            _ => {}
        }
    }
    found
}

/// A token or a quoted text, and what follows.
fn value_of(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(|c: char| c == ',' || c.is_ascii_whitespace());
        let (value, rest) = text.split_at(end.unwrap_or(text.len()));
        return (value.to_owned(), rest);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&str]) -> Challenge {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::WWW_AUTHENTICATE, value.parse().unwrap());
        }
        Challenge::of(&headers)
    }

    #[test]
    fn the_challenge_for_a_bearer_token_is_found_among_others() {
        let all = "Basic realm=\"a, Bearer scope=\\\"x\\\"\", bearer error=\"insufficient_scope\", scope=\"a:b  c\", \
                   resource_metadata=\"https://a.example/.well-known/oauth-protected-resource/mcp\", DPoP scope=\"d\"";
        let challenge = of(&[all]);
        assert!(challenge.wants_more() && challenge.is_of_oauth());
        assert_eq!(challenge.scopes, ["a:b", "c"]);
        assert_eq!(
            challenge.metadata.as_deref(),
            Some("https://a.example/.well-known/oauth-protected-resource/mcp")
        );
        assert_eq!(of(&["Negotiate", "Bearer scope=read"]).scopes, ["read"]);
        assert_eq!(of(&["Negotiate abc==, Bearer scope=read"]).scopes, ["read"]);
        assert_eq!(of(&["Bearer scope=\"a\", Bearer scope=\"b\""]).scopes, ["a"]);
    }

    proptest::proptest! {
        #[test]
        fn whatever_a_server_says_is_read_to_its_end(text in "[ -~\t]{0,60}", more in "([A-Za-z]{1,8}( |=|,|\"|\\\\){0,3}){0,12}") {
            let _ = (read(&text), read(&more), read(&format!("Bearer {more}{text}")));
        }
    }

    #[test]
    fn what_is_none_is_none() {
        for text in [
            "",
            "Bearer",
            "Bearer ",
            "Basic scope=\"a\"",
            ",,,",
            "=",
            "scope=\"a\"",
            "Bearer =\"a\"",
            "Bearer scope",
            "Bearer foo=\"",
        ] {
            assert_eq!(of(&[text]), Challenge::default(), "{text:?}");
        }
        assert_eq!(of(&["Bearer scope=\"a\\"]).scopes, ["a"]);
        assert_eq!(
            of(&[&format!("Bearer scope=\"{}\"", "a ".repeat(8_000))]),
            Challenge::default()
        );
        let many: String = (0..500).map(|number| format!("{number} ")).collect();
        assert_eq!(of(&[&format!("Bearer scope=\"{many}\"")]).scopes.len(), 100);
    }
}
