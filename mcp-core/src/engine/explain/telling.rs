//! Names that say that their value is a credential. Definitions should name secrets by reference (`auth`), but one
//! that has a key in plain text is not made worse by showing it around.

/// What is shown instead.
pub(in crate::engine) const HIDDEN: &str = "***";

const ENDINGS: [&str; 11] = [
    "authorization",
    "token",
    "secret",
    "password",
    "api-key",
    "apikey",
    "access-key",
    "secret-key",
    "subscription-key",
    "credential",
    "cookie",
];
/// Places in a list, not credentials.
const HARMLESS: [&str; 4] = ["page-token", "next-token", "continuation-token", "sync-token"];

/// Whether the name is that of a credential.
pub(in crate::engine) fn is_credential(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('_', "-");
    let ends = |end: &&str| name.ends_with(*end);
    ENDINGS.iter().any(ends) && !HARMLESS.iter().any(ends)
}

#[cfg(test)]
mod tests {
    use super::is_credential;

    #[test]
    fn names_of_credentials_are_known_and_others_left_alone() {
        for name in [
            "Authorization",
            "X-API-Key",
            "apikey",
            "access_token",
            "Cookie",
            "Ocp-Apim-Subscription-Key",
        ] {
            assert!(is_credential(name), "{name}");
        }
        for name in [
            "page_token",
            "max_tokens",
            "X-Tenant",
            "key",
            "Accept",
            "idempotency-key",
            "tokenizer",
        ] {
            assert!(!is_credential(name), "{name}");
        }
    }
}
