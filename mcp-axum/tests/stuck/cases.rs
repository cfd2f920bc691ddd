//! One gateway each.

use crate::gateway::{Gateway, Sandbox, request};
use std::{
    env,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

pub(crate) const ALL: [(&str, fn()); 7] = [
    ("a_stuck_worker_is_seen_replaced_and_left_behind", stuck_worker),
    ("a_worker_that_comes_back_takes_part_again", worker_comes_back),
    ("a_second_signal_ends_at_once_whatever_is_stuck", second_signal),
    ("a_stuck_control_plane_is_seen_and_left_behind", stuck_control),
    ("a_blocking_task_that_never_ends_is_left_behind", blocking_task),
    ("an_output_that_nobody_reads_does_not_keep_it", unread_output),
    (
        "a_data_source_that_does_not_close_does_not_keep_it",
        endless_source,
    ),
];

/// For what never ends by itself.
const FOR_EVER: &str = "3600";

fn config(drain_seconds: u64) -> String {
    format!(
        "[app]\nauthenticators = ['sleeper']\ndata_source = 'memory'\nworkers = 1\ndrain_seconds = {drain_seconds}\n\
         [watchdog]\nstuck_seconds = 1\nrestart_seconds = 2\n"
    )
}

fn command(sandbox: &Sandbox, config: &str) -> Command {
    let file = sandbox.write("test.toml", config);
    let mut command = sandbox.command_of(
        env::current_exe().unwrap(),
        &["serve", "--config", file.to_str().unwrap()],
    );
    command.env("APP__APP__PORT", "0").env(crate::GATEWAY, "1");
    command
}

fn start(sandbox: &Sandbox, config: &str) -> Gateway {
    Gateway::spawn_until_ready(sandbox, command(sandbox, config))
}

/// Sends a request whose thread does not come back for that long.
fn block(gateway: &Gateway, path: &str, header: &str, seconds: &str) -> TcpStream {
    let mut stream = TcpStream::connect(gateway.origin.trim_start_matches("http://")).unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{header}: {seconds}\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

/// On a connection that is given up if a worker took it just before it got stuck.
fn get(gateway: &Gateway, path: &str) -> Option<(u16, String)> {
    let get = reqwest::Client::new().get(format!("{}{path}", gateway.origin));
    request(get.timeout(Duration::from_secs(2)))
}

fn metric(gateway: &Gateway, name: &str) -> Option<f64> {
    let (_, text) = get(gateway, "/metrics")?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(&format!("dynmcp_{name} ")))?;
    line.parse().ok()
}

fn stuck_worker() {
    let sandbox = Sandbox::new();
    let mut gateway = start(&sandbox, &config(1));
    let _blocked = block(&gateway, "/mcp/i", "x-block", FOR_EVER);
    // Another worker answers, of one that was configured.
    gateway.wait("a report", |gateway| {
        metric(gateway, "workers_stuck") == Some(1.0)
    });
    gateway.wait("the words about it", |gateway| {
        gateway.output().contains("another worker takes new connections")
    });
    assert_eq!(metric(&gateway, "stalls_total"), Some(1.0));
    assert_eq!(metric(&gateway, "workers_replaced_total"), Some(1.0));
    let output = gateway.output();
    assert!(
        output.contains("does not come back") && output.contains("a request of `/mcp/i`"),
        "{output}"
    );
    gateway.wait("the wish to be started anew", |gateway| {
        gateway
            .get("/livez")
            .is_some_and(|(status, body)| status == 503 && body.contains("dynmcp-0 has not come back"))
    });
    assert_eq!(get(&gateway, "/readyz").unwrap().0, 200);
    gateway.signal("TERM");
    assert_eq!(gateway.exit_code(), Some(1));
    let output = gateway.output();
    assert!(
        output.contains(
            "these did not come back, their connections are cut off: dynmcp-0 (doing: a request of `/mcp/i`)"
        ),
        "{output}"
    );
}

fn worker_comes_back() {
    let sandbox = Sandbox::new();
    let mut gateway = start(&sandbox, &config(60));
    let mut blocked = block(&gateway, "/mcp/i", "x-block", "4");
    gateway.wait("a report", |gateway| {
        metric(gateway, "workers_stuck") == Some(1.0)
    });
    let mut head = [0; 12];
    blocked.read_exact(&mut head).unwrap();
    assert!(head.starts_with(b"HTTP/1.1 "), "it was answered in the end");
    gateway.wait("its return", |gateway| {
        metric(gateway, "workers_stuck") == Some(0.0)
    });
    gateway.wait("a word about it", |gateway| {
        gateway.output().contains("the thread is back")
    });
    gateway.signal("TERM");
    assert_eq!(gateway.exit_code(), Some(0), "{}", gateway.output());
}

fn second_signal() {
    let sandbox = Sandbox::new();
    let mut gateway = start(&sandbox, &config(3600));
    let _blocked = block(&gateway, "/mcp/i", "x-block", FOR_EVER);
    gateway.wait("a report", |gateway| {
        metric(gateway, "workers_stuck") == Some(1.0)
    });
    gateway.signal("TERM");
    gateway.wait("draining", |gateway| {
        gateway.output().contains("again to stop at once")
    });
    gateway.signal("INT");
    assert_eq!(gateway.exit_code(), Some(1));
    assert!(
        gateway.output().contains("stopped at once by a second signal"),
        "{}",
        gateway.output()
    );
}

fn stuck_control() {
    let sandbox = Sandbox::new();
    let mut gateway = start(&sandbox, &config(1));
    let _blocked: Vec<_> = (0..2)
        .map(|_| block(&gateway, "/admin/status", "x-block", FOR_EVER))
        .collect();
    gateway.wait("the wish to be started anew", |gateway| {
        get(gateway, "/livez").is_some_and(|(status, body)| {
            status == 503 && body.contains("the control plane has not come back")
        })
    });
    assert_eq!(get(&gateway, "/readyz").unwrap().0, 200);
    gateway.signal("TERM");
    assert!(gateway.exit_code().is_some());
}

fn blocking_task() {
    let sandbox = Sandbox::new();
    let mut gateway = start(&sandbox, &config(60));
    for path in ["/mcp/i", "/admin/status"] {
        let mut stream = block(&gateway, path, "x-block-beside", FOR_EVER);
        stream.read_exact(&mut [0; 12]).unwrap();
    }
    gateway.signal("TERM");
    assert_eq!(gateway.exit_code(), Some(0), "{}", gateway.output());
}

fn unread_output() {
    let sandbox = Sandbox::new();
    // Where it listens cannot be read from its output.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let mut command = command(&sandbox, &config(60));
    command
        .env("APP__APP__PORT", port.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    let connect = || loop {
        match TcpStream::connect(("127.0.0.1", port)) {
            Ok(stream) => return stream,
            Err(_) => assert!(Instant::now() < deadline),
        }
        thread::sleep(Duration::from_millis(10));
    };
    // More than a pipe holds.
    let mut stream = connect();
    for _ in 0..2_000 {
        stream
            .write_all(b"GET /mcp/nowhere HTTP/1.1\r\nhost: localhost\r\n\r\n")
            .unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"}") {
            let mut piece = [0; 4096];
            let read = stream.read(&mut piece).unwrap();
            assert!(read > 0);
            answer.extend_from_slice(&piece[..read]);
        }
    }
    let kill = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
    while child.try_wait().unwrap().is_none() {
        assert!(
            Instant::now() < deadline + Duration::from_secs(60),
            "still running"
        );
        thread::sleep(Duration::from_millis(10));
    }
}

fn endless_source() {
    let sandbox = Sandbox::new();
    let mut gateway = start(&sandbox, &config(0).replace("'memory'", "'endless'"));
    gateway.signal("TERM");
    assert_eq!(gateway.exit_code(), Some(1));
    let output = gateway.output();
    assert!(
        output.contains("stopped at the deadline; cut off: the end of the data source"),
        "{output}"
    );
}
