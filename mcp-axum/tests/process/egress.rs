//! The table `egress` of the configuration reaches the calls.

use super::{Gateway, Sandbox, gateway::request};
use serde_json::{Value, json};
use std::net::TcpListener;

#[test]
fn an_address_that_the_configuration_closes_is_not_called() {
    let upstream = TcpListener::bind("127.0.0.1:0").unwrap();
    upstream.set_nonblocking(true).unwrap();
    let address = upstream.local_addr().unwrap().to_string();
    let sandbox = Sandbox::new();
    let gateway = Gateway::start(
        &sandbox,
        "[app]\napi_key = \"k\"\n[egress]\nallow_loopback = false\n",
    );
    let binding = json!({"domain": address, "method": "GET", "path": "/"});
    gateway.put(
        "tds/t",
        &json!({"name": "t", "description": "d", "tds_ext_info": binding}),
    );
    gateway.put("ids/i", &json!({"name": "i", "tool_ids": ["t"]}));
    let message =
        json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "t", "arguments": {}}});
    let call = reqwest::Client::new()
        .post(format!("{}/mcp/i", gateway.origin))
        .bearer_auth("k")
        .json(&message);
    let (_, body) = request(call).unwrap();
    let answer: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(answer["result"]["isError"], true, "{answer}");
    let text = answer["result"]["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("egress.allow_loopback"), "{text}");
    assert!(upstream.accept().is_err(), "somebody connected");
}
