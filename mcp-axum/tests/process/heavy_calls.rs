//! Calls that need too much: they fail alone and say why, the gateway stays small and serves on, and nothing is left
//! behind.

use crate::gateway::{Gateway, KEY, Sandbox};
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

/// Generous: the machine may be compiling something beside.
const PATIENCE: Duration = Duration::from_secs(60);

const CONFIG: &str = "[app]\ndata_source = 'memory'\napi_key = 'process-test-key'\nworkers = 1\ndrain_seconds = 2\n[work]\nmemory = '128MiB'\ntime_ms = 60000\n";

/// An API that gives everybody the same answer.
fn upstream(body: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let body = body.clone();
            thread::spawn(move || serve(stream, &body));
        }
    });
    address
}

fn serve(mut stream: TcpStream, body: &[u8]) -> Option<()> {
    let mut from = BufReader::new(stream.try_clone().ok()?);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if from.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let line = line.trim().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
        }
        from.read_exact(&mut vec![0; length]).ok()?;
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).ok()?;
        stream.write_all(body).ok()?;
    }
}

/// A gateway with the tool `hostile` and another one, `bystander`, both of the same upstream and on the same worker.
fn gateway(sandbox: &Sandbox, answer: Vec<u8>, schema: Value, response: Value, timeout_ms: u64) -> Gateway {
    let (hostile, plain) = (upstream(answer), upstream(br#"{"n":1}"#.to_vec()));
    let gateway = Gateway::start(sandbox, CONFIG);
    gateway.put(
        "tds/hostile",
        &json!({"name": "hostile", "description": "A thing.", "input_schema": schema, "tds_ext_info": {
            "domain": format!("http://{hostile}"), "method": "POST", "path": "/", "timeout_ms": timeout_ms, "response": response}}),
    );
    gateway.put(
        "tds/bystander",
        &json!({"name": "bystander", "description": "A thing.", "input_schema": {}, "tds_ext_info": {
            "domain": format!("http://{plain}"), "method": "GET", "path": "/"}}),
    );
    gateway.put(
        "ids/i",
        &json!({"name": "I", "tool_ids": ["hostile", "bystander"]}),
    );
    gateway
}

fn call(origin: &str, tool: &str, arguments: &Value) -> Value {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}});
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let text = runtime.block_on(async {
        let client = reqwest::Client::new();
        let request = client
            .post(format!("{origin}/mcp/i"))
            .bearer_auth(KEY)
            .header("Accept", "application/json, text/event-stream")
            .json(&body);
        request.send().await.unwrap().text().await.unwrap()
    });
    let answer: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    answer["result"].clone()
}

/// Calls the hostile tool and, as long as that takes, the other one, which has to answer all the while. What the model
/// is told about the first.
fn attacked(gateway: &Gateway, arguments: Value) -> String {
    let origin = gateway.origin.clone();
    let hostile = thread::spawn(move || call(&origin, "hostile", &arguments));
    let mut meanwhile = 0;
    let begun = Instant::now();
    while !hostile.is_finished() {
        let result = call(&gateway.origin, "bystander", &json!({}));
        assert_eq!(result["structuredContent"], json!({"n": 1}), "{result}");
        meanwhile += 1;
    }
    let took = begun.elapsed();
    assert!(took < PATIENCE, "{took:?}\n{}", gateway.output());
    // None would have come through while its worker was busy.
    assert!(meanwhile >= 3, "{meanwhile} calls in {took:?}");
    let told = hostile.join().unwrap();
    assert_eq!(told["isError"], true, "{told}");
    told["content"][0]["text"].as_str().unwrap().to_owned()
}

/// The processes that it started.
#[cfg(target_os = "linux")]
fn children(pid: u32) -> Vec<u32> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let is_child = |child: &u32| {
        let status = fs::read_to_string(format!("/proc/{child}/status")).unwrap_or_default();
        status.lines().any(|line| line == format!("PPid:\t{pid}"))
    };
    pids.filter(is_child).collect()
}

#[cfg(target_os = "linux")]
fn until_gone(pids: &[u32]) {
    let deadline = Instant::now() + PATIENCE;
    let is_there = |pid: &u32| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        // What nobody has waited for yet is dead all the same.
        !status.is_empty() && !status.contains("State:\tZ")
    };
    while pids.iter().any(is_there) {
        assert!(Instant::now() < deadline, "{pids:?} are still there");
        thread::sleep(Duration::from_millis(10));
    }
}

/// The pattern looks at the rest of the text from each place of it: hours for a megabyte.
fn looking_ahead() -> Value {
    json!({"type": "object", "properties": {"s": {"type": "string", "pattern": "(?=a*b)c"}}})
}

fn text(length: usize) -> Value {
    json!({"s": "a".repeat(length)})
}

/// The schema looks at each level in two ways, so that what it finds wrong doubles with each.
fn forked() -> Value {
    let branch = |name: &str| json!({"properties": {"a": {"$ref": "#/$defs/n"}}, "required": [name]});
    json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/n"}}, "$defs": {"n": {"anyOf": [branch("x"), branch("y")]}}})
}

fn nested(depth: usize) -> Value {
    (0..depth).fold(json!({}), |inner, _| json!({"a": inner}))
}

#[test]
fn a_schema_that_takes_forever_ends_with_its_call() {
    let sandbox = Sandbox::new();
    let gateway = gateway(&sandbox, b"{}".to_vec(), looking_ahead(), json!({}), 1_500);
    let told = attacked(&gateway, text(1_000_000));
    assert!(told.contains("timeout_ms"), "{told}");
    // Its answer does not wait until the process is gone.
    gateway.wait("a line about the process", |gateway| {
        gateway
            .output()
            .contains("a process was ended over a call of this tool")
    });
    // The next one has a process again.
    let result = call(&gateway.origin, "hostile", &text(100));
    let told = result["content"][0]["text"].as_str().unwrap();
    assert!(told.contains("/s: \"aaa"), "{told}");
    let counted = "dynmcp_work_kills_total{reason=\"time\"}";
    gateway.wait(counted, |gateway| metrics(gateway).contains(counted));
}

fn metrics(gateway: &Gateway) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let request = reqwest::Client::new()
            .get(format!("{}/metrics", gateway.origin))
            .bearer_auth(KEY);
        request.send().await.unwrap().text().await.unwrap()
    })
}

#[cfg(target_os = "linux")]
#[test]
fn a_program_that_needs_much_memory_takes_none_of_the_gateway() {
    let sandbox = Sandbox::new();
    let answer = json!({"text": "a".repeat(3_000_000)}).to_string().into_bytes();
    let response = json!({"jq": ".text | [match(\"a\"; \"g\")] | length"});
    let gateway = gateway(&sandbox, answer, json!({}), response, 30_000);
    call(&gateway.origin, "bystander", &json!({}));
    let before = gateway.peak();
    let told = attacked(&gateway, json!({}));
    assert!(
        told.contains(
            "`response.jq` cannot shape the answer: it needs more than 128 MiB of memory (work.memory)"
        ),
        "{told}"
    );
    // The answer, and what it arrived in.
    let grown = gateway.peak() - before;
    assert!(grown < 64 << 10, "{grown} KiB");
}

#[test]
fn numbers_and_nesting_that_harm_are_refused_before_they_are_read() {
    let deep = json!({"text": format!("{}1{}", "[".repeat(3_500), "]".repeat(3_500))});
    let sandbox = Sandbox::new();
    let deep_gateway = gateway(
        &sandbox,
        deep.to_string().into_bytes(),
        json!({}),
        json!({"jq": ".text | fromjson"}),
        15_000,
    );
    let told = call(&deep_gateway.origin, "hostile", &json!({}));
    assert!(told.to_string().contains("nested more than 256 times"), "{told}");
    drop(deep_gateway);

    let sandbox = Sandbox::new();
    let digits = json!({"text": "7".repeat(5_000_000)}).to_string().into_bytes();
    let gateway = gateway(
        &sandbox,
        digits,
        json!({}),
        json!({"jq": ".text | tonumber"}),
        15_000,
    );
    let begun = Instant::now();
    let told = call(&gateway.origin, "hostile", &json!({}));
    assert!(
        told.to_string().contains("a number of more than 4096 digits"),
        "{told}"
    );
    assert!(begun.elapsed() < PATIENCE);
}

#[cfg(target_os = "linux")]
#[test]
fn a_schema_that_doubles_its_findings_takes_none_of_the_gateway() {
    let sandbox = Sandbox::new();
    let gateway = gateway(&sandbox, b"{}".to_vec(), forked(), json!({}), 30_000);
    call(&gateway.origin, "bystander", &json!({}));
    let before = gateway.peak();
    let told = attacked(&gateway, nested(45));
    // On a slow machine the time may be over first.
    assert!(
        told.contains("128 MiB of memory (work.memory)") || told.contains("timeout_ms"),
        "{told}"
    );
    let grown = gateway.peak() - before;
    assert!(grown < 64 << 10, "{grown} KiB");
    // What is nested as people nest it is checked.
    let result = call(&gateway.origin, "hostile", &json!({"a": {"x": 1, "a": {"y": 2}}}));
    assert_eq!(result["isError"], false, "{result}");
}

/// Whatever ends the gateway ends what it started.
#[cfg(target_os = "linux")]
#[test]
fn nothing_is_left_behind() {
    for signal in ["TERM", "KILL"] {
        let sandbox = Sandbox::new();
        let mut gateway = gateway(&sandbox, b"{}".to_vec(), looking_ahead(), json!({}), 600_000);
        let origin = gateway.origin.clone();
        let arguments = text(1_000_000);
        // Never answered, and the connection breaks.
        let hostile =
            thread::spawn(move || std::panic::catch_unwind(|| call(&origin, "hostile", &arguments)).is_err());
        gateway.wait("a process at work", |gateway| !children(gateway.pid()).is_empty());
        let started = children(gateway.pid());
        if signal == "TERM" {
            // A signal for all of them is one for the gateway.
            for pid in &started {
                let status = std::process::Command::new("kill")
                    .args(["-TERM", &pid.to_string()])
                    .status();
                assert!(status.unwrap().success());
            }
        }
        gateway.signal(signal);
        if signal == "TERM" {
            assert!(gateway.exit_code().is_some());
        }
        until_gone(&started);
        let _ = hostile.join();
    }
}

/// 490,000 small objects in 3.9 MB, each of which takes half a kilobyte as a value.
fn small_objects() -> Vec<u8> {
    let objects = vec![r#"{"a":1}"#; 490_000];
    format!("[{}]", objects.join(",")).into_bytes()
}

/// Wherever values of an answer are made, it is in a process that may die, and what it is told is what a program that takes too much is.
#[cfg(target_os = "linux")]
#[test]
fn templates_over_many_small_objects_take_none_of_the_gateway() {
    for (response, field) in [
        (
            json!({"template": "{{ body | length }}", "content": ["text"]}),
            "`response.template` cannot be filled with this answer: that needs more than",
        ),
        (
            json!({"success": "(body | length) > 7"}),
            "`response.success` cannot be filled with this answer: that needs more than",
        ),
        (
            json!({"success": "false", "errors": [{"when": "status == 200", "message": "{{ body[0] }}"}]}),
            "`response.errors[0].message` cannot be filled with this answer: that needs more than",
        ),
    ] {
        let sandbox = Sandbox::new();
        let gateway = gateway(&sandbox, small_objects(), json!({}), response, 60_000);
        call(&gateway.origin, "bystander", &json!({}));
        let before = gateway.peak();
        let told = attacked(&gateway, json!({}));
        assert!(
            told.contains(field) && told.contains("128 MiB of memory (work.memory)"),
            "{told}"
        );
        let grown = gateway.peak() - before;
        assert!(grown < 64 << 10, "{field}: {grown} KiB");
    }
}

/// In a process templates make what they make of small values in the gateway itself.
#[test]
fn templates_over_large_values_make_what_they_make_of_small_ones() {
    let template = "{{ body.items | length }} {{ status }} {{ headers['content-type'] }} {{ args.q }} {{ instance.id }} \
                    {{ principal.sub }} {{ body.last }} {{ data.last }}";
    let told = |items: usize| {
        let sandbox = Sandbox::new();
        let answer = format!(
            r#"{{"items":[{}],"last":12345678901234567890123}}"#,
            vec![r#"{"a":1}"#; items].join(",")
        );
        let response = json!({"jq": "{last: .last}", "template": template, "content": ["text"], "success": "body.last is defined"});
        let gateway = gateway(
            &sandbox,
            answer.into_bytes(),
            json!({"properties": {"q": {}}}),
            response,
            60_000,
        );
        let result = call(&gateway.origin, "hostile", &json!({"q": "Ä"}));
        assert_eq!(result["isError"], false, "{result}");
        let text = result["content"][0]["text"].as_str().unwrap().to_owned();
        let runs = metrics(&gateway);
        let runs = runs
            .lines()
            .find(|line| line.starts_with("dynmcp_work_runs_total{place=\"process\"}"));
        (
            text,
            runs.and_then(|line| line.rsplit(' ').next())
                .map_or(0, |runs| runs.parse().unwrap()),
        )
    };
    let (small, none) = told(3);
    // The condition, the program and the template.
    let (large, runs) = told(25_000);
    assert_eq!(small, large.replacen("25000", "3", 1));
    assert_eq!((none, runs), (0, 3));
}

/// Arguments that a request's templates name: the values that they make are not the gateway's either.
#[test]
fn templates_of_requests_are_filled_in_a_process_where_arguments_are_many() {
    let sandbox = Sandbox::new();
    let address = upstream(b"{\"n\":1}".to_vec());
    let gateway = Gateway::start(&sandbox, CONFIG);
    gateway.put(
        "tds/hostile",
        &json!({"name": "hostile", "description": "A thing.", "input_schema": {"properties": {"l": {"type": "array"}}}, "tds_ext_info": {
            "domain": format!("http://{address}"), "method": "POST", "path": "/", "timeout_ms": 60_000,
            "body": {"mode": "json", "template": {"many": "{{ args.l | length }}", "first": "{{ args.l[0].a ~ '!' }}"}}}}),
    );
    gateway.put("ids/i", &json!({"name": "I", "tool_ids": ["hostile"]}));
    let many = json!({"l": vec![json!({"a": 1}); 30_000]});
    let result = call(&gateway.origin, "hostile", &many);
    assert_eq!(result["isError"], false, "{result}");
    let runs = metrics(&gateway);
    assert!(
        runs.contains("dynmcp_work_runs_total{place=\"process\"} "),
        "{runs}"
    );
}

/// What an `output_schema` is held against is a value, too.
#[cfg(target_os = "linux")]
#[test]
fn a_large_answer_is_checked_where_that_may_die() {
    let sandbox = Sandbox::new();
    let address = upstream(small_objects());
    let gateway = Gateway::start(&sandbox, CONFIG);
    gateway.put(
        "tds/hostile",
        &json!({"name": "hostile", "description": "A thing.", "input_schema": {}, "output_schema": {"type": "array"}, "tds_ext_info": {
            "domain": format!("http://{address}"), "method": "GET", "path": "/", "timeout_ms": 60_000,
            "response": {"max_bytes": 8_000_000, "content": ["structured"]}}}),
    );
    gateway.put("ids/i", &json!({"name": "I", "tool_ids": ["hostile"]}));
    let before = gateway.peak();
    let result = call(&gateway.origin, "hostile", &json!({}));
    let told = result["content"][0]["text"].as_str().unwrap();
    assert!(
        told.contains("cannot be checked against output_schema: that needs more than 128 MiB"),
        "{told}"
    );
    let grown = gateway.peak() - before;
    assert!(grown < 64 << 10, "{grown} KiB");
}
