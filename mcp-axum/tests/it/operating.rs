//! What operators look at: metrics as Prometheus reads them, and the files of `deploy/` that name them.

use crate::test_app::TestApp;
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fs,
    io::Write,
    process::{Command, Stdio},
};

const DEPLOY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy");

fn promtool(arguments: &[&str], input: &str) {
    let mut child = Command::new("promtool")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is there: `cargo xtask tools` installs it");
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(
        output.status.success(),
        "{}\n{input}",
        String::from_utf8_lossy(&said)
    );
}

/// After calls that end well and badly, an upstream, and refusals: with every series that there can be.
async fn metrics() -> String {
    let app = TestApp::start().await;
    app.with_item_tools("i").await;
    let upstream = json!({"id": "away", "transport": "streamable_http", "url": "http://127.0.0.1:9/mcp"});
    app.admin().put("/admin/uds/away", &upstream).await.ok();
    let service = json!({"protocol": "http", "url": "http://127.0.0.1:9"});
    app.admin().put("/admin/uds/service", &service).await.ok();
    app.mcp("i").call("get_item", json!({"id": 1})).await;
    app.mcp("i").call("get_item", json!({})).await;
    app.anonymous().get("/admin/status").await.error(401);
    app.admin().get("/metrics").await.ok().text
}

/// `dynmcp_x`, `process_x`: words that are names of metrics.
fn names(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .filter(|word| word.starts_with("dynmcp_") || word.starts_with("process_"))
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn metrics_are_such_that_prometheus_likes_them_and_tell_of_the_process() {
    let text = metrics().await;
    promtool(&["check", "metrics"], &text);
    let known = names(&text);
    for name in [
        "process_start_time_seconds",
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
        "process_open_fds",
        "process_max_fds",
        "process_threads",
        "dynmcp_upstream_ready",
    ] {
        assert!(known.contains(name), "{name}: {text}");
    }
    let value = |name: &str| -> f64 {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap().parse().unwrap()
    };
    assert!(value("process_resident_memory_bytes") > 1e6);
    assert!(value("process_open_fds") < value("process_max_fds"));
    assert!(value("process_start_time_seconds") > 1.7e9);
}

#[tokio::test]
async fn series_of_tools_are_bounded_and_tell_the_upstreams_time_apart() {
    let app = TestApp::with(&[("metrics.max_series", "1")]).await;
    app.with_item_tools("i").await;
    app.mcp("i").call("get_item", json!({"id": 1})).await;
    for name in ["a", "b"] {
        app.mcp("i").call("add_item", json!({"name": name})).await;
    }
    let text = app.metrics();
    let count = |name: &str, instance: &str, tool: &str| {
        let series = format!("{name}{{mcp_instance=\"{instance}\",tool=\"{tool}\"}} ");
        let value = text.lines().find_map(|line| line.strip_prefix(&*series));
        value.map(str::to_owned)
    };
    for name in [
        "dynmcp_tool_call_duration_seconds_count",
        "dynmcp_tool_upstream_duration_seconds_count",
    ] {
        assert_eq!(count(name, "i", "get_item").as_deref(), Some("1"), "{text}");
        assert_eq!(count(name, "i", "add_item"), None, "{text}");
        assert_eq!(count(name, "other", "other").as_deref(), Some("2"), "{text}");
    }
    let retries = count("dynmcp_tool_retries_total", "i", "get_item");
    assert_eq!(retries.as_deref(), Some("0"), "it is there before the first one");
    let seconds = |name: &str| count(name, "i", "get_item").unwrap().parse::<f64>().unwrap();
    let of_upstream = seconds("dynmcp_tool_upstream_duration_seconds_sum");
    let of_call = seconds("dynmcp_tool_call_duration_seconds_sum");
    assert!(0.0 < of_upstream && of_upstream <= of_call, "{text}");
}

#[tokio::test]
async fn what_was_never_sent_is_no_time_of_an_upstream() {
    let app = TestApp::start().await;
    let tool = |name: &str, domain: &str| {
        json!({"name": name, "description": "d", "input_schema": {},
            "tds_ext_info": {"domain": domain, "method": "GET", "path": "/", "retry": {"max": 1, "backoff": {"base_ms": 1, "max_ms": 1}}}})
    };
    // Nobody listens there, and a missing secret is found out before anybody is asked.
    let mut secretive = tool("secretive", "http://127.0.0.1:9");
    secretive["tds_ext_info"]["auth"] =
        json!({"type": "bearer", "credential": "${env:DYNMCP_SECRET_NOWHERE}"});
    app.admin()
        .put("/admin/tds/away", &tool("away", "http://127.0.0.1:9"))
        .await
        .ok();
    app.admin().put("/admin/tds/secretive", &secretive).await.ok();
    app.put_instance("i", &["away", "secretive"]).await;
    for name in ["away", "secretive"] {
        let result = app.mcp("i").call(name, json!({})).await;
        assert_eq!(result["isError"], true, "{name}: {result}");
    }
    let text = app.metrics();
    for name in ["away", "secretive"] {
        let labels = format!("{{mcp_instance=\"i\",tool=\"{name}\"}} ");
        let of = |metric: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(metric)?.strip_prefix(&*labels))
        };
        assert_eq!(
            of("dynmcp_tool_call_duration_seconds_count"),
            Some("1"),
            "{name}: {text}"
        );
        assert_eq!(
            of("dynmcp_tool_upstream_duration_seconds_count"),
            None,
            "{name}: {text}"
        );
        assert!(of("dynmcp_tool_retries_total").is_some(), "{name}: {text}");
    }
}

#[tokio::test]
async fn dashboard_and_alerts_name_metrics_that_there_are() {
    let dashboard = fs::read_to_string(format!("{DEPLOY}/grafana/dynmcp.json")).unwrap();
    let panels: Value = serde_json::from_str(&dashboard).unwrap();
    let expressions: Vec<&str> = panels["panels"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|panel| panel["targets"].as_array().unwrap())
        .map(|target| target["expr"].as_str().unwrap())
        .collect();
    assert!(expressions.len() > 15);
    let alerts = fs::read_to_string(format!("{DEPLOY}/prometheus/dynmcp-alerts.yml")).unwrap();
    promtool(&["check", "rules", "/dev/stdin"], &alerts);
    // Prometheus reads the expressions of panels as those of rules.
    let rules = expressions.iter().enumerate().map(|(n, expression)| {
        let expression = expression.replace("$__rate_interval", "5m");
        json!({"record": format!("panel:{n}"), "expr": expression})
    });
    let rules = json!({"groups": [{"name": "panels", "rules": rules.collect::<Vec<_>>()}]});
    promtool(&["check", "rules", "/dev/stdin"], &rules.to_string());

    let text = metrics().await;
    // Not before an answer breaks its promise, which no series of these tests does.
    let known: BTreeSet<String> = names(&text)
        .into_iter()
        .chain(["dynmcp_tool_output_mismatches_total".to_owned()])
        .collect();
    for (file, content) in [("the dashboard", expressions.join(" ")), ("the alerts", alerts)] {
        let named = names(&content);
        assert!(named.len() > 8, "{named:?}");
        let unknown: Vec<_> = named.difference(&known).collect();
        assert!(
            unknown.is_empty(),
            "{file} names {unknown:?}, which nothing measures"
        );
    }
}
