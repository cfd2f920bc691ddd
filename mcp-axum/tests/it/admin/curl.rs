//! The nine lines of the first version's README, run by the real `curl`.

use crate::test_app::TestApp;
use serde_json::Value;
use std::process::Command;

const LINES: [&str; 9] = [
    r#"curl -X POST http://localhost:8080/mcp/instance123 -H "Content-Type: application/json" -H "Authorization: Bearer your-api-key" -d '{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}'"#,
    r#"curl http://localhost:8080/admin/tds -H "Authorization: Bearer your-api-key""#,
    r#"curl http://localhost:8080/admin/tds/tool123 -H "Authorization: Bearer your-api-key""#,
    r#"curl -X PUT http://localhost:8080/admin/tds/tool123 -H "Authorization: Bearer your-api-key" -H "Content-Type: application/json" -d '{"id":"tool123","name":"example_tool","description":"An example tool","input_schema":{},"tds_ext_info":{"domain":"api.example.com","method":"GET","path":"/v1/example","required_params":{},"ext_info":{}}}'"#,
    r#"curl -X DELETE http://localhost:8080/admin/tds/tool123 -H "Authorization: Bearer your-api-key""#,
    r#"curl http://localhost:8080/admin/ids -H "Authorization: Bearer your-api-key""#,
    r#"curl http://localhost:8080/admin/ids/instance123 -H "Authorization: Bearer your-api-key""#,
    r#"curl -X PUT http://localhost:8080/admin/ids/instance123 -H "Authorization: Bearer your-api-key" -H "Content-Type: application/json" -d '{"id":"instance123","name":"example_instance","tool_ids":["tool1","tool2","tool3"]}'"#,
    r#"curl -X DELETE http://localhost:8080/admin/ids/instance123 -H "Authorization: Bearer your-api-key""#,
];

/// Runs the line (counted from 1) against the gateway: status and body.
async fn run(app: &TestApp, line: usize) -> (u16, Value) {
    let port = app.address().port();
    let line = LINES[line - 1].replace("localhost:8080", &format!("localhost:{port}"));
    // What stands there is too short for a key.
    let line = line.replace("your-api-key", app.admin_key());
    let command = format!("{line} --silent --show-error --noproxy '*' --write-out '\\n%{{http_code}}'");
    let output = tokio::task::spawn_blocking({
        let command = command.clone();
        move || Command::new("sh").arg("-c").arg(command).output().unwrap()
    });
    let output = output.await.unwrap();
    assert!(
        output.status.success(),
        "{command}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    let (body, status) = text.rsplit_once('\n').unwrap();
    (
        status.parse().unwrap(),
        serde_json::from_str(body).unwrap_or_else(|_| panic!("{command}: {body}")),
    )
}

async fn gateway(source: &str) -> TestApp {
    TestApp::with(&[("app.data_source", source)]).await
}

#[tokio::test]
async fn in_the_order_of_the_readme_on_an_empty_gateway() {
    for source in ["memory", "sqlite"] {
        let app = gateway(source).await;
        let mut statuses = Vec::new();
        for line in 1..=LINES.len() {
            statuses.push(run(&app, line).await.0);
        }
        assert_eq!(
            statuses,
            [404, 200, 404, 200, 200, 200, 404, 200, 200],
            "{source}"
        );
    }
}

#[tokio::test]
async fn after_the_definitions_are_stored_everything_answers() {
    let app = gateway("sqlite").await;
    let mut answers = Vec::new();
    for line in [4, 8, 1, 2, 3, 6, 7, 5, 9, 5, 9] {
        let (status, body) = run(&app, line).await;
        assert_eq!(status, 200, "line {line}: {body}");
        answers.push(body);
    }
    insta::assert_json_snapshot!("nine_lines", answers, {
        "[].data.updated_at" => "[time]",
        "[].data[].updated_at" => "[time]",
    });
}
