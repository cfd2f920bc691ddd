//! How far something is: on a terminal, where it takes more than a second, and nowhere else.

use super::{Gateway, KEY, Sandbox};
use serde_json::json;
use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    process::Stdio,
    thread,
    time::Duration,
};

/// A gateway with a tool whose API takes its time.
fn slow(sandbox: &Sandbox) -> Gateway {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let lines = BufReader::new(stream.try_clone().unwrap())
                    .lines()
                    .map_while(Result::ok);
                lines.take_while(|line| !line.is_empty()).for_each(drop);
                thread::sleep(Duration::from_millis(400));
                let _ =
                    stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
            });
        }
    });
    let gateway = Gateway::start(
        sandbox,
        "[app]\napi_key = \"process-test-key\"\ndata_source = \"memory\"\n",
    );
    let tool = json!({"name": "slow", "description": "Takes its time.", "input_schema": {},
        "tds_ext_info": {"domain": origin, "method": "GET", "path": "/"}});
    gateway.put("tds/slow", &tool);
    gateway.put("ids/desk", &json!({"name": "Desk", "tool_ids": ["slow"]}));
    gateway
}

#[test]
fn a_terminal_sees_how_far_it_is_and_others_see_nothing() {
    let sandbox = Sandbox::new();
    let gateway = slow(&sandbox);
    // Ten at least of 400 ms each, one after the other.
    let arguments = [
        "benchmark",
        "desk",
        "slow",
        "-n",
        "10",
        "-c",
        "1",
        "--server",
        &gateway.origin,
        "--key",
        KEY,
    ];
    let output = sandbox.run(&arguments);
    assert_eq!(
        (output.status.code(), output.stderr.as_slice()),
        (Some(0), &b""[..])
    );

    let on_a_terminal = |variables: &[(&str, &str)]| {
        let output = sandbox
            .command_of("script", &["--quiet", "--return", "--command"])
            .arg(format!(
                "{} {}",
                env!("CARGO_BIN_EXE_dynmcp"),
                arguments.join(" ")
            ))
            .arg("/dev/null")
            .env("TERM", "xterm-256color")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    let drawn = on_a_terminal(&[("NO_COLOR", "1")]);
    assert!(
        drawn.contains("calls [") && drawn.contains(" of 10, "),
        "{drawn:?}"
    );
    assert!(
        !drawn.contains("\u{1b}[3") && !drawn.contains("\u{1b}[9"),
        "no colours: {drawn:?}"
    );
    let last = drawn.rfind(" of 10, ").unwrap();
    assert!(
        drawn[last..].contains("10 calls in "),
        "the report stands below: {drawn:?}"
    );
    let plain = on_a_terminal(&[("TERM", "dumb")]);
    assert!(
        !plain.contains(" of 10, ") && plain.contains("10 calls in "),
        "{plain:?}"
    );
}
