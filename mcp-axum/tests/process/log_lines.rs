//! What the log says of requests.

use super::{Gateway, KEY, Sandbox, gateway::request};
use serde_json::json;

#[test]
fn a_line_of_mcp_names_the_instance_and_the_caller_also_where_it_is_refused() {
    let sandbox = Sandbox::new();
    let gateway = Gateway::start(&sandbox, &format!("[app]\napi_key = '{KEY}'\n"));
    gateway.put("ids/desk", &json!({"name": "desk", "tool_ids": []}));
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    let post = |instance: &str| {
        reqwest::Client::new()
            .post(format!("{}/mcp/{instance}", gateway.origin))
            .header("accept", "application/json, text/event-stream")
            .json(&list)
    };
    assert_eq!(request(post("desk")).unwrap().0, 401);
    assert_eq!(request(post("desk").bearer_auth(KEY)).unwrap().0, 200);
    let long = "x".repeat(500);
    assert_eq!(request(post(&long).bearer_auth(KEY)).unwrap().0, 404);
    let line = |text: &str| {
        let output = gateway.output();
        output.lines().find(|line| line.contains(text)).map(str::to_owned)
    };
    gateway.wait("the last line", |_| line("status=404").is_some());
    let refused = line("status=401").unwrap();
    assert!(
        refused.contains(" instance=desk ") && !refused.contains("principal="),
        "{refused}"
    );
    let served = line("method=tools/list").unwrap();
    assert!(served.contains(" instance=desk principal=admin "), "{served}");
    let unknown = line("status=404").unwrap();
    assert!(
        unknown.contains(&format!(" instance={} ", &long[..64])),
        "{unknown}"
    );
}
