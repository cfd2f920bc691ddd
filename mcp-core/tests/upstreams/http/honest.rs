//! Servers that do what the protocol says.

use crate::{
    behaviour::{RESULT, TOOLS, legacy, modern},
    server::{Reply, Server, event, events},
    setup::{call, hub, names, ready, until},
};
use mcp_core::upstream::{RemoteCall, Wanted};
use serde_json::json;
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};
use tokio::sync::mpsc;

#[tokio::test]
async fn a_server_of_2026_07_28_is_spoken_to_without_sessions() {
    let server = Server::start(|received| modern(received, TOOLS)).await;
    let mut document = server.document();
    document["headers"] = json!({"X-Team": "support"});
    let hub = hub(&document);
    let inventory = ready(&hub).await;
    assert_eq!(
        (inventory.protocol, names(&inventory)),
        ("2026-07-28", vec!["get"])
    );
    assert_eq!(inventory.instructions.as_deref(), Some("Ask."));
    assert_eq!(
        format!("[{}]", inventory.tools[0].listing),
        TOOLS,
        "a list passes as it is"
    );

    let result = call(&hub, "get", r#"{"n":1.50,"big":12345678901234567890123}"#)
        .await
        .unwrap();
    assert_eq!(result, format!("{RESULT},\"resultType\":\"complete\"}}"));
    let sent = server.last("tools/call");
    for (header, value) in [
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", "get"),
        ("via", "1.1 dynmcp-test"),
        ("x-team", "support"),
        ("mcp-session-id", ""),
    ] {
        assert_eq!(sent.header(header), value, "{header}");
    }
    let meta = &sent.message["params"]["_meta"];
    assert_eq!(meta["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
    assert_eq!(meta["io.modelcontextprotocol/clientCapabilities"], json!({}));
    assert!(
        !server.story().contains(&"initialize".to_owned()),
        "{:?}",
        server.story()
    );
    hub.close().await;
    assert_eq!(server.count("DELETE"), 0);
}

#[tokio::test]
async fn a_server_with_sessions_gets_one_and_hears_of_its_end() {
    for as_events in [false, true] {
        let server = Server::start(move |received| legacy(received, "s-1", TOOLS, as_events)).await;
        let hub = hub(&server.document());
        let inventory = ready(&hub).await;
        assert_eq!(
            (inventory.protocol, names(&inventory)),
            ("2025-11-25", vec!["get"])
        );
        assert_eq!(call(&hub, "get", "{}").await.unwrap(), format!("{RESULT}}}"));
        let story = server.story();
        assert_eq!(
            story[..3],
            ["server/discover", "initialize", "notifications/initialized"]
        );
        let sent = server.last("tools/call");
        assert_eq!(
            (
                sent.header("mcp-session-id"),
                sent.header("mcp-protocol-version"),
                sent.header("mcp-method")
            ),
            ("s-1", "2025-11-25", "")
        );
        assert!(sent.message["params"].get("_meta").is_none(), "{}", sent.message);
        hub.close().await;
        let farewell = server.received().pop().unwrap();
        assert_eq!(
            (farewell.method.as_str(), farewell.header("mcp-session-id")),
            ("DELETE", "s-1")
        );
    }
}

#[tokio::test]
async fn a_session_that_the_server_forgot_is_made_anew_and_the_call_is_done() {
    let session = Arc::new(Mutex::new("first"));
    let known = session.clone();
    let done = Arc::new(AtomicUsize::new(0));
    let counted = done.clone();
    let server = Server::start(move |received| {
        let session = *known.lock().unwrap();
        if received.rpc() == "tools/call" && received.header("mcp-session-id") == session {
            counted.fetch_add(1, Ordering::Relaxed);
        }
        legacy(received, session, TOOLS, true)
    })
    .await;
    let hub = hub(&server.document());
    ready(&hub).await;
    *session.lock().unwrap() = "second";
    assert_eq!(call(&hub, "get", "{}").await.unwrap(), format!("{RESULT}}}"));
    assert_eq!(done.load(Ordering::Relaxed), 1, "it is done once");
    assert_eq!(server.last("tools/call").header("mcp-session-id"), "second");
    assert_eq!(hub.retries("u"), Some(1));
    hub.close().await;
}

#[tokio::test]
async fn an_answer_whose_stream_ended_is_taken_up_where_it_ended() {
    let server = Server::start(
        |received| match (received.rpc(), received.header("last-event-id")) {
            ("tools/call", _) => events(&["id: ev-7\nretry: 1\ndata:\n\n".to_owned()]),
            ("", "ev-7") => {
                let answer = format!("{{\"jsonrpc\":\"2.0\",\"id\":4,\"result\":{RESULT}}}}}");
                events(&[event(&answer)])
            }
            _ => legacy(received, "s", TOOLS, false),
        },
    )
    .await;
    let hub = hub(&server.document());
    ready(&hub).await;
    // Ids: discover 1, initialize 2, the list 3, this call 4.
    assert_eq!(call(&hub, "get", "{}").await.unwrap(), format!("{RESULT}}}"));
    assert_eq!(server.count("tools/call"), 1, "it is not sent again");
    hub.close().await;
}

#[tokio::test]
async fn what_a_server_asks_is_answered() {
    let asked = Arc::new(AtomicBool::new(false));
    let server = Server::start(move |received| match received.rpc() {
        "tools/call" => events(&[
            event(r#"{"jsonrpc":"2.0","id":4,"method":"ping"}"#),
            event(r#"{"jsonrpc":"2.0","id":"r","method":"roots/list"}"#),
            event(&received.result(&format!("{RESULT}}}"))),
        ]),
        "" if received.message.get("id").is_some() => {
            asked.store(true, Ordering::Relaxed);
            Reply::With(202, Vec::new(), String::new())
        }
        _ => legacy(received, "s", TOOLS, false),
    })
    .await;
    let hub = hub(&server.document());
    ready(&hub).await;
    call(&hub, "get", "{}").await.unwrap();
    let answers = || -> Vec<_> {
        let all = server.received().into_iter().map(|received| received.message);
        all.filter(|message| message.get("method").is_none() && message.get("id").is_some())
            .collect()
    };
    until(&hub, "both answers", || answers().len() == 2).await;
    let answers = answers();
    let of = |id: serde_json::Value| answers.iter().find(|answer| answer["id"] == id).unwrap();
    assert_eq!(of(json!(4))["result"], json!({}));
    assert_eq!(of(json!("r"))["error"]["code"], -32601);
    hub.close().await;
}

#[tokio::test]
async fn a_list_that_changed_is_taken_anew_in_both_eras() {
    for is_modern in [true, false] {
        let tools = Arc::new(Mutex::new(TOOLS.to_owned()));
        let listed = tools.clone();
        let (told, stream) = mpsc::unbounded_channel();
        let stream = Mutex::new(Some(stream));
        let server = Server::start(move |received| {
            let tools = listed.lock().unwrap().clone();
            let listens = received.rpc() == "subscriptions/listen" || received.method == http::Method::GET;
            match listens.then(|| stream.lock().unwrap().take()) {
                Some(Some(stream)) => Reply::Events(Vec::new(), stream),
                Some(None) => Reply::Json(405, "{}".to_owned()),
                None if is_modern => modern(received, &tools),
                None => legacy(received, "s", &tools, false),
            }
        })
        .await;
        let hub = hub(&server.document());
        let first = ready(&hub).await;
        let heard = Arc::new(AtomicUsize::new(0));
        let hearing = heard.clone();
        hub.subscribe(Arc::new(move |id| {
            assert_eq!(id, "u");
            hearing.fetch_add(1, Ordering::Relaxed);
        }));
        // Told without a change: nobody hears of it.
        let changed = || event(r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#);
        told.send(changed()).unwrap();
        until(&hub, "a second list", || server.count("tools/list") == 2).await;
        *tools.lock().unwrap() = TOOLS.replace("\"get\"", "\"other\"");
        told.send(changed()).unwrap();
        until(&hub, "another inventory", || heard.load(Ordering::Relaxed) == 1).await;
        let second = hub.offer("u").unwrap().inventory.unwrap();
        assert_eq!(
            (second.epoch, names(&second)),
            (first.epoch + 1, vec!["other"]),
            "{is_modern}"
        );
        hub.close().await;
    }
}

#[tokio::test]
async fn all_pages_are_read_and_what_cannot_be_used_is_left_out_with_its_reason() {
    let server = Server::start(|received| {
        let page = |tools: &str, next: &str| Reply::Json(200, received.result(&format!("{{\"tools\":[{tools}]{next}}}")));
        match (received.rpc(), received.message["params"]["cursor"].as_str()) {
            ("tools/list", None) => page(
                r#"{"name":"a","inputSchema":{"type":"object"}},{"name":"a","inputSchema":{"type":"object"}},{"name":"b"},{"inputSchema":{"type":"object"}}"#,
                r#","nextCursor":"p/2""#,
            ),
            ("tools/list", Some("p/2")) => page(
                r#"{"name":"c","inputSchema":[]},{"name":"d","inputSchema":{"type":"object","properties":{"x":{"type":"number","x-mcp-header":"X"}}}},{"name":"e","inputSchema":{"type":"object"}}"#,
                "",
            ),
            _ => legacy(received, "s", TOOLS, false),
        }
    })
    .await;
    let hub = hub(&server.document());
    let inventory = ready(&hub).await;
    assert_eq!(names(&inventory), ["a", "e"]);
    let skipped: Vec<_> = inventory
        .skipped
        .iter()
        .map(|skipped| format!("{}: {}", skipped.name, skipped.reason))
        .collect();
    for (found, expected) in skipped.iter().zip([
        "a: the name appears twice",
        "b: it has no inputSchema",
        ": it has no name",
        "c: its inputSchema is no JSON object",
        "d: input_schema.properties.x.x-mcp-header",
    ]) {
        assert!(found.starts_with(expected), "{found}");
    }
    assert_eq!(skipped.len(), 5, "{skipped:?}");
    hub.close().await;
}

#[tokio::test]
async fn arguments_are_repeated_in_headers_where_the_tool_wants_that() {
    let tools = r#"[{"name":"get","inputSchema":{"type":"object","properties":{
        "region":{"type":"string","x-mcp-header":"Region"},"n":{"type":"integer","x-mcp-header":"N"},
        "deep":{"type":"object","properties":{"flag":{"type":"boolean","x-mcp-header":"Flag"}}},"none":{"type":"string","x-mcp-header":"None"}}}}]"#;
    let server = Server::start(move |received| modern(received, tools)).await;
    let hub = hub(&server.document());
    ready(&hub).await;
    call(
        &hub,
        "get",
        r#"{"region":"Zürich","n":42,"deep":{"flag":true},"none":null}"#,
    )
    .await
    .unwrap();
    let sent = server.last("tools/call");
    for (header, value) in [
        ("mcp-param-region", "=?base64?WsO8cmljaA==?="),
        ("mcp-param-n", "42"),
        ("mcp-param-flag", "true"),
        ("mcp-param-none", ""),
    ] {
        assert_eq!(sent.header(header), value, "{header}");
    }
    hub.close().await;
}

#[tokio::test]
async fn the_trace_of_a_call_takes_the_place_of_the_documents_headers() {
    let server = Server::start(|received| modern(received, TOOLS)).await;
    let mut document = server.document();
    document["headers"] = json!({"Traceparent": "00-own", "X-Team": "support"});
    let hub = hub(&document);
    let inventory = ready(&hub).await;
    let trace = http::HeaderName::from_static("traceparent");
    let call = RemoteCall {
        wanted: Wanted::Tool(inventory.tool("get").unwrap().clone()),
        params: r#"{"name":"x"}"#.into(),
        via: None,
        trace: vec![(trace.clone(), http::HeaderValue::from_static("00-call"))],
        line: None,
        caller: None,
        principal: None,
        owner: None,
        token: None,
    };
    hub.call("u", call).await.unwrap();
    let sent = server.last("tools/call");
    let named: Vec<_> = sent.headers.get_all(trace).iter().collect();
    assert_eq!(named, ["00-call"]);
    assert_eq!(sent.header("x-team"), "support");
    hub.close().await;
}
