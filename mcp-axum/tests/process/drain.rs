//! SIGTERM: what was begun is finished.
#![cfg(unix)]

use super::{Gateway, KEY, Sandbox, gateway::request};
use serde_json::json;
use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    thread,
    time::Duration,
};

/// An upstream that says when a call has arrived and answers when it is told to.
struct Upstream {
    address: String,
    arrived: mpsc::Receiver<TcpStream>,
}

impl Upstream {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (sender, arrived) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut head = [0; 4096];
                let _ = stream.read(&mut head).unwrap();
                sender.send(stream).unwrap();
            }
        });
        Self { address, arrived }
    }

    fn next_call(&self) -> TcpStream {
        self.arrived.recv_timeout(Duration::from_secs(60)).unwrap()
    }
}

fn answer(mut call: TcpStream) {
    let body = r#"{"late":true}"#;
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    call.write_all(format!("{head}{body}").as_bytes()).unwrap();
}

const CONFIG: &str = "[app]\napi_key = \"process-test-key\"\ndrain_seconds = 60\n";

/// A gateway with one slow tool, and a call of it that has reached the upstream.
fn call_in_flight(
    sandbox: &Sandbox,
    config: &str,
) -> (Gateway, TcpStream, thread::JoinHandle<Option<(u16, String)>>) {
    let upstream = Upstream::start();
    let gateway = Gateway::start(sandbox, config);
    let binding = json!({"domain": upstream.address, "method": "GET", "path": "/slow", "timeout_ms": 60_000});
    gateway.put(
        "tds/slow",
        &json!({"name": "slow", "description": "Slow.", "tds_ext_info": binding}),
    );
    gateway.put("ids/i", &json!({"name": "i", "tool_ids": ["slow"]}));
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "slow", "arguments": {}}});
    let call = reqwest::Client::new()
        .post(format!("{}/mcp/i", gateway.origin))
        .bearer_auth(KEY)
        .header("accept", "application/json, text/event-stream")
        .json(&message);
    let caller = thread::spawn(move || request(call));
    let at_upstream = upstream.next_call();
    (gateway, at_upstream, caller)
}

#[test]
fn signals_that_mean_something_else_to_others_end_nothing() {
    let sandbox = Sandbox::new();
    let (mut gateway, at_upstream, caller) = call_in_flight(&sandbox, CONFIG);
    for name in ["USR1", "USR2", "IO", "ALRM", "VTALRM"] {
        gateway.signal(name);
        gateway.wait("a line about it", |gateway| {
            gateway.output().contains(&format!("SIG{name}: nothing is done"))
        });
    }
    for times in 1..=2 {
        gateway.signal("HUP");
        gateway.wait("a line about it", |gateway| {
            gateway
                .output()
                .matches("the configuration was read again")
                .count()
                == times
        });
    }
    assert_eq!(gateway.get("/readyz").unwrap().0, 200);
    // It ends the same way as after SIGTERM.
    gateway.signal("QUIT");
    gateway.wait("draining", |gateway| {
        gateway.get("/readyz").is_some_and(|(status, _)| status == 503)
    });
    answer(at_upstream);
    assert_eq!(caller.join().unwrap().unwrap().0, 200);
    assert_eq!(gateway.exit_code(), Some(0), "{}", gateway.output());
}

/// Containers of LXC are stopped by it.
#[test]
#[cfg(target_os = "linux")]
fn a_failing_power_supply_drains_as_sigterm_does() {
    let sandbox = Sandbox::new();
    let (mut gateway, at_upstream, caller) = call_in_flight(&sandbox, CONFIG);
    gateway.signal("PWR");
    gateway.wait("draining", |gateway| {
        gateway.get("/readyz").is_some_and(|(status, _)| status == 503)
    });
    answer(at_upstream);
    assert_eq!(caller.join().unwrap().unwrap().0, 200);
    assert_eq!(gateway.exit_code(), Some(0), "{}", gateway.output());
}

#[test]
fn a_call_in_flight_finishes_and_nothing_new_begins() {
    let sandbox = Sandbox::new();
    let (mut gateway, at_upstream, caller) = call_in_flight(&sandbox, CONFIG);
    gateway.signal("TERM");
    gateway.wait("draining", |gateway| {
        gateway.get("/readyz").is_some_and(|(status, _)| status == 503)
    });
    assert_eq!(gateway.get("/livez").unwrap().0, 200);
    assert_eq!(gateway.get("/admin/tds").unwrap().0, 503);
    answer(at_upstream);
    let (status, body) = caller.join().unwrap().unwrap();
    assert_eq!(status, 200);
    assert!(body.contains("late"), "{body}");
    assert_eq!(gateway.exit_code(), Some(0), "{}", gateway.output());
}

#[test]
fn an_idle_gateway_stops_at_once_and_a_deadline_cuts_what_does_not_end() {
    let sandbox = Sandbox::new();
    let mut idle = Gateway::start(&sandbox, CONFIG);
    idle.signal("INT");
    assert_eq!(idle.exit_code(), Some(0));

    let (mut gateway, _at_upstream, caller) = call_in_flight(
        &sandbox,
        "[app]\napi_key = \"process-test-key\"\ndrain_seconds = 0\n",
    );
    gateway.signal("TERM");
    assert_eq!(gateway.exit_code(), Some(0));
    assert!(
        gateway.output().contains("cut off at the deadline"),
        "{}",
        gateway.output()
    );
    assert_eq!(caller.join().unwrap(), None);
}

#[test]
fn a_second_signal_stops_at_once() {
    let sandbox = Sandbox::new();
    let (mut gateway, _at_upstream, _caller) = call_in_flight(&sandbox, CONFIG);
    gateway.signal("TERM");
    gateway.wait("draining", |gateway| {
        gateway.get("/readyz").is_some_and(|(status, _)| status == 503)
    });
    // Sooner it would be one request with the first.
    thread::sleep(Duration::from_millis(800));
    gateway.signal("TERM");
    assert_eq!(gateway.exit_code(), Some(1));
    assert!(
        gateway
            .output()
            .contains("dynmcp: stopped at once by a second signal"),
        "{}",
        gateway.output()
    );
}

#[test]
fn signals_that_come_together_are_one() {
    let sandbox = Sandbox::new();
    let (mut gateway, at_upstream, caller) = call_in_flight(&sandbox, CONFIG);
    // As `timeout` and others do, which signal a process and then its group.
    gateway.signal("TERM");
    gateway.signal("TERM");
    gateway.wait("draining", |gateway| {
        gateway.get("/readyz").is_some_and(|(status, _)| status == 503)
    });
    answer(at_upstream);
    assert_eq!(caller.join().unwrap().unwrap().0, 200, "{}", gateway.output());
    assert_eq!(gateway.exit_code(), Some(0), "{}", gateway.output());
}

#[test]
fn an_open_stream_ends_properly() {
    let sandbox = Sandbox::new();
    let mut gateway = Gateway::start(&sandbox, CONFIG);
    gateway.put("ids/i", &json!({"name": "i", "tool_ids": []}));
    let mut stream = TcpStream::connect(gateway.origin.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let request = "GET /mcp/i HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer process-test-key\r\naccept: text/event-stream\r\nmcp-protocol-version: 2025-06-18\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut head = [0; 12];
    stream.read_exact(&mut head).unwrap();
    assert_eq!(&head, b"HTTP/1.1 200");
    gateway.signal("TERM");
    let mut rest = String::new();
    stream.read_to_string(&mut rest).unwrap();
    assert!(
        rest.ends_with("0\r\n\r\n"),
        "the stream was cut, not ended: {rest:?}"
    );
    assert_eq!(gateway.exit_code(), Some(0), "{}", gateway.output());
}
