//! What servers ask during calls reaches the client whose call it is, in its own way, and its answer goes back: between all
//! eras.

use super::{
    clients::{OldClient, modern_stream},
    offered::with,
    server::McpServer,
};
use crate::{
    test_app::TestApp,
    websocket::{Socket, older},
};
use futures_util::FutureExt;
use serde_json::{Value, json};

const ELICIT: &str = "elicitation/create";

fn form(message: &Value) -> Value {
    json!({"message": message, "requestedSchema": {"type": "object", "properties": {"n": {"type": "integer", "x-own": 1}}}})
}

/// A server of 2025-11-25 whose tools ask what their names say, and answer with what they were answered.
async fn asking() -> McpServer {
    let server = McpServer::start(false, json!({"tools": {}}), |received, talk| {
        async move {
            let (arguments, id) = (&received.params()["arguments"], received.message["id"].clone());
            let ask = async |method, params| vec![talk.ask(&format!("s-{id}"), method, &params).await];
            let answers = match received.params()["name"].as_str().unwrap_or_default() {
                "elicits" => ask(ELICIT, form(&arguments["message"])).await,
                "samples" => ask("sampling/createMessage", json!({"messages": [], "maxTokens": 1})).await,
                "roots" => ask("roots/list", json!({})).await,
                "twice" => {
                    talk.tell("notifications/progress", &json!({"progressToken": received.params()["_meta"]["progressToken"], "progress": 1}));
                    let first = talk.ask("s-one", ELICIT, &form(&json!("one"))).await;
                    talk.tell("notifications/progress", &json!({"progressToken": received.params()["_meta"]["progressToken"], "progress": 2}));
                    vec![first, talk.ask("s-two", ELICIT, &form(&json!("two"))).await]
                }
                _ => {
                    let page = json!({"mode": "url", "elicitationId": "e-1", "url": "https://pages.example/1", "message": "Please."});
                    talk.error(&json!({"code": -32042, "message": "a page first", "data": {"elicitations": [page]}}));
                    return;
                }
            };
            let parts: Vec<_> = answers
                .iter()
                .map(|answer| answer.get("result").or(answer.get("error")).cloned().unwrap_or_default())
                .collect();
            let content = json!([{"type": "text", "text": serde_json::to_string(&parts).unwrap()}]);
            talk.result(&json!({"content": content}).to_string());
        }
        .boxed()
    })
    .await;
    let tools = ["elicits", "samples", "roots", "twice", "pages"]
        .map(|name| json!({"name": name, "description": "Asks.", "inputSchema": {"type": "object"}}));
    server.list("tools/list", "tools", &json!(tools).to_string());
    server
}

async fn start(more: &Value) -> (TestApp, McpServer) {
    let app = TestApp::start().await;
    let server = asking().await;
    with(&app, "u", &server, more).await;
    let document = json!({"name": "i", "include": {"upstreams": ["u"]}, "metadata": {"proto_type": "streamable-stateful"}});
    app.admin().put("/admin/ids/i", &document).await.ok();
    (app, server)
}

fn call(tool: &str, arguments: &Value) -> Value {
    json!({"name": tool, "arguments": arguments})
}

fn answers(result: &Value) -> Value {
    let text = result["result"]["content"][0]["text"].as_str();
    serde_json::from_str(text.unwrap_or_else(|| panic!("no text: {result}"))).unwrap()
}

/// What each session was told of its client.
fn declared(server: &McpServer) -> Vec<Value> {
    let all = server.received("initialize");
    all.iter()
        .map(|one| one.params()["capabilities"].clone())
        .collect()
}

#[tokio::test]
async fn each_client_is_asked_what_its_own_call_asks() {
    let (app, server) = start(&json!({})).await;
    let eager = json!({"elicitation": {}, "sampling": {"tools": {}}, "roots": {"listChanged": true}});
    let (one, two) = (
        OldClient::start(&app, "i", eager).await,
        OldClient::start(&app, "i", json!({"elicitation": {}})).await,
    );
    let mut streams = Vec::new();
    for (client, message) in [(&one, "first"), (&two, "second")] {
        let stream = client
            .stream(7, "tools/call", call("elicits", &json!({"message": message})))
            .await;
        streams.push((client, message, stream));
    }
    for (client, message, mut stream) in streams {
        let asked = stream.next().await.unwrap();
        assert_eq!(
            (&asked["method"], &asked["params"]),
            (&json!(ELICIT), &form(&json!(message)))
        );
        let result = json!({"action": "accept", "content": {"n": 12, "of": message}});
        client
            .send(&json!({"jsonrpc": "2.0", "id": asked["id"], "result": result}))
            .await
            .expect(202);
        let answer = stream.next().await.unwrap();
        assert_eq!((&answer["id"], answers(&answer)), (&json!(7), json!([result])));
    }
    // Each by its own session, which was told what its client answers; the lists came over one that answers nothing.
    assert_eq!(
        declared(&server),
        [
            json!({}),
            json!({"elicitation": {"form": {}}, "sampling": {"tools": {}}, "roots": {}}),
            json!({"elicitation": {"form": {}}})
        ]
    );
    for (tool, method) in [("samples", "sampling/createMessage"), ("roots", "roots/list")] {
        let mut stream = one.stream(8, "tools/call", call(tool, &json!({}))).await;
        let asked = stream.next().await.unwrap();
        assert_eq!(asked["method"], method);
        let error = json!({"code": -1, "message": "not today", "data": [1]});
        one.send(&json!({"jsonrpc": "2.0", "id": asked["id"], "error": error}))
            .await
            .expect(202);
        assert_eq!(answers(&stream.next().await.unwrap()), json!([error]));
        // A server that asks for what nobody declared is told so.
        let refused = two.ask("tools/call", call(tool, &json!({}))).await;
        assert_eq!(answers(&refused)[0]["code"], -32601, "{refused}");
    }
    assert_eq!(declared(&server).len(), 3);
}

#[tokio::test]
async fn nobody_is_asked_where_sessions_are_shared() {
    for (sessions, told) in [
        ("shared", json!({})),
        (
            "per_client",
            json!({"elicitation": {"form": {}, "url": {}}, "sampling": {"context": {}, "tools": {}}, "roots": {}}),
        ),
    ] {
        let (app, server) = start(&json!({"sessions": sessions})).await;
        let client = OldClient::start(&app, "i", json!({"elicitation": {}})).await;
        if sessions == "shared" {
            let refused = client.ask("tools/call", call("elicits", &json!({}))).await;
            assert_eq!(answers(&refused)[0]["code"], -32601, "{refused}");
        }
        let silent = OldClient::start(&app, "i", json!({})).await;
        let refused = silent.ask("tools/call", call("elicits", &json!({}))).await;
        assert_eq!(answers(&refused)[0]["code"], -32601, "{refused}");
        assert_eq!(declared(&server)[0], told);
    }
}

#[tokio::test]
async fn a_channel_is_asked_over_itself() {
    let (app, _server) = start(&json!({})).await;
    let mut socket = Socket::of_user(&app, "i").await;
    socket.initialize_as(json!({"elicitation": {}})).await;
    let asked = socket
        .ask(&older(5, "tools/call", call("elicits", &json!({"message": "m"}))))
        .await;
    assert_eq!(asked["method"], ELICIT);
    let result = json!({"action": "decline"});
    let answer = socket
        .ask(&json!({"jsonrpc": "2.0", "id": asked["id"], "result": result}))
        .await;
    assert_eq!((&answer["id"], answers(&answer)), (&json!(5), json!([result])));
}

/// Of a client of 2026-07-28 that answers everything.
fn modern(mut params: Value, more: &Value) -> Value {
    params["_meta"]["io.modelcontextprotocol/clientCapabilities"] =
        json!({"elicitation": {"form": {}, "url": {}}, "sampling": {}, "roots": {}});
    for (name, value) in more.as_object().unwrap() {
        params[name] = value.clone();
    }
    params
}

#[tokio::test]
async fn a_newer_client_is_asked_by_the_result_of_its_call() {
    let (app, server) = start(&json!({})).await;
    let mcp = app.mcp("i");
    let params = call("elicits", &json!({"message": "m"}));
    let asking = mcp
        .modern("tools/call", modern(params.clone(), &json!({})))
        .await
        .ok()
        .json();
    let result = &asking["result"];
    assert_eq!(result["resultType"], "input_required", "{asking}");
    assert_eq!(
        result["inputRequests"],
        json!({"elicitation-1": {"method": ELICIT, "params": form(&json!("m"))}})
    );
    assert!(result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"].is_string());
    let state = &result["requestState"];
    // Neither another state nor another tool goes on with it, and an answer that is none is asked for again.
    let answer = json!({"action": "accept", "content": {"n": 1}});
    let given = |state: &Value, answer: &Value| json!({"requestState": state, "inputResponses": {"elicitation-1": answer, "x": {}}});
    let tampered = json!(format!("{}-TAMPERED", state.as_str().unwrap()));
    for (params, state) in [
        (&params, &tampered),
        (&call("roots", &json!({})), state),
        (&params, &json!("of another")),
    ] {
        let refused = mcp
            .modern("tools/call", modern(params.clone(), &given(state, &answer)))
            .await
            .ok()
            .json();
        assert_eq!(refused["error"]["code"], -32602, "{refused}");
        assert!(
            refused["error"]["message"]
                .as_str()
                .unwrap()
                .contains("requestState"),
            "{refused}"
        );
    }
    let again = mcp
        .modern("tools/call", modern(params.clone(), &given(state, &Value::Null)))
        .await
        .ok()
        .json();
    assert_eq!(
        again["result"]["inputRequests"], result["inputRequests"],
        "{again}"
    );
    let state = &again["result"]["requestState"];
    let done = mcp
        .modern("tools/call", modern(params.clone(), &given(state, &answer)))
        .await
        .ok()
        .json();
    assert_eq!(answers(&done), json!([answer]));
    assert_eq!(
        (&done["result"]["resultType"], server.received("tools/call").len()),
        (&json!("complete"), 1)
    );
    let over = mcp
        .modern("tools/call", modern(params, &given(state, &answer)))
        .await
        .ok()
        .json();
    assert_eq!(over["error"]["code"], -32602, "{over}");
    assert_eq!(server.received("tools/call").len(), 1, "it was called once");
}

#[tokio::test]
async fn a_call_that_asks_twice_goes_on_with_each_request_and_tells_it_how_far_it_is() {
    let (app, server) = start(&json!({})).await;
    let params = call("twice", &json!({}));
    let mut state = json!({});
    for (round, answered) in [(1, None), (2, Some("elicitation-1")), (3, Some("elicitation-2"))] {
        let mut params = modern(params.clone(), &state);
        params["_meta"]["progressToken"] = json!(format!("t-{round}"));
        let mut stream = match round {
            3 => {
                let done = app.mcp("i").modern("tools/call", params).await.ok().json();
                assert_eq!(
                    answers(&done),
                    json!([{"action": "elicitation-1"}, {"action": "elicitation-2"}])
                );
                break;
            }
            _ => modern_stream(&app, "i", "tools/call", params).await,
        };
        let progress = stream.next().await.unwrap();
        assert_eq!(
            progress["params"],
            json!({"progressToken": format!("t-{round}"), "progress": round}),
            "{answered:?}"
        );
        let asking = stream.next().await.unwrap();
        assert_eq!(
            (&asking["id"], &asking["result"]["resultType"]),
            (&json!("l-1"), &json!("input_required"))
        );
        assert_eq!(stream.next().await, None);
        let name = format!("elicitation-{round}");
        let responses = json!({name.clone(): {"action": name}});
        state = json!({"requestState": asking["result"]["requestState"], "inputResponses": responses});
    }
    assert_eq!(server.received("tools/call").len(), 1);
}

#[tokio::test]
async fn pages_that_have_to_be_opened_are_asked_for_as_each_client_knows_it() {
    let (app, _server) = start(&json!({})).await;
    let params = call("pages", &json!({}));
    let asking = app
        .mcp("i")
        .modern("tools/call", modern(params.clone(), &json!({})))
        .await
        .ok()
        .json();
    let request = json!({"method": ELICIT, "params": {"mode": "url", "message": "Please.", "url": "https://pages.example/1"}});
    assert_eq!(
        asking["result"]["inputRequests"],
        json!({"page-1": request}),
        "{asking}"
    );
    assert!(asking["result"]["requestState"].is_null());
    // The call is made again, and asks again.
    let retried = modern(
        params.clone(),
        &json!({"inputResponses": {"page-1": {"action": "accept"}}}),
    );
    let again = app.mcp("i").modern("tools/call", retried).await.ok().json();
    assert_eq!(again["result"]["resultType"], "input_required");

    let opens = OldClient::start(&app, "i", json!({"elicitation": {"url": {}}})).await;
    let error = opens.ask("tools/call", params.clone()).await;
    assert_eq!(
        (
            &error["error"]["code"],
            &error["error"]["data"]["elicitations"][0]["elicitationId"]
        ),
        (&json!(-32042), &json!("e-1"))
    );
    let other = OldClient::start(&app, "i", json!({"elicitation": {}})).await;
    let told = other.ask("tools/call", params).await;
    assert_eq!(told["result"]["isError"], true);
    assert!(
        told["result"]["content"][0]["text"]
            .as_str()
            .unwrap()
            .contains("https://pages.example/1"),
        "{told}"
    );
}

/// A server of 2026-07-28 that asks twice before it answers.
async fn asking_by_results() -> McpServer {
    let server = McpServer::start(true, json!({"tools": {}}), |received, talk| {
        async move {
            let params = received.params();
            let asking = |state: &str, requests: &Value| {
                talk.result(&json!({"resultType": "input_required", "requestState": state, "inputRequests": requests}).to_string());
            };
            let page = json!({"mode": "url", "message": "Please.", "url": "https://pages.example/1"});
            match params["requestState"].as_str() {
                None => asking("one", &json!({"a": {"method": ELICIT, "params": form(&json!("m"))}, "b": {"method": "roots/list"}})),
                Some("one") => asking("two", &json!({"c": {"method": ELICIT, "params": page}})),
                Some(_) => {
                    let content = json!([{"type": "text", "text": json!([params["inputResponses"]]).to_string()}]);
                    talk.result(&json!({"resultType": "complete", "content": content}).to_string());
                }
            }
        }
        .boxed()
    })
    .await;
    let tools = r#"[{"name":"t","description":"Asks.","inputSchema":{"type":"object"}}]"#;
    server.list("tools/list", "tools", tools);
    server
}

#[tokio::test]
async fn an_older_client_is_sent_what_a_newer_server_asks_in_its_results() {
    let app = TestApp::start().await;
    let server = asking_by_results().await;
    with(&app, "u", &server, &json!({})).await;
    let document = json!({"name": "i", "include": {"upstreams": ["u"]}, "metadata": {"proto_type": "streamable-stateful"}});
    app.admin().put("/admin/ids/i", &document).await.ok();
    let client = OldClient::start(
        &app,
        "i",
        json!({"elicitation": {"form": {}, "url": {}}, "roots": {}}),
    )
    .await;
    let mut stream = client
        .stream(3, "tools/call", call("t", &json!({"x": 1.5})))
        .await;
    for _ in 0..3 {
        let asked = stream.next().await.unwrap();
        let result = match (asked["method"].as_str(), &asked["params"]["mode"]) {
            (Some("roots/list"), _) => json!({"roots": []}),
            (Some(ELICIT), Value::Null) => json!({"action": "accept", "content": {"n": 3}}),
            _ => {
                assert!(asked["params"]["elicitationId"].is_string(), "{asked}");
                json!({"action": "accept"})
            }
        };
        client
            .send(&json!({"jsonrpc": "2.0", "id": asked["id"], "result": result}))
            .await
            .expect(202);
    }
    let answer = stream.next().await.unwrap();
    assert_eq!(
        (&answer["id"], answers(&answer)),
        (&json!(3), json!([{"c": {"action": "accept"}}]))
    );
    let calls = server.received("tools/call");
    assert_eq!(calls.len(), 3);
    let capabilities = json!({"elicitation": {"form": {}, "url": {}}, "roots": {}});
    for call in &calls {
        assert_eq!(
            call.params()["_meta"]["io.modelcontextprotocol/clientCapabilities"],
            capabilities
        );
        assert_eq!(call.params()["arguments"], json!({"x": 1.5}));
    }
    assert_eq!(
        calls[1].params()["inputResponses"],
        json!({"a": {"action": "accept", "content": {"n": 3}}, "b": {"roots": []}})
    );

    let silent = OldClient::start(&app, "i", json!({"elicitation": {}})).await;
    let failed = silent.ask("tools/call", call("t", &json!({}))).await;
    assert_eq!(failed["result"]["isError"], true, "{failed}");
    let why = failed["result"]["content"][0]["text"].as_str().unwrap();
    assert!(why.contains("the client does not answer `roots/list`"), "{why}");
}
