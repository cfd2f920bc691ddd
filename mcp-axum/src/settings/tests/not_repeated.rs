//! What is refused where a secret belongs is not repeated by whoever refuses it.

use super::{environment, refusal};
use crate::settings::Settings;

#[test]
fn a_number_where_a_secret_belongs_is_not_repeated() {
    let text = refusal(
        "[app]\napi_key = 98765432109876543210123\n[data_source.mysql]\npassword = 98765432109876543210123\n\
         [otlp.headers]\nx-team = 98765432109876543210123\n[[webhooks]]\nurl = 'https://hooks.example.com'\n\
         secret = 98765432109876543210123\n[authenticator.api_key]\nkeys = [{ key = 98765432109876543210123 }]\n\
         [authenticator.jwt]\nsecret = { part = 98765432109876543210123 }\n",
    );
    assert!(!text.contains("9876543210"), "{text}");
    for (key, line) in [
        ("app.api_key", 2),
        ("data_source.mysql.password", 4),
        ("otlp.headers.x-team", 6),
        ("webhooks[0].secret", 9),
        ("authenticator.api_key.keys[0].key", 11),
    ] {
        let told = format!("{key}: found a number (`***`), expected a text: put it into quotes (");
        let place = format!("dynmcp.toml:{line})");
        let one = text.split("; ").find(|one| one.starts_with(&told));
        assert!(
            one.is_some_and(|one| one.ends_with(&place)),
            "{told} {place}: {text}"
        );
        assert_eq!(text.matches(&format!("{key}: ")).count(), 1, "{text}");
    }
    assert!(
        text.contains("authenticator.jwt.secret.part: found the number `***`"),
        "{text}"
    );
    // Nor is a shorter one, which could be read.
    let text = refusal("[limits.redis]\npassword = 73571234\n[mcp]\nsession_secret = 12345678\n");
    assert!(!text.contains("7357") && !text.contains("1234"), "{text}");
    assert!(
        text.contains("limits.redis.password: found `***`, expected a text"),
        "{text}"
    );
    // Where the rest is no TOML, they are told of alone.
    let text = refusal("[app]\napi_key = 98765432109876543210123\nport = 1\nport = 2\n");
    assert!(!text.contains("9876543210"), "{text}");
}

#[test]
fn a_text_where_secrets_belong_is_not_repeated() {
    for (name, value) in [
        ("APP__OTLP__HEADERS", "authorization=hunter2"),
        ("APP__WEBHOOKS", r#"[{"url": "https://x", "secret": "hunter2"}"#),
        ("APP__SIGN_IN", r#"[{"client_secret": "hunter2"}"#),
        ("APP__DATA_SOURCE__MYSQL", "hunter2"),
        ("APP__APP", "hunter2"),
    ] {
        let loaded = Settings::load(&environment(&[(name, value)]));
        let text = loaded.err().map_or_else(String::new, |error| error.to_string());
        assert!(!text.contains("hunter2"), "{name}: {text}");
    }
}
