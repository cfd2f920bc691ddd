//! What in documents does not go together where tokens are asked for.

use super::by_login::LOGIN;
use mcp_common::document::Document;
use serde_json::{Value, json};

#[test]
fn what_does_not_go_together_is_refused_when_it_is_written() {
    let url = "https://a.example/mcp";
    let secret = "${env:DYNMCP_SECRET_X}";
    for (auth, expected) in [
        (
            json!({"type": "oauth2_client_credentials", "client_id": "a"}),
            "auth.client_secret: is missing",
        ),
        (
            json!({"type": "oauth2_client_credentials", "client_id": "a", "client_secret": secret, "private_key": secret}),
            "auth.private_key: is there beside `client_secret`",
        ),
        (
            json!({"type": "oauth2_client_credentials", "client_id": "a", "client_secret": "hunter2"}),
            "auth: must be a reference",
        ),
        (
            json!({"type": "oauth2_client_credentials", "client_id": "a", "client_secret": secret, "key_id": "k"}),
            "auth.key_id: names a `private_key`",
        ),
        (
            json!({"type": "oauth2_client_credentials", "client_id": "a", "client_secret": secret, "issuer": "login.example"}),
            "auth.issuer: must begin with https://",
        ),
        (
            json!({"type": "oauth2_client_credentials", "client_id": "a", "client_secret": secret, "token_url": "https://a b"}),
            "auth.token_url: is not a URL",
        ),
        (
            json!({"type": "oauth2_client_credentials", "client_id": "a", "client_secret": secret, "scopes": ["a b"]}),
            "auth.scopes[0]: is no scope",
        ),
        (
            json!({"type": LOGIN, "client_secret": secret}),
            "auth.client_secret: is there without its `client_id`",
        ),
        (
            json!({"type": LOGIN, "client_auth": "body"}),
            "auth.client_auth: says how a `client_secret` is shown",
        ),
        (
            json!({"type": LOGIN, "token_url": "https://a.example"}),
            "token_url",
        ),
        (
            json!({"type": LOGIN, "resource": "https://a.example/#x"}),
            "auth.resource: is not a URI without a fragment",
        ),
    ] {
        let document = json!({"url": url, "auth": auth}).to_string();
        let document = Document::parse(document.as_bytes()).unwrap();
        let told = mcp_common::definition::UpstreamDefinition::read("u", &document);
        let told = told.unwrap_err().to_string();
        assert!(told.contains(expected), "{auth}: {told}");
        assert!(!told.contains("hunter2"));
    }
    let of = |document: Value| {
        let document = Document::parse(document.to_string().as_bytes()).unwrap();
        mcp_common::definition::UpstreamDefinition::read("u", &document)
            .map(drop)
            .map_err(|problems| problems.to_string())
    };
    let own = json!({"type": "oauth2_client_credentials", "client_id": "a", "client_secret": secret});
    let told = of(json!({"protocol": "http", "url": "https://a.example", "auth": own})).unwrap_err();
    assert!(
        told.contains("auth.token_url: is missing: an HTTP service"),
        "{told}"
    );
    let login = json!({"type": LOGIN});
    let told = of(json!({"protocol": "http", "url": "https://a.example", "auth": login})).unwrap_err();
    assert!(told.contains("auth.type: is for MCP servers"), "{told}");
    let fleet = json!({"endpoints": [{"url": url}, {"url": "https://b.example/mcp"}], "auth": login});
    let told = of(fleet).unwrap_err();
    assert!(
        told.contains("auth.type: is for a server with one `url`"),
        "{told}"
    );
    let several = json!([{"url": url}, {"url": "https://b.example/mcp"}]);
    let told = of(json!({"endpoints": several, "auth": own})).unwrap_err();
    assert!(
        told.contains("auth.issuer: is missing: with several `endpoints`"),
        "{told}"
    );
    for member in ["issuer", "token_url"] {
        let mut named = own.clone();
        named[member] = json!("https://login.example");
        of(json!({"endpoints": several, "auth": named})).unwrap();
    }
}
