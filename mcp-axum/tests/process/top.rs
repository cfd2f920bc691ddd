//! `dynmcp top`: a gateway on a terminal.

use super::{Gateway, KEY, Sandbox, prometheus::Prometheus};
use serde_json::{Value, json};
use std::{
    io::Write,
    process::{Output, Stdio},
    thread,
    time::Duration,
};

const CALLS: usize = 30;

/// A gateway with an instance whose tool was called some times, and failed some.
fn busy(sandbox: &Sandbox) -> Gateway {
    let gateway = Gateway::start(
        sandbox,
        "[app]\napi_key = \"process-test-key\"\ndata_source = \"memory\"\n",
    );
    let tool = |id: &str, answer: Value| json!({"name": id, "description": "d", "input_schema": {}, "static": answer});
    gateway.put("tds/hello", &tool("hello", json!({"structured": {"hello": 1}})));
    let away = json!({"name": "away", "description": "d", "input_schema": {},
        "tds_ext_info": {"domain": "http://127.0.0.1:9", "method": "GET", "path": "/"}});
    gateway.put("tds/away", &away);
    gateway.put(
        "ids/desk",
        &json!({"name": "Desk", "tool_ids": ["hello", "away"]}),
    );
    gateway.put(
        "uds/gone",
        &json!({"transport": "streamable_http", "url": "http://127.0.0.1:9/mcp"}),
    );
    calls(&gateway, CALLS);
    gateway
}

fn calls(gateway: &Gateway, count: usize) {
    for number in 0..count {
        let name = if number % 3 == 0 { "away" } else { "hello" };
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": {}}});
        let request = reqwest::Client::new()
            .post(format!("{}/mcp/desk", gateway.origin))
            .bearer_auth(KEY)
            .json(&message);
        let (status, body) = super::gateway::request(request).unwrap();
        assert_eq!(status, 200, "{body}");
    }
}

fn figures(sandbox: &Sandbox, gateway: &Gateway, every: &str) -> Value {
    let arguments = [
        "top",
        "--once",
        "--every",
        every,
        "--format",
        "json",
        "--server",
        &gateway.origin,
        "--key",
        KEY,
    ];
    let output = sandbox.run(&arguments);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn figures_are_those_of_the_metrics() {
    let sandbox = Sandbox::new();
    let gateway = busy(&sandbox);
    let seen = figures(&sandbox, &gateway, "0.2");
    let tools = seen["tools"].as_array().unwrap();
    let tool = |name: &str| tools.iter().find(|tool| tool["tool"] == name).unwrap();
    assert_eq!(
        (&tool("hello")["total"], &tool("hello")["failed"]),
        (&json!(20.0), &json!(0.0))
    );
    assert_eq!(
        (&tool("away")["total"], &tool("away")["failed"]),
        (&json!(10.0), &json!(10.0))
    );
    let asked = &seen["by_method"][0];
    assert_eq!(
        (&asked["what"], &asked["total"]),
        (&json!("tools/call"), &json!(30.0))
    );

    // While calls are made: as many as were made between the two looks, whatever time that was.
    let counted = figures_while_called(&sandbox, &gateway, CALLS);
    let per_second = counted["calls"].as_f64().unwrap();
    assert!(
        (per_second * 20.0 - 30.0).abs() < 1.5,
        "{per_second} calls a second"
    );
    assert!(
        (counted["failing"].as_f64().unwrap() - 1.0 / 3.0).abs() < 0.05,
        "{counted}"
    );
}

/// Over twenty seconds, in the midst of which so many calls are made.
fn figures_while_called(sandbox: &Sandbox, gateway: &Gateway, count: usize) -> Value {
    thread::scope(|scope| {
        let calling = scope.spawn(|| {
            // After the first look, however slow the machine is.
            thread::sleep(Duration::from_secs(5));
            calls(gateway, count);
        });
        let seen = figures(sandbox, gateway, "20");
        calling.join().unwrap();
        seen
    })
}

/// Twice the calls that every series begins with, so that both have seen each before what is compared.
#[test]
fn what_is_shown_is_within_five_percent_of_what_prometheus_says() {
    let sandbox = Sandbox::new();
    let gateway = busy(&sandbox);
    let prometheus = Prometheus::start(&sandbox, &gateway);
    let asked = "sum(dynmcp_tool_calls_total)";
    prometheus.until(asked, CALLS as f64);
    let seen = figures_while_called(&sandbox, &gateway, 2 * CALLS);
    prometheus.until(asked, 3.0 * CALLS as f64);

    // How much a counter grew, without the guesses that `increase` makes at the ends of a range.
    let grown = |counter: &str, by: &str| {
        format!("sum by ({by}) (max_over_time({counter}[5m]) - min_over_time({counter}[5m]))")
    };
    let within = |what: &str, ours: &Value, theirs: f64| {
        let ours = ours.as_f64().unwrap_or_else(|| panic!("{what}: {seen}"));
        assert!(
            (ours - theirs).abs() <= 0.05 * theirs,
            "{what}: {ours}, and Prometheus says {theirs}"
        );
    };
    let single = |expression: &str| {
        let found = prometheus.query(expression);
        *found.get("").unwrap_or_else(|| panic!("{expression}: {found:?}"))
    };
    let seconds = seen["seconds"].as_f64().unwrap();
    let requests = single(&grown("dynmcp_mcp_requests_total", ""));
    assert_eq!(
        requests,
        2.0 * CALLS as f64,
        "all of them are between its scrapes"
    );
    within("requests", &seen["requests"], requests / seconds);
    let calls = single(&grown("dynmcp_tool_calls_total", ""));
    within("calls", &seen["calls"], calls / seconds);
    let failed = single(&grown(r#"dynmcp_tool_calls_total{outcome!="ok"}"#, ""));
    within("failing", &seen["failing"], failed / calls);
    let buckets = "dynmcp_tool_call_duration_seconds_bucket";
    for (name, part) in [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)] {
        let theirs = single(&format!("histogram_quantile({part}, {})", grown(buckets, "le")));
        within(name, &seen[name], theirs);
        let each = grown(buckets, "le, tool");
        let theirs = prometheus.query(&format!("histogram_quantile({part}, {each})"));
        for tool in seen["tools"].as_array().unwrap() {
            let labels = format!("tool={}", tool["tool"].as_str().unwrap());
            within(&format!("{name} of {labels}"), &tool[name], theirs[&labels]);
        }
    }
    let totals = prometheus.query("sum by (tool) (dynmcp_tool_calls_total)");
    assert_eq!(totals.len(), 2);
    for tool in seen["tools"].as_array().unwrap() {
        let theirs = totals[&format!("tool={}", tool["tool"].as_str().unwrap())];
        within("calls in all", &tool["total"], theirs);
    }
    let memory = single("sum(process_resident_memory_bytes)");
    within("memory", &seen["resident_bytes"], memory);
}

/// On a terminal of its own, of 80 columns; the keys are pressed one after the other.
fn on_a_terminal(sandbox: &Sandbox, gateway: &Gateway, keys: &[&str]) -> Output {
    let mut command = sandbox.command_of("script", &["--quiet", "--return", "--command"]);
    command
        .arg(format!(
            "stty cols 80 rows 24; {} top --every 0.1 --server {} --key {KEY}",
            env!("CARGO_BIN_EXE_dynmcp"),
            gateway.origin
        ))
        .arg("/dev/null")
        .env("TERM", "xterm-256color")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    for key in keys {
        // Until the page was drawn at least once.
        thread::sleep(Duration::from_millis(700));
        input.write_all(key.as_bytes()).unwrap();
    }
    let output = child.wait_with_output().unwrap();
    drop(input);
    output
}

#[test]
fn pages_are_drawn_until_somebody_leaves_and_the_terminal_is_as_it_was() {
    let sandbox = Sandbox::new();
    let gateway = busy(&sandbox);
    let output = on_a_terminal(&sandbox, &gateway, &["2", "3", "\t", "5", "6", "q"]);
    let drawn = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{drawn}");
    for text in [
        "Overview",
        "gone",
        "refused",
        "hello",
        "tools/call",
        "definition.changed",
        "upstream.status_changed",
        "programs",
    ] {
        assert!(drawn.contains(text), "{text} is not in {drawn:?}");
    }
    let (enter, leave) = ("\u{1b}[?1049h", "\u{1b}[?1049l");
    assert!(
        drawn.find(enter).unwrap() < drawn.rfind(leave).unwrap(),
        "{drawn:?}"
    );
}

#[test]
fn what_cannot_be_drawn_or_asked_is_said() {
    let sandbox = Sandbox::new();
    let said = |arguments: &[&str]| {
        let output = sandbox.run(arguments);
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, text) = said(&["top", "--server", "http://127.0.0.1:9", "--key", KEY]);
    assert_eq!(code, Some(1));
    assert!(text.contains("is none; --once prints the figures"), "{text}");
    let (code, text) = said(&["top", "--once", "--server", "http://127.0.0.1:9", "--key", KEY]);
    assert_eq!(code, Some(1));
    assert!(text.contains("nothing listens"), "{text}");
    assert_eq!(said(&["top", "--every", "0"]).0, Some(2));
    let gateway = Gateway::start(
        &sandbox,
        "[app]\napi_key = \"process-test-key\"\ndata_source = \"memory\"\n",
    );
    let (code, text) = said(&[
        "top",
        "--once",
        "--server",
        &gateway.origin,
        "--key",
        "a-key-that-nobody-has",
    ]);
    assert_eq!(code, Some(1));
    assert!(text.contains("the key is not known here"), "{text}");
}
