//! Of tools that together need more memory than they may have compiled, each answers as it should.

use crate::test_app::TestApp;
use serde_json::{Map, Value, json};

const ROOM: u64 = 2 << 20;
const TOOLS: usize = 24;

/// A tool whose patterns make it one of few that fit in. Its answer is its own.
fn tool(number: usize) -> Value {
    let pattern = |n: usize| {
        let schema = json!({"type": "string", "pattern": format!("^(?:{number}|.{{1,300}}{n})$")});
        (format!("p{n}"), schema)
    };
    let mut properties: Map<_, _> = (0..4).map(pattern).collect();
    properties.insert("n".to_owned(), json!({"type": "integer", "const": number}));
    json!({
        "name": format!("t{number}"), "description": "A tool.",
        "input_schema": {"type": "object", "properties": properties, "required": ["n"]},
        "static": {"structured": {"number": number}},
    })
}

fn metric(app: &TestApp, name: &str) -> u64 {
    let metrics = app.metrics();
    let line = metrics
        .lines()
        .find_map(|line| line.strip_prefix(&format!("dynmcp_compiled_{name} ")));
    line.unwrap_or_else(|| panic!("{name} in {metrics}"))
        .parse()
        .unwrap()
}

#[tokio::test]
async fn tools_without_room_are_compiled_when_they_are_called_and_never_wrong() {
    let app = TestApp::with(&[("app.compiled_memory", "2MiB")]).await;
    for number in 0..TOOLS {
        app.admin()
            .put(&format!("/admin/tds/t{number}"), &tool(number))
            .await
            .ok();
    }
    let ids: Vec<_> = (0..TOOLS).map(|number| json!(format!("t{number}"))).collect();
    // One of them has an argument that the instance gives.
    let mut other = ids.clone();
    other[3] = json!({"id": "t3", "defaults": {"n": 3}, "hide": ["n"]});
    for (id, ids) in [("all", ids), ("other", other)] {
        let instance = json!({"name": id, "tool_ids": ids});
        app.admin().put(&format!("/admin/ids/{id}"), &instance).await.ok();
    }
    assert_eq!(metric(&app, "limit_bytes"), ROOM);
    for id in ["all", "other"] {
        let client = app.mcp(id);
        assert_eq!(client.tool_names().await.len(), TOOLS);
        for number in (0..TOOLS).chain((0..TOOLS).rev()) {
            let name = format!("t{number}");
            let arguments = match (id, number) {
                ("other", 3) => json!({}),
                _ => json!({"n": number, "p0": number.to_string()}),
            };
            let right = client.call(&name, arguments).await;
            assert_eq!(right["structuredContent"], json!({"number": number}), "{right}");
            let wrong = client.call(&name, json!({"n": TOOLS, "p0": ""})).await;
            assert_eq!(wrong["isError"], true, "{wrong}");
            assert!(metric(&app, "bytes") <= ROOM);
        }
    }
    assert!(metric(&app, "tools") > 0);
    assert!(metric(&app, "evicted_total") > 0);
    let again = metric(&app, "again_total");
    assert!(again as usize >= 2 * TOOLS, "{again}");
    // Which one is kept is called again and again without being compiled.
    let client = app.mcp("all");
    client.call("t0", json!({"n": 0})).await;
    let again = metric(&app, "again_total");
    for _ in 0..5 {
        client.call("t0", json!({"n": 0})).await;
    }
    assert_eq!(metric(&app, "again_total"), again);

    // The same with a definition that changes while it is not compiled.
    let mut changed = tool(5);
    changed["static"]["structured"]["number"] = json!("five");
    app.admin().put("/admin/tds/t5", &changed).await.ok();
    let answer = client.call("t5", json!({"n": 5})).await;
    assert_eq!(answer["structuredContent"], json!({"number": "five"}), "{answer}");
}
