//! Names that say that their value is a credential, in headers, queries, cookies and bodies, and values that show it.

mod literal;
mod places;

pub use literal::{looks_random, shows_credential};
pub use places::{in_json, in_query, in_text, in_words};

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
/// what only says that something goes there, and a scheme alone, are none.
pub fn is_literal_credential(name: &str, text: &str) -> bool {
    let text = text.trim();
    if text.contains('{') || matches!(text, "" | "Bearer" | "Basic" | "Token") {
        return literal::shows_credential(text);
    }
    if name.eq_ignore_ascii_case("cookie") {
        let pairs = text.split(';').filter_map(|pair| pair.trim().split_once('='));
        return pairs
            .into_iter()
            .any(|(name, value)| is_literal_cookie(name, value));
    }
    // Whatever the name is, this is how credentials begin.
    let after_scheme = ["Bearer ", "Basic "]
        .iter()
        .find_map(|scheme| Some(text.get(scheme.len()..)?).filter(|_| text.starts_with(scheme)));
    let is_one_word = |text: &str| text.len() >= 8 && !text.contains(char::is_whitespace);
    if literal::is_placeholder(after_scheme.unwrap_or(text)) {
        return false;
    }
    is_credential(name) || after_scheme.is_some_and(is_one_word) || literal::shows_credential(text)
}

/// The same for the value of a cookie: what logs somebody in has names of its own there.
pub fn is_literal_cookie(name: &str, value: &str) -> bool {
    let (endings, whole) = (["sessid", "sessionid", "jwt"], ["sid", "sess", "auth"]);
    let is_of_login = endings.iter().any(|end| joined(name).ends_with(end))
        // `unauth`, `possess` and `side` end or begin with these, and are something else.
        || words(name).iter().any(|word| whole.contains(&word.as_str()));
    is_literal_credential(name, value)
        || is_of_login && !value.trim().is_empty() && !value.contains('{') && !literal::is_placeholder(value)
}

/// The same for a value that an argument's schema names (`default`, `const`, `enum`). `token` and the like are names of other things, too:
/// there the value has to look like one that nobody chose.
pub fn is_literal_argument(name: &str, text: &str) -> bool {
    let often_else = ["token", "session", "signature", "cookie"];
    let name_of = joined(name);
    let is_chosen = often_else.iter().any(|end| name_of.ends_with(end)) && !literal::looks_random(text);
    literal::shows_credential(text) || !is_chosen && is_literal_credential(name, text)
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
    use super::{
        is_credential, is_literal_argument, is_literal_cookie, is_literal_credential, may_be_credential,
    };

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
    fn what_only_says_that_something_goes_there_is_no_credential() {
        for text in [
            "<your token>",
            "YOUR_API_KEY",
            "your-key",
            "xxxxxxxx",
            "***",
            "…",
            "$TOKEN",
            "${TOKEN}",
            "%TOKEN%",
            "changeme",
            "Bearer <token>",
            "{{ args.token }}",
            "",
            // What is switched or chosen, under a name that ends like a credential's.
            "true",
            "False",
            "none",
            "auto",
            "required",
            "Bearer optional",
            "0",
        ] {
            assert!(!is_literal_credential("token", text), "{text}");
            assert!(!is_literal_argument("api_key", text), "{text}");
        }
        assert!(is_literal_credential("password", "hunter2"));
    }

    #[test]
    fn cookies_and_arguments_have_names_of_their_own() {
        for (name, value, expected) in [
            ("sid", "abcdef", true),
            ("PHPSESSID", "abcdef", true),
            ("connect.sid", "abcdef", true),
            ("sid", "{{ args.sid }}", false),
            ("X-Auth", "abcdef", true),
            ("userAuth", "abcdef", true),
            ("sid", "none", false),
            ("auth", "required", false),
            ("side", "abcdef", false),
            ("author", "abcdef", false),
            ("unauth", "abcdef", false),
            ("possess", "abcdef", false),
            ("lang", "de", false),
        ] {
            assert_eq!(is_literal_cookie(name, value), expected, "{name}={value}");
        }
        for (name, value, expected) in [
            ("password", "hunter2", true),
            ("api_key", "abcdef", true),
            ("token", "USDT", false),
            ("token", "a81c55f02b77e", true),
            ("session", "morning", false),
            ("limit", "10", false),
            ("password", "required", false),
            ("client_secret", "auto", false),
            ("api_key", "false", false),
        ] {
            assert_eq!(is_literal_argument(name, value), expected, "{name}={value}");
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
