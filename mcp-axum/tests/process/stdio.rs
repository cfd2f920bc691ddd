//! `dynmcp stdio`: an instance over pipes, in both eras.

use super::{Gateway, KEY, Sandbox};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    process::{Child, ChildStdin, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

const PATIENCE: Duration = Duration::from_secs(60);
const STATEFUL: &str = "streamable-stateful";

fn gateway(sandbox: &Sandbox, tables: &str) -> Gateway {
    let config = format!("[app]\napi_key = \"{KEY}\"\ndata_source = \"memory\"\n{tables}");
    Gateway::start(sandbox, &config)
}

/// Tools that call the gateway itself, and one that calls `slow`.
fn define(gateway: &Gateway, slow: &str, proto_type: &str) {
    let tool = |name: &str, domain: &str, path: &str, schema: Value| {
        json!({
            "name": name, "description": "A page.", "input_schema": schema,
            "tds_ext_info": {"domain": domain, "method": "GET", "path": path}
        })
    };
    let mirrored = json!({"type": "object", "properties": {
        "id": {"type": "integer", "x-mcp-header": "Id"}, "q": {"type": "string", "x-mcp-header": "Q"}
    }, "required": ["id"]});
    let page = tool("get_page", &gateway.origin, "/nothing/{id}", mirrored);
    gateway.put("tds/get_page", &page);
    gateway.put("tds/slow", &tool("slow", slow, "/", json!({})));
    show(gateway, proto_type, &["get_page", "slow"]);
}

fn show(gateway: &Gateway, proto_type: &str, tools: &[&str]) {
    let metadata = json!({"proto_type": proto_type});
    gateway.put(
        "ids/desk",
        &json!({"name": "Desk", "tool_ids": tools, "metadata": metadata}),
    );
}

/// The program, and what it wrote.
struct Pipe {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Pipe {
    fn open(sandbox: &Sandbox, server: &str, key: Option<&str>, instance: &str) -> Self {
        let mut command = sandbox.command(&["stdio", instance, "--server", server]);
        command.env_remove("DYNMCP_KEY");
        command.envs(key.map(|key| ("DYNMCP_KEY", key)));
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let output = child.stdout.take().unwrap();
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                let Ok(line) = line else { return };
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let input = child.stdin.take();
        Self { child, input, lines }
    }

    fn say(&mut self, message: &Value) {
        self.write(&message.to_string());
    }

    fn write(&mut self, line: &str) {
        let input = self.input.as_mut().unwrap();
        input.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// The next message; nothing but messages is ever written.
    fn next(&self) -> Value {
        let line = self.lines.recv_timeout(PATIENCE).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    fn ask(&mut self, message: &Value) -> Value {
        self.say(message);
        self.next()
    }

    fn close_input(&mut self) {
        self.input = None;
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = std::process::Command::new("kill")
            .args([&format!("-{name}"), &id])
            .status();
        assert!(status.unwrap().success());
    }

    /// Waits for its end: the exit code, what was not read, and what it complained of.
    fn ended(mut self) -> (Option<i32>, Vec<String>, String) {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "it does not end");
            thread::sleep(Duration::from_millis(10));
        };
        let mut complaints = String::new();
        let mut errors = self.child.stderr.take().unwrap();
        errors.read_to_string(&mut complaints).unwrap();
        (status.code(), self.lines.iter().collect(), complaints)
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn modern(id: u32, method: &str, mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

fn older(id: u32, method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

fn initialize(pipe: &mut Pipe) -> Value {
    let params = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "0"}});
    let opened = pipe.ask(&older(0, "initialize", &params));
    pipe.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    opened
}

/// A server that accepts, and never answers.
fn silent() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    (listener, origin)
}

#[test]
fn a_client_of_2026_07_28_needs_no_headers() {
    let sandbox = Sandbox::new();
    let gateway = gateway(&sandbox, "");
    let (_slow, slow) = silent();
    define(&gateway, &slow, "streamable-stateless");
    let mut pipe = Pipe::open(&sandbox, &gateway.origin, Some(KEY), "desk");
    let found = pipe.ask(&modern(1, "server/discover", json!({})));
    assert_eq!(
        (&found["id"], &found["result"]["supportedVersions"][0]),
        (&json!(1), &json!("2026-07-28"))
    );
    // Arguments that are repeated in headers: before the list was asked for, and encoded where they have to be.
    let arguments = json!({"id": 7, "q": " it's ü\n"});
    let called = pipe.ask(&modern(
        2,
        "tools/call",
        json!({"name": "get_page", "arguments": arguments}),
    ));
    let text = called["result"]["content"][0]["text"].as_str().unwrap();
    assert!(text.starts_with("HTTP 404"), "{called}");
    // The list changes, and the client hears of it on the stream that it asked for.
    pipe.say(&modern(
        3,
        "subscriptions/listen",
        json!({"notifications": {"toolsListChanged": true}}),
    ));
    let acknowledged = pipe.next();
    assert_eq!(
        acknowledged["method"], "notifications/subscriptions/acknowledged",
        "{acknowledged}"
    );
    show(&gateway, "streamable-stateless", &["get_page"]);
    let changed = pipe.next();
    assert_eq!(changed["method"], "notifications/tools/list_changed", "{changed}");
    // What is wrong is answered by who finds it.
    let wrong = pipe.ask(&modern(4, "tools/unknown", json!({})));
    assert_eq!(
        (&wrong["id"], &wrong["error"]["code"]),
        (&json!(4), &json!(-32601))
    );
    pipe.write("no message");
    let wrong = pipe.next();
    assert_eq!(
        (&wrong["id"], &wrong["error"]["code"]),
        (&json!(null), &json!(-32700))
    );
    // What is asked before the end is answered; the subscription ends.
    pipe.say(&modern(5, "tools/list", json!({})));
    pipe.close_input();
    assert_eq!(pipe.next()["result"]["tools"][0]["name"], "get_page");
    let (code, left, complaints) = pipe.ended();
    assert_eq!((code, left, complaints.as_str()), (Some(0), vec![], ""));
}

#[test]
fn an_older_client_has_its_session_its_stream_and_its_cancellation() {
    let sandbox = Sandbox::new();
    let gateway = gateway(&sandbox, "");
    let (slow, origin) = silent();
    define(&gateway, &origin, STATEFUL);
    let mut pipe = Pipe::open(&sandbox, &gateway.origin, Some(KEY), "desk");
    let opened = initialize(&mut pipe);
    assert_eq!(opened["result"]["protocolVersion"], "2025-06-18", "{opened}");
    // A call that the client cancels ends at the upstream, and is not answered.
    pipe.say(&older(1, "tools/call", &json!({"name": "slow", "arguments": {}})));
    let (mut connection, _) = slow.accept().unwrap();
    connection.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut request = vec![0; 1];
    connection.read_exact(&mut request).unwrap();
    pipe.say(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}));
    connection.read_to_end(&mut request).unwrap();
    assert!(request.starts_with(b"GET / "), "{request:?}");
    let listed = pipe.ask(&older(2, "tools/list", &json!({})));
    assert_eq!(
        (&listed["id"], listed["result"]["tools"].as_array().unwrap().len()),
        (&json!(2), 2)
    );
    // Only whoever listens hears of a change: the stream may open a moment after the client is ready.
    let (deadline, mut both) = (Instant::now() + PATIENCE, false);
    let heard = loop {
        show(
            &gateway,
            STATEFUL,
            if both {
                &["get_page", "slow"]
            } else {
                &["get_page"]
            },
        );
        both = !both;
        match pipe.lines.recv_timeout(Duration::from_millis(500)) {
            Ok(line) => break line,
            Err(_) => assert!(Instant::now() < deadline, "nothing is told"),
        }
    };
    assert_eq!(
        heard,
        r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#
    );
    // Its input is open, and a call is under way.
    pipe.say(&older(3, "tools/list", &json!({})));
    while pipe.next()["id"] != 3 {}
    show(&gateway, STATEFUL, &["slow"]);
    pipe.say(&older(4, "tools/call", &json!({"name": "slow", "arguments": {}})));
    let (_connection, _) = slow.accept().unwrap();
    pipe.signal("TERM");
    let (code, left, complaints) = pipe.ended();
    assert_eq!((code, complaints.as_str()), (Some(0), ""));
    let is_told = |line: &String| line.contains("notifications/tools/list_changed");
    assert!(left.iter().all(is_told), "{left:?}");
}

#[test]
fn a_session_that_the_gateway_forgot_is_begun_anew_and_the_message_is_sent_again() {
    let sandbox = Sandbox::new();
    let gateway = gateway(&sandbox, "[mcp]\nsession_seconds = 1\n");
    let (_slow, slow) = silent();
    define(&gateway, &slow, STATEFUL);
    let mut pipe = Pipe::open(&sandbox, &gateway.origin, Some(KEY), "desk");
    initialize(&mut pipe);
    let begun = Instant::now();
    let mut id = 1;
    // Sessions end after a second, whatever happens in them; two of them are over then.
    while begun.elapsed() < Duration::from_millis(2_500) {
        let listed = pipe.ask(&older(id, "tools/list", &json!({})));
        assert_eq!(
            listed["result"]["tools"].as_array().map(Vec::len),
            Some(2),
            "{listed}"
        );
        id += 1;
        thread::sleep(Duration::from_millis(50));
    }
    pipe.close_input();
    let (code, _, complaints) = pipe.ended();
    assert_eq!(code, Some(0));
    assert!(complaints.contains("another one was begun"), "{complaints}");
}

#[test]
fn what_cannot_be_reached_is_an_answer_and_a_line_for_people() {
    let sandbox = Sandbox::new();
    let gateway = gateway(&sandbox, "");
    let (_slow, slow) = silent();
    define(&gateway, &slow, STATEFUL);
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let closed = format!("http://{closed}");
    let table = [
        (&gateway.origin, Some(KEY), "dsek", "no instance is called `dsek`"),
        (&gateway.origin, None, "desk", "credential"),
        (&closed, Some(KEY), "desk", "nothing listens there"),
    ];
    for (server, key, instance, expected) in table {
        for message in [
            modern(1, "tools/list", json!({})),
            older(1, "initialize", &json!({})),
        ] {
            let mut pipe = Pipe::open(&sandbox, server, key, instance);
            let answer = pipe.ask(&message);
            assert_eq!(answer["id"], 1, "{answer}");
            let text = answer["error"]["message"].as_str().unwrap();
            assert!(text.contains(expected), "{text}");
            pipe.close_input();
            let (code, left, complaints) = pipe.ended();
            assert_eq!((code, left), (Some(0), vec![]));
            assert!(
                complaints.starts_with("dynmcp stdio: ") && complaints.contains(text),
                "{complaints}"
            );
        }
    }
    let wrong = sandbox.run(&["stdio", "desk", "--server", "localhost:1"]);
    assert_eq!((wrong.status.code(), wrong.stdout), (Some(2), vec![]));
}
