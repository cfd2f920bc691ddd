//! The table `egress` of the configuration reaches the calls.

use super::{Gateway, KEY, Sandbox, gateway::request};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    thread,
};

/// Makes a tool of the binding, calls it, and gives the text of its answer.
pub(crate) fn call(gateway: &Gateway, binding: &Value, is_error: bool) -> String {
    let tool = json!({"name": "t", "description": "d", "tds_ext_info": binding});
    gateway.put("tds/t", &tool);
    gateway.put("ids/i", &json!({"name": "i", "tool_ids": ["t"]}));
    let message =
        json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "t", "arguments": {}}});
    let call = reqwest::Client::builder().no_proxy().build().unwrap();
    let call = call
        .post(format!("{}/mcp/i", gateway.origin))
        .bearer_auth(KEY)
        .json(&message);
    let (_, body) = request(call).unwrap();
    let answer: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(answer["result"]["isError"], is_error, "{answer}");
    answer["result"]["content"][0]["text"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn an_address_that_the_configuration_closes_is_not_called() {
    let upstream = TcpListener::bind("127.0.0.1:0").unwrap();
    upstream.set_nonblocking(true).unwrap();
    let address = upstream.local_addr().unwrap().to_string();
    let sandbox = Sandbox::new();
    let gateway = Gateway::start(
        &sandbox,
        "[app]\napi_key = \"process-test-key\"\n[egress]\nallow_loopback = false\n",
    );
    let binding = json!({"domain": address, "method": "GET", "path": "/"});
    let text = call(&gateway, &binding, true);
    assert!(text.contains("egress.allow_loopback"), "{text}");
    assert!(upstream.accept().is_err(), "somebody connected");
}

#[test]
fn proxies_are_those_of_the_configuration_never_those_of_the_environment() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap());
    let asked = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = BufReader::new(stream.try_clone().unwrap()).lines();
        let first = head.next().unwrap().unwrap();
        while head.next().is_some_and(|line| !line.unwrap().is_empty()) {}
        let answer = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 8\r\n\r\nby proxy";
        stream.write_all(answer.as_bytes()).unwrap();
        first
    });
    let sandbox = Sandbox::new();
    let names = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"];
    let environment = names.map(|name| (name, proxy.as_str()));
    let config = format!("[app]\napi_key = \"process-test-key\"\n[egress]\nproxies = [\"{proxy}\"]\n");
    let gateway = Gateway::start_with(&sandbox, &config, &environment);
    let direct = json!({"domain": "http://orders.invalid", "method": "GET", "path": "/a"});
    let text = call(&gateway, &direct, true);
    assert!(text.contains("cannot be resolved"), "{text}");

    let other = json!({"domain": "http://orders.invalid", "method": "GET", "path": "/b", "proxy": "http://127.0.0.1:1"});
    let text = call(&gateway, &other, true);
    assert!(text.contains("`egress.proxies`"), "{text}");

    let named = json!({"domain": "http://orders.invalid", "method": "GET", "path": "/c", "proxy": proxy});
    assert_eq!(call(&gateway, &named, false), "by proxy");
    assert_eq!(asked.join().unwrap(), "GET http://orders.invalid/c HTTP/1.1");
}
