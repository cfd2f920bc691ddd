use super::*;
use serde_json::{Value, json};

fn read(id: &str, document: &Value) -> Result<Read<UpstreamDefinition>, String> {
    let document = Document::parse(document.to_string().as_bytes()).unwrap();
    UpstreamDefinition::read(id, &document).map_err(|problems| problems.to_string())
}

#[test]
fn little_has_to_be_said() {
    let http = read("weather", &json!({"url": "https://weather.example/mcp"}))
        .unwrap()
        .definition;
    assert_eq!(http.transport(), UpstreamTransport::StreamableHttp);
    assert_eq!(
        (http.enabled, http.priority, http.era),
        (true, PRIORITY, UpstreamEra::Auto)
    );
    assert_eq!(&*http.id, "weather");
    assert!(http.may_be_older_than_streamable());
    let socket = read("socket", &json!({"url": "wss://weather.example/mcp"}))
        .unwrap()
        .definition;
    assert_eq!(socket.transport(), UpstreamTransport::Websocket);
    assert!(!socket.may_be_older_than_streamable());
    let said = json!({"url": "https://weather.example/mcp", "transport": "streamable_http"});
    assert!(
        !read("weather", &said)
            .unwrap()
            .definition
            .may_be_older_than_streamable()
    );
    let program = read("time", &json!({"command": "uvx", "args": ["mcp-server-time"]}))
        .unwrap()
        .definition;
    assert_eq!(program.transport(), UpstreamTransport::Stdio);
}

#[test]
fn what_does_not_go_together_is_named_with_its_place() {
    let url = "https://a.example/mcp";
    let table = [
        (json!({}), "url: is missing"),
        (json!({"url": "a.example"}), "url: must begin with http"),
        (json!({"url": "https://a b"}), "url: is not a URL"),
        (
            json!({"url": "localhost:18431/mcp/b"}),
            "url: is not a URL; write http:// or https:// before it",
        ),
        (
            json!({"url": "ws://a.example", "transport": "sse"}),
            "url: must begin with http:// or https://, or `transport` must be `websocket`",
        ),
        (
            json!({"url": "http://a.example", "transport": "websocket"}),
            "url: must begin with ws:// or wss://",
        ),
        (json!({"url": "ftp://a.example"}), "url: must begin with http"),
        (
            json!({"url": "https://me:pw@a.example"}),
            "url: must not carry credentials",
        ),
        (
            json!({"url": "https://a.example/#x"}),
            "url: must not have a fragment",
        ),
        (
            json!({"url": url, "command": "x"}),
            "url: is for servers that have a URL",
        ),
        (
            json!({"url": url, "args": ["x"]}),
            "args: is for servers that are programs",
        ),
        (json!({"transport": "stdio"}), "command: is missing"),
        (
            json!({"command": "./x"}),
            "command: must be a name that PATH leads to",
        ),
        (
            json!({"command": "x", "cwd": "here"}),
            "cwd: must be an absolute path",
        ),
        (
            json!({"command": "x", "env": {"A=B": "1"}}),
            "env.A=B: is not an environment variable",
        ),
        (
            json!({"command": "x", "args": ["${env:KEY}"]}),
            "args[0]: other users",
        ),
        (
            json!({"url": url, "headers": {"Host": "x"}}),
            "headers.Host: is written by the gateway",
        ),
        (
            json!({"url": url, "headers": {"a b": "x"}}),
            "headers.a b: is not the name of a header",
        ),
        (
            json!({"url": url, "headers": {"Authorization": "x"}}),
            "headers.Authorization: is a credential",
        ),
        (
            json!({"url": url, "headers": {"X": "a\nb"}}),
            "headers.X: has characters",
        ),
        (
            json!({"url": url, "auth": {"type": "bearer", "credential": "s3cr3t"}}),
            "auth",
        ),
        (
            json!({"url": url, "auth": {"type": "passthrough", "header": "X"}}),
            "auth",
        ),
        (
            json!({"url": url, "transport": "carrier_pigeon"}),
            "transport: unknown variant",
        ),
        (
            json!({"url": url, "timeouts": {"list_ms": 0}}),
            "timeouts.list_ms: must be 1",
        ),
        (
            json!({"url": url, "timeouts": {"lst_ms": 5}}),
            "timeouts.lst_ms: unknown field",
        ),
        (
            json!({"url": url, "limits": {"concurrency": 0}}),
            "limits.concurrency: must be 1",
        ),
        (
            json!({"url": url, "limits": {"rate": "often"}}),
            "limits.rate: must be a number and a time",
        ),
        (
            json!({"url": url, "limits": {"burst": 3}}),
            "limits.burst: means nothing without",
        ),
        (json!({"url": url, "limits": {"per_day": 0}}), "limits.per_day: "),
        (
            json!({"url": url, "tools": {"prefix": "a b"}}),
            "tools.prefix: has the character",
        ),
        (
            json!({"url": url, "tools": {"include": [""]}}),
            "tools.include[0]: must not be empty",
        ),
        (
            json!({"url": url, "tools": {"overrides": {"a": {"name": "x"}, "b": {"name": "x"}}}}),
            "tools.overrides.b.name: is also the name of `a`",
        ),
        (
            json!({"url": url, "pin": {"mode": "enforce", "tools": {"get": "sha256:AB"}}}),
            "pin.tools.get: is no digest",
        ),
        (
            json!({"url": url, "pin": {"mode": "sometimes"}}),
            "pin.mode: unknown variant",
        ),
        (
            json!({"url": url, "sandbox": {}}),
            "sandbox: unknown field `sandbox`",
        ),
        // What others call these is not like what they are called here.
        (json!({"url": url, "kind": "http"}), "; did you mean `protocol`?"),
        (
            json!({"url": url, "limits": {"connections": 32}}),
            "; did you mean `endpoint_concurrency`?",
        ),
    ];
    for (document, expected) in table {
        let problems = read("a", &document).unwrap_err();
        assert!(problems.contains(expected), "{document}: {problems}");
        assert!(!problems.contains("s3cr3t"), "{problems}");
    }
    for id in ["", "A", "-a", "a_b", &"a".repeat(33)] {
        let problems = read(id, &json!({"url": url})).unwrap_err();
        assert!(problems.contains("id: must have 1 to 32"), "{id}: {problems}");
    }
}

#[test]
fn credentials_that_stand_there_are_warned_of() {
    let text = r#"{"url":"https://a.example/mcp","headers":{"X-Api-Key":"hunter2hunter2","X-Team":"a"}}"#;
    let document = Document::parse(text.as_bytes()).unwrap();
    let warnings = UpstreamDefinition::read("a", &document).unwrap().warnings;
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].starts_with("headers.X-Api-Key: a credential stands here"),
        "{warnings:?}"
    );
    assert!(!warnings[0].contains("hunter2"), "{warnings:?}");
}

#[test]
fn every_secret_is_found() {
    let document = json!({
        "url": "https://a.example",
        "headers": {"X-Key": "${env:ONE}", "X-Plain": "text"},
        "auth": {"type": "basic", "username": "${env:TWO}", "password": "${file:/three}"},
    });
    let definition = read("a", &document).unwrap().definition;
    let found: Vec<String> = definition.references().map(ToString::to_string).collect();
    assert_eq!(found, ["${env:ONE}", "${env:TWO}", "${file:/three}"]);
}
