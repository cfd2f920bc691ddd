//! Names that say that their value is a credential, in headers, queries, cookies and bodies.

/// Endings of words in lower case, without what stands between words. A name that ends with one of these is that of a credential.
const ENDINGS: [&str; 18] = [
    "authorization",
    "token",
    "secret",
    "password",
    "passwd",
    "passphrase",
    "apikey",
    "accesskey",
    "accesskeyid",
    "authkey",
    "secretkey",
    "privatekey",
    "subscriptionkey",
    "credential",
    "credentials",
    "signature",
    "session",
    "cookie",
];
/// Places in a list, not credentials.
const HARMLESS: [&str; 4] = ["pagetoken", "nexttoken", "continuationtoken", "synctoken"];
/// Single words that are often a credential and often something else.
const AMBIGUOUS: [&str; 6] = ["key", "auth", "sig", "pwd", "pass", "jwt"];

/// Whether the name is that of a credential. For showing what somebody wrote: what it hides is rarely anything else.
pub fn is_credential(name: &str) -> bool {
    let name = joined(name);
    let ends = |end: &&str| name.ends_with(*end);
    ENDINGS.iter().any(ends) && !HARMLESS.iter().any(ends)
}

/// Whether the name may be that of a credential. For storing what somebody sent: better too little than a key.
pub fn may_be_credential(name: &str) -> bool {
    let whole = joined(name);
    ENDINGS.iter().any(|part| whole.contains(part))
        // The key of a function, or what a login gives. `country_code` is neither.
        || whole == "code"
        || words(name).iter().any(|word| AMBIGUOUS.contains(&word.as_str()))
}

/// Whether a text under this name is a credential that everybody reads who may read the document. What is filled in later,
/// and a scheme alone, are none.
pub fn is_literal_credential(name: &str, text: &str) -> bool {
    let text = text.trim();
    if text.contains('{') || matches!(text, "" | "Bearer" | "Basic" | "Token") {
        return false;
    }
    if name.eq_ignore_ascii_case("cookie") {
        let pairs = text.split(';').filter_map(|pair| pair.trim().split_once('='));
        return pairs
            .into_iter()
            .any(|(name, value)| is_credential(name) && !value.is_empty());
    }
    // Whatever the name is, this is how credentials begin.
    let after_scheme = ["Bearer ", "Basic "]
        .iter()
        .find_map(|scheme| Some(text.get(scheme.len()..)?).filter(|_| text.starts_with(scheme)));
    let is_one_word = |text: &str| text.len() >= 8 && !text.contains(char::is_whitespace);
    is_credential(name) || after_scheme.is_some_and(is_one_word)
}

fn joined(name: &str) -> String {
    words(name).concat()
}

/// `X-Auth-Key`, `auth_key` and `authKey` have the words `auth` and `key`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || c.is_uppercase() && was_lower {
            words.push(String::new());
        }
        was_lower = c.is_lowercase() || c.is_ascii_digit();
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::{is_credential, may_be_credential};

    #[test]
    fn names_of_credentials_are_known_however_they_are_written() {
        for name in [
            "Authorization",
            "Proxy-Authorization",
            "X-API-Key",
            "apikey",
            "apiKey",
            "API_KEY",
            "access_token",
            "accessToken",
            "X-Amz-Security-Token",
            "client_secret",
            "password",
            "passwd",
            "Cookie",
            "Set-Cookie",
            "Ocp-Apim-Subscription-Key",
            "subscription-key",
            "X-Auth-Key",
            "authKey",
            "X-Access-Key",
            "access_key",
            "AWSAccessKeyId",
            "X-Amz-Credential",
            "X-Amz-Signature",
        ] {
            assert!(is_credential(name), "{name}");
            assert!(may_be_credential(name), "{name}");
        }
    }

    #[test]
    fn what_may_be_a_credential_is_not_stored_but_shown_to_its_author() {
        for name in [
            "key",
            "X-Auth",
            "auth",
            "sig",
            "code",
            "pwd",
            "db-pwd",
            "pass",
            "jwt",
            "x-functions-key",
            "token_id",
            "passwordHash",
            "session_id",
            "page_token",
        ] {
            assert!(may_be_credential(name), "{name}");
            assert!(!is_credential(name), "{name}");
        }
    }

    #[test]
    fn other_names_are_left_alone() {
        for name in [
            "X-Tenant",
            "Accept",
            "id",
            "q",
            "country_code",
            "status_code",
            "author",
            "monkey",
            "keyword",
            "keys",
            "compass",
            "passenger",
            "signal",
            "design",
            "codec",
            "limit",
            "",
        ] {
            assert!(!may_be_credential(name), "{name}");
            assert!(!is_credential(name), "{name}");
        }
        for name in [
            "max_tokens",
            "tokenizer",
            "next-token",
            "nextToken",
            "idempotency-key",
        ] {
            assert!(!is_credential(name), "{name}");
        }
    }
}
