//! Each kind of security scheme, and what the tool gets for it.

use crate::workshop::{Workshop, options};
use serde_json::{Value, json};

fn auth(version: &Value, schemes: &Value, requirement: &Value) -> (Value, Vec<String>) {
    let mut document = json!({
        "info": {"title": "A", "version": "1"},
        "paths": {"/a": {"get": {"operationId": "a", "security": requirement, "responses": {}}}}
    });
    if version == "2.0" {
        document["swagger"] = version.clone();
        document["host"] = json!("api.example.com");
        document["basePath"] = json!("/v2");
        document["securityDefinitions"] = schemes.clone();
    } else {
        document["openapi"] = version.clone();
        document["servers"] = json!([{"url": "https://api.example.com/v2/"}]);
        document["components"] = json!({"securitySchemes": schemes});
    }
    let mut workshop = Workshop::default();
    let report = workshop.import(&document.to_string(), &options());
    assert_eq!(report.created, ["pets.a"], "{report:?}");
    (
        workshop.tool("pets.a")["tds_ext_info"]["auth"].clone(),
        report.notes,
    )
}

#[test]
fn schemes_become_auth_with_variables_that_the_gateway_may_read() {
    let env = |rest: &str| format!("${{env:DYNMCP_SECRET_PETS_MY_SCHEME{rest}}}");
    let bearer = json!({"type": "bearer", "credential": env("")});
    let client = |url: &str, scopes: Value| {
        let mut auth = json!({"type": "oauth2_client_credentials", "token_url": url,
            "client_id": env("_CLIENT_ID"), "client_secret": env("_CLIENT_SECRET")});
        if scopes != json!([]) {
            auth["scopes"] = scopes;
        }
        auth
    };
    let api_key = |place: &str| json!({"type": "apiKey", "in": place, "name": "k"});
    let our_key = |place: &str| json!({"type": "api_key", "in": place, "name": "k", "credential": env("")});
    let basic = json!({"type": "basic", "username": env("_USERNAME"), "password": env("_PASSWORD")});
    let flow = |url: &str| json!({"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": url, "scopes": {}}}});
    let table = [
        (
            "3.1.0",
            json!({"type": "http", "scheme": "Bearer"}),
            json!([]),
            bearer.clone(),
        ),
        (
            "3.0.3",
            json!({"type": "http", "scheme": "basic"}),
            json!([]),
            basic.clone(),
        ),
        ("3.0.3", api_key("header"), json!([]), our_key("header")),
        ("3.0.3", api_key("query"), json!([]), our_key("query")),
        ("3.0.3", api_key("cookie"), json!([]), our_key("cookie")),
        (
            "3.1.0",
            json!({"type": "openIdConnect", "openIdConnectUrl": "https://a.example"}),
            json!([]),
            bearer.clone(),
        ),
        (
            "3.1.0",
            json!({"type": "oauth2", "flows": {"authorizationCode": {}}}),
            json!(["r"]),
            bearer.clone(),
        ),
        (
            "3.1.0",
            flow("https://id.example.com/t"),
            json!(["r"]),
            client("https://id.example.com/t", json!(["r"])),
        ),
        // "The url of the Server Object is the base."
        (
            "3.1.0",
            flow("/oauth/token"),
            json!([]),
            client("https://api.example.com/oauth/token", json!([])),
        ),
        (
            "3.1.0",
            flow("//id.example.com/t"),
            json!([]),
            client("https://id.example.com/t", json!([])),
        ),
        ("2.0", json!({"type": "basic"}), json!([]), basic),
        ("2.0", api_key("header"), json!([]), our_key("header")),
        (
            "2.0",
            json!({"type": "oauth2", "flow": "implicit"}),
            json!([]),
            bearer,
        ),
        (
            "2.0",
            json!({"type": "oauth2", "flow": "application", "tokenUrl": "https://id.example.com/t"}),
            json!(["r"]),
            client("https://id.example.com/t", json!(["r"])),
        ),
    ];
    for (version, scheme, scopes, expected) in table {
        let (got, notes) = auth(
            &version.into(),
            &json!({"my-scheme": scheme}),
            &json!([{"my-scheme": scopes}]),
        );
        assert_eq!(got, expected, "{version} {scheme}");
        let said = "set DYNMCP_SECRET_PETS_MY_SCHEME";
        assert!(notes.len() == 1 && notes[0].contains(said), "{notes:?}");
    }
}

#[test]
fn what_cannot_be_given_is_said_and_the_tool_has_no_auth() {
    let schemes = json!({
        "a": {"type": "http", "scheme": "digest"}, "b": {"type": "mutualTLS"},
        "c": {"type": "http", "scheme": "bearer"}, "d": {"type": "http", "scheme": "basic"}
    });
    let table = [
        (json!([{"a": []}]), "`http digest` is not supported"),
        (json!([{"b": []}]), "`mutualTLS` is not supported"),
        (
            json!([{"c": [], "d": []}]),
            "security scheme `c and d`: several credentials at once",
        ),
    ];
    for (requirement, expected) in table {
        let (got, notes) = auth(&"3.1.0".into(), &schemes, &requirement);
        assert!(got.is_null(), "{got}");
        assert!(notes.len() == 1 && notes[0].contains(expected), "{notes:?}");
    }
    // Of alternatives the first that can be given.
    let (got, _) = auth(&"3.1.0".into(), &schemes, &json!([{"a": []}, {}, {"c": []}]));
    assert_eq!(got["type"], "bearer");
}
