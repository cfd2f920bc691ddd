//! Values that show what they are, whatever the name is that they stand under; and those that show that they are nothing.

/// How words begin that somebody gives out as credentials, and how many characters come then, at least.
const BEGINNINGS: [(&str, usize); 25] = [
    ("ghp_", 30),
    ("gho_", 30),
    ("ghu_", 30),
    ("ghs_", 30),
    ("ghr_", 30),
    ("github_pat_", 22),
    ("glpat-", 20),
    ("glptt-", 20),
    ("xoxb-", 10),
    ("xoxp-", 10),
    ("xoxa-", 10),
    ("xoxr-", 10),
    ("xoxs-", 10),
    ("xapp-", 10),
    ("sk_live_", 16),
    ("sk_test_", 16),
    ("rk_live_", 16),
    ("rk_test_", 16),
    ("sk-", 16),
    ("npm_", 36),
    ("pypi-", 50),
    ("hf_", 30),
    ("AIza", 35),
    ("shpat_", 32),
    ("dop_v1_", 60),
];
/// Access keys of AWS: these, and then 16 capital letters and digits.
const AWS: [&str; 2] = ["AKIA", "ASIA"];
const AWS_REST: usize = 16;
/// Parts of a JWT are no shorter.
const SHORTEST_PART: usize = 10;

/// Whether something in the text has the form of a credential: a token of a service that marks its own, a JWT, a private key, a
/// login in a URL.
pub fn shows_credential(text: &str) -> bool {
    if text.contains("-----BEGIN ") && text.contains("PRIVATE KEY-----") {
        return true;
    }
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let mut words = text.split(|c| !is_part(c));
    words.any(is_marked) || has_login(text)
}

fn is_marked(word: &str) -> bool {
    // The shortest of them all.
    if word.len() < 14 || is_placeholder(word) {
        return false;
    }
    let marked = BEGINNINGS.iter().find_map(|(start, least)| {
        let rest = word.strip_prefix(start)?;
        Some(rest.len() >= *least && is_mixed(rest) && !is_placeholder(rest))
    });
    marked.unwrap_or_else(|| is_of_aws(word) || is_jwt(word))
}

fn is_of_aws(word: &str) -> bool {
    let rest = AWS.iter().find_map(|start| word.strip_prefix(start));
    let is_capital = |c: u8| c.is_ascii_uppercase() || c.is_ascii_digit();
    // Their documents have one that ends so.
    rest.is_some_and(|rest| {
        rest.len() == AWS_REST && rest.bytes().all(is_capital) && !rest.ends_with("EXAMPLE")
    })
}

fn is_jwt(word: &str) -> bool {
    let parts: Vec<_> = word.split('.').collect();
    parts.len() == 3
        && parts.iter().all(|part| part.len() >= SHORTEST_PART)
        && parts[..2].iter().all(|part| part.starts_with("eyJ"))
}

/// `scheme://user:password@host`.
fn has_login(text: &str) -> bool {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("://") {
        rest = after;
        let end = after.find(|c: char| matches!(c, '/' | '?' | '#' | '"' | '\'') || c.is_whitespace());
        let authority = &after[..end.unwrap_or(after.len())];
        let login = authority
            .rsplit_once('@')
            .and_then(|(login, _)| login.split_once(':'));
        let is_said =
            |password: &str| !password.is_empty() && !password.contains('{') && !is_placeholder(password);
        if login.is_some_and(|(_, password)| is_said(password)) {
            return true;
        }
    }
    false
}

/// Letters and digits: no words that somebody strung together.
fn is_mixed(text: &str) -> bool {
    text.bytes().any(|c| c.is_ascii_digit()) && text.bytes().any(|c| c.is_ascii_alphabetic())
}

/// Whether nobody chose the word for its meaning.
pub fn looks_random(text: &str) -> bool {
    text.len() >= 8 && is_mixed(text) && !text.contains(char::is_whitespace)
}

/// What is switched or chosen: `token: required` says whether there is one.
const SWITCHES: [&str; 24] = [
    "0",
    "1",
    "all",
    "always",
    "any",
    "auto",
    "default",
    "disabled",
    "enabled",
    "false",
    "header",
    "never",
    "no",
    "none",
    "null",
    "off",
    "on",
    "optional",
    "query",
    "required",
    "true",
    "undefined",
    "unset",
    "yes",
];

/// What stands where somebody is to put a value, or is no value.
pub(super) fn is_placeholder(text: &str) -> bool {
    let text = text.trim();
    let lower = text.to_ascii_lowercase();
    let is_bracketed = (text.starts_with('<') && text.ends_with('>'))
        || (text.starts_with('[') && text.ends_with(']'))
        || (text.starts_with('%') && text.ends_with('%'));
    let is_filler = |c: char| matches!(c, 'x' | '*' | '.' | '-' | '_' | '…' | '•');
    let words = [
        "changeme",
        "change-me",
        "change_me",
        "redacted",
        "placeholder",
        "todo",
        "example",
    ];
    is_bracketed
        || text.strip_prefix('$').is_some_and(is_variable)
        || lower.chars().all(is_filler)
        || ["your", "my-", "my_"]
            .iter()
            .any(|start| lower.starts_with(start))
        || words.contains(&&*lower)
        || SWITCHES.contains(&&*lower)
        || lower.contains("xxxxxx")
}

/// Of a shell.
fn is_variable(name: &str) -> bool {
    let is_part = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || matches!(c, '_' | '{' | '}');
    !name.is_empty() && name.chars().all(is_part)
}

#[cfg(test)]
mod tests {
    use super::shows_credential;

    /// In parts, so that nobody who looks for credentials finds one here.
    fn joined(parts: &[&str]) -> String {
        parts.concat()
    }

    #[test]
    fn what_services_mark_as_theirs_is_known_anywhere_in_a_text() {
        let rest = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8";
        for text in [
            joined(&["ghp", "_", rest]),
            joined(&["github_pat", "_", rest]),
            joined(&["token=", "sk", "-", rest]),
            joined(&["sk", "-live-", "a1b2c3d4e5f6"]),
            joined(&["/x/", "xoxb", "-", "1234567890-abc"]),
            joined(&["AKIA", "ABCDEFGHIJKLMNO7"]),
            joined(&[
                "Bearer ",
                "eyJhbGciOiJI",
                ".",
                "eyJzdWIiOiIx",
                ".",
                "c2lnbmF0dXJl",
            ]),
            joined(&["-----BEGIN ", "RSA PRIVATE KEY-----\nMII"]),
            joined(&["postgres://app:", "hunter2", "@db.example/x"]),
        ] {
            assert!(shows_credential(&text), "{text}");
        }
    }

    #[test]
    fn what_only_begins_like_one_is_none() {
        for text in [
            "",
            "sk-SK",
            "sk-learn-something-or-other-today",
            "ghp_<your token>",
            "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "AKIAIOSFODNN7EXAMPLE",
            "AKIA",
            "hf_model_name_that_is_long_enough_to_be",
            "https://example.com/a:b@c",
            "https://user@example.com",
            "https://user:{password}@example.com",
            "git+ssh://git@example.com/x",
            "1.2.3",
            "eyJ.eyJ.x",
            "-----BEGIN CERTIFICATE-----",
        ] {
            assert!(!shows_credential(text), "{text}");
        }
    }
}
