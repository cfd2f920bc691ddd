//! The edges of the protocol, probe by probe: what a request with this header and that body is answered.
//! The rows are those of `docs/PROTOCOL.md`, chapters 4 and 6.

use crate::test_app::TestApp;
use reqwest::Method;
use serde_json::{Value, json};

const MODERN: &str = "2026-07-28";

/// One HTTP request and what must come back.
struct Probe {
    name: &'static str,
    method: Method,
    headers: Vec<(&'static str, String)>,
    body: String,
    status: u16,
    code: Option<i64>,
}

impl Probe {
    fn post(name: &'static str, body: impl ToString, status: u16, code: impl Into<Option<i64>>) -> Self {
        let headers = vec![("content-type", "application/json".to_owned())];
        Self {
            name,
            method: Method::POST,
            headers,
            body: body.to_string(),
            status,
            code: code.into(),
        }
    }

    /// A request of 2026-07-28 as a client would send it; `change` spoils it.
    fn modern(
        name: &'static str,
        method: &str,
        params: Value,
        status: u16,
        code: impl Into<Option<i64>>,
    ) -> Self {
        let tool = params["name"].as_str().map(str::to_owned);
        let mut probe = Self::post(name, modern_body(method, params), status, code);
        probe = probe
            .header("mcp-protocol-version", MODERN)
            .header("mcp-method", method);
        match tool {
            Some(tool) => probe.header("mcp-name", &tool),
            None => probe,
        }
    }

    fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(header, _)| *header != name);
        self
    }

    fn with(self, name: &'static str, value: &str) -> Self {
        self.without(name).header(name, value)
    }

    fn body(mut self, body: impl ToString) -> Self {
        self.body = body.to_string();
        self
    }

    fn method(name: &'static str, method: Method, status: u16) -> Self {
        Self {
            name,
            method,
            headers: Vec::new(),
            body: String::new(),
            status,
            code: None,
        }
    }
}

fn modern_body(method: &str, mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params})
}

fn request(method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params})
}

fn meta_version(version: &str) -> Value {
    let mut body = modern_body("tools/list", json!({}));
    body["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!(version);
    body
}

fn initialize(version: &str) -> Value {
    let params =
        json!({"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "t", "version": "0"}});
    request("initialize", params)
}

fn probes() -> Vec<Probe> {
    let list = || Probe::modern("tools/list", "tools/list", json!({}), 200, None);
    let call =
        |name, params, status, code: Option<i64>| Probe::modern(name, "tools/call", params, status, code);
    let wrong_session = ("mcp-session-id", "made-up");
    vec![
        Probe::post("bare tools/list without anything", request("tools/list", json!({})), 200, None),
        Probe::post("stateless: a foreign session is ignored", request("tools/list", json!({})), 200, None)
            .header(wrong_session.0, wrong_session.1),
        Probe::post("initialize with a modern header", initialize("2025-11-25"), 400, -32020)
            .header("mcp-protocol-version", MODERN),
        Probe::modern("initialize with the modern envelope", "initialize", json!({}), 404, -32601),
        list().header(wrong_session.0, wrong_session.1),
        list().without("mcp-protocol-version").expecting("modern _meta, header absent", 400, -32020),
        Probe::post("modern header, no _meta", request("tools/list", json!({})), 400, -32602)
            .header("mcp-protocol-version", MODERN)
            .header("mcp-method", "tools/list"),
        Probe::post("modern header, no params", json!({"jsonrpc": "2.0", "id": 7, "method": "tools/list"}), 400, -32602)
            .header("mcp-protocol-version", MODERN)
            .header("mcp-method", "tools/list"),
        Probe::post("a header that names no revision, no _meta", request("tools/list", json!({})), 400, -32022)
            .header("mcp-protocol-version", "1999-01-01"),
        Probe::post("a header that names no revision, params that are none", request("tools/list", json!([1])), 400, -32022)
            .header("mcp-protocol-version", "1999-01-01"),
        list()
            .body(json!({"jsonrpc": "2.0", "id": 7, "method": "tools/list", "params": {"_meta": {"io.modelcontextprotocol/protocolVersion": MODERN}}}))
            .expecting("no clientCapabilities", 400, -32602),
        list().with("mcp-protocol-version", "2025-11-25").expecting("legacy header, modern _meta", 400, -32020),
        list()
            .with("mcp-protocol-version", "2025-11-25")
            .body(meta_version("2025-11-25"))
            .expecting("both say 2025-11-25", 400, -32022),
        list()
            .with("mcp-protocol-version", "2099-01-01")
            .body(meta_version("2099-01-01"))
            .expecting("both say 2099-01-01", 400, -32022),
        list().body(meta_version("v999")).expecting("header differs from an unknown version", 400, -32020),
        list().without("mcp-method").expecting("Mcp-Method missing", 400, -32020),
        list().with("mcp-method", "TOOLS/LIST").expecting("Mcp-Method in other letters", 400, -32020),
        list().header("mcp-method", "tools/list").expecting("Mcp-Method twice", 400, -32020),
        list().with("mcp-method", "  tools/list ").expecting("blanks around Mcp-Method", 200, None),
        call("tools/call", json!({"name": "get_item", "arguments": {"id": 1}}), 200, None),
        call("Mcp-Name missing", json!({"name": "get_item"}), 400, Some(-32020)).without("mcp-name"),
        call("Mcp-Name wrong", json!({"name": "get_item"}), 400, Some(-32020)).with("mcp-name", "other"),
        call("Mcp-Name encoded", json!({"name": "get_item", "arguments": {"id": 1}}), 200, None)
            .with("mcp-name", "=?base64?Z2V0X2l0ZW0=?="),
        call("unknown tool", json!({"name": "nope"}), 200, Some(-32602)),
        call("no name", json!({}), 200, Some(-32602)),
        call("arguments not an object", json!({"name": "get_item", "arguments": [1]}), 200, Some(-32602)),
        Probe::modern("bad cursor", "tools/list", json!({"cursor": "%%"}), 200, -32602),
        Probe::modern("unknown method", "no/such", json!({}), 404, -32601),
        Probe::modern("ping is gone", "ping", json!({}), 404, -32601),
        Probe::modern("prompts are not offered", "prompts/list", json!({}), 404, -32601),
        Probe::modern("resources are not offered", "resources/read", json!({"uri": "x:y"}), 404, -32601),
        Probe::modern("tasks are not offered", "tasks/get", json!({}), 404, -32601),
        list().with("accept", "application/json").expecting("Accept: JSON only", 200, None),
        list().with("accept", "*/*").expecting("Accept: anything", 200, None),
        Probe::modern("listen needs SSE", "subscriptions/listen", json!({"notifications": {}}), 406, -32600)
            .header("accept", "application/json"),
        Probe::modern("listen without notifications", "subscriptions/listen", json!({}), 200, -32602),
        list().with("content-type", "text/plain").expecting("Content-Type: text/plain", 415, None),
        list().with("content-encoding", "gzip").expecting("Content-Encoding: gzip", 415, None),
        list().with("content-encoding", "identity").expecting("Content-Encoding: identity", 200, None),
        list().with("content-type", "application/json; charset=utf-8").expecting("Content-Type with charset", 200, None),
        list().body("{\"jsonrpc\":").expecting("invalid JSON", 400, -32700),
        list().body(json!({"jsonrpc": "2.0", "id": null, "method": "ping"})).expecting("id null", 400, -32600),
        list().body("{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"ping\"}").expecting("id 1.5", 400, -32600),
        list().body(json!([modern_body("tools/list", json!({}))])).expecting("modern batch", 400, -32600),
        list().body(json!({"jsonrpc": "2.0", "id": 1, "result": {}})).expecting("a response with a modern header", 400, -32600),
        Probe::post(
            "a modern notification without Mcp-Method",
            json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}),
            202,
            None,
        )
        .header("mcp-protocol-version", MODERN),
        Probe::post("a legacy notification", json!({"jsonrpc": "2.0", "method": "notifications/initialized"}), 202, None),
        Probe::post("legacy ping", request("ping", json!({})), 200, None),
        Probe::post("legacy logging/setLevel", request("logging/setLevel", json!({"level": "info"})), 200, None),
        Probe::post("legacy prompts/list", request("prompts/list", json!({})), 200, -32601),
        Probe::post("legacy unknown tool", request("tools/call", json!({"name": "nope"})), 200, -32602),
        Probe::post("a batch without header, as 2025-03-26 sends it", json!([request("ping", json!({}))]), 200, None),
        Probe::post("a batch of another revision", json!([request("ping", json!({}))]), 400, -32600)
            .header("mcp-protocol-version", "2025-06-18"),
        Probe::post("a batch of 2025-03-26", json!([request("ping", json!({}))]), 200, None)
            .header("mcp-protocol-version", "2025-03-26"),
        Probe::post("an empty batch", json!([]), 400, -32600).header("mcp-protocol-version", "2025-03-26"),
        Probe::method("GET of the modern era", Method::GET, 405).header("mcp-protocol-version", MODERN),
        Probe::method("DELETE without sessions", Method::DELETE, 405),
        Probe::method("PUT", Method::PUT, 405),
        Probe::method("OPTIONS without CORS", Method::OPTIONS, 405),
        list().header("origin", "https://evil.example.com").expecting("a foreign Origin", 403, None),
        list().with("host", "evil.example.com").expecting("a foreign Host", 403, None),
    ]
}

impl Probe {
    fn expecting(mut self, name: &'static str, status: u16, code: impl Into<Option<i64>>) -> Self {
        (self.name, self.status, self.code) = (name, status, code.into());
        self
    }
}

#[tokio::test]
async fn every_edge_is_answered_as_the_table_says() {
    let app = TestApp::start().await;
    app.with_item_tools("edges").await;
    let client = reqwest::Client::new();
    let mut wrong = Vec::new();
    for probe in probes() {
        let mut request = client
            .request(probe.method.clone(), app.url("/mcp/edges"))
            .header("x-api-key", app.user_key());
        for (name, value) in &probe.headers {
            request = request.header(*name, value);
        }
        let answer = request.body(probe.body.clone()).send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        let body: Value = serde_json::from_str(&text).unwrap_or_default();
        let code = body["error"]["code"].as_i64();
        let id_echoed = code.is_none_or(|code| code == -32700 || code == -32600 || body["id"] == json!(7));
        if status != probe.status || code != probe.code || !id_echoed {
            wrong.push(format!(
                "{}: {status} {code:?}, not {} {:?}: {text}",
                probe.name, probe.status, probe.code
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn initialize_negotiates_what_both_sides_know() {
    let app = TestApp::start().await;
    app.with_item_tools("edges").await;
    let negotiations = [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        ("1900-01-01", "2025-11-25"),
    ];
    for (asked, answered) in negotiations {
        let answer = reqwest::Client::new()
            .post(app.url("/mcp/edges"))
            .header("x-api-key", app.user_key())
            .json(&initialize(asked))
            .send()
            .await
            .unwrap();
        assert_eq!(
            answer.headers().get("mcp-session-id"),
            None,
            "a stateless instance gives out no session"
        );
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["result"]["protocolVersion"], answered, "{asked}: {body}");
        assert_eq!(
            body["result"]["capabilities"],
            // Those before have no header by which their stream could be told from HTTP+SSE.
            json!({"tools": {"listChanged": answered >= "2025-06-18"}})
        );
    }
}

#[tokio::test]
async fn an_unsupported_version_names_the_supported_ones() {
    let app = TestApp::start().await;
    app.with_item_tools("edges").await;
    let answer = reqwest::Client::new()
        .post(app.url("/mcp/edges"))
        .header("x-api-key", app.user_key())
        .header("mcp-protocol-version", "v999.0.0")
        .header("mcp-method", "tools/list")
        .json(&meta_version("v999.0.0"))
        .send()
        .await
        .unwrap();
    let body: Value = answer.json().await.unwrap();
    assert_eq!(
        body["error"]["data"],
        json!({"supported": [MODERN], "requested": "v999.0.0"})
    );
    assert_eq!(body["id"], 7);
}

#[tokio::test]
async fn what_is_refused_before_a_message_is_looked_at_answers_it_all_the_same() {
    let app = TestApp::start().await;
    app.put_instance("i", &[]).await;
    let refused = [
        [
            ("mcp-protocol-version", MODERN),
            ("mcp-protocol-version", "2025-06-18"),
        ],
        [
            ("via", "1.1 dynmcp-a, 1.1 dynmcp-b"),
            ("via", "1.1 dynmcp-c, 1.1 dynmcp-d"),
        ],
    ];
    for headers in refused {
        let mut request = app
            .user()
            .request(Method::POST, "/mcp/i")
            .header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let body = json!({"jsonrpc": "2.0", "id": "a-7", "method": "tools/list"});
        let answer = app.user().send(request.body(body.to_string())).await.json();
        assert_eq!(
            (&answer["id"], answer["error"].is_object()),
            (&json!("a-7"), true),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn a_packed_body_is_refused_with_what_is_accepted() {
    let app = TestApp::start().await;
    for (client, method, path) in [
        (app.user(), Method::POST, "/mcp/i"),
        (app.admin(), Method::PUT, "/admin/ids/i"),
        (app.admin(), Method::POST, "/admin/plan"),
    ] {
        app.put_instance("i", &[]).await;
        let request = client
            .request(method, path)
            .header("content-type", "application/json");
        let answer = client
            .send(request.header("content-encoding", "gzip").body(vec![0x1f, 0x8b]))
            .await;
        let answer = answer.expect(415);
        assert_eq!(answer.header("accept-encoding"), Some("identity"), "{path}");
        assert!(
            answer.text.contains("without `Content-Encoding: gzip`"),
            "{}",
            answer.text
        );
    }
}
