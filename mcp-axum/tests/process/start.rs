//! Starts that go well, and starts that do not: one line, an exit code, nothing left behind.

use super::{Gateway, KEY, Sandbox, gateway::request};
use std::{fs, net::TcpListener};

#[test]
fn a_taken_port_is_said_before_anything_is_made() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let sandbox = Sandbox::new();
    sandbox.write("x.toml", &format!("[app]\nport = {port}\n"));
    let output = sandbox.run(&["serve", "--config", "x.toml"]);
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.starts_with(&format!("dynmcp: cannot listen on 127.0.0.1:{port}: ")),
        "{stderr}"
    );
    assert!(
        stderr.contains("choose another port (app.port)") && stderr.lines().count() == 1,
        "{stderr}"
    );
    assert!(sandbox.files().is_empty(), "{:?}", sandbox.files());
}

/// A file where the directory should be: unwritable for every user, root included.
#[test]
fn an_unusable_data_directory_is_named() {
    let sandbox = Sandbox::new();
    sandbox.write("in-the-way", "");
    let cases = [
        (
            "[app]\nport = 0\ndata_dir = \"in-the-way\"\ndata_source = \"memory\"\n",
            1,
        ),
        (
            "[app]\nport = 0\n[data_source.sqlite]\npath = \"in-the-way/x.db\"\n",
            2,
        ),
        ("[app]\nport = 0\n[log]\nlog_dir = \"in-the-way\"\n", 1),
    ];
    for (config, code) in cases {
        sandbox.write("x.toml", config);
        let output = sandbox.run(&["serve", "--config", "x.toml"]);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{stderr}");
        assert!(
            stderr.starts_with("dynmcp: ") && stderr.contains("in-the-way"),
            "{stderr}"
        );
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
    assert_eq!(sandbox.files(), ["in-the-way"]);
}

#[test]
fn the_first_start_prints_a_key_once_and_keeps_only_its_hash() {
    let sandbox = Sandbox::new();
    let first = Gateway::start(&sandbox, "");
    let output = first.output();
    let key = output
        .split_whitespace()
        .find(|word| word.starts_with("dyn_"))
        .unwrap()
        .to_owned();
    assert_eq!(output.matches(&key).count(), 1, "{output}");
    assert_eq!(admin(&first, Some(&key)), 200);
    assert_eq!(admin(&first, None), 401);
    assert_eq!(admin(&first, Some("dyn_wrong")), 401);
    drop(first);

    let mut files = vec![sandbox.path().join("data")];
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let holds_key = fs::read(&path)
            .unwrap()
            .windows(key.len())
            .any(|window| window == key.as_bytes());
        assert!(!holds_key, "{} holds the key", path.display());
    }

    let second = Gateway::start(&sandbox, "");
    assert!(!second.output().contains("dyn_"), "{}", second.output());
    assert!(
        second.output().contains("admin-key.sha256"),
        "{}",
        second.output()
    );
    assert_eq!(admin(&second, Some(&key)), 200);
}

fn admin(gateway: &Gateway, key: Option<&str>) -> u16 {
    let mut get = reqwest::Client::new().get(format!("{}/admin/tds", gateway.origin));
    if let Some(key) = key {
        get = get.bearer_auth(key);
    }
    request(get).unwrap().0
}

#[test]
fn health_answers_without_a_key_unless_configured_and_an_open_gateway_is_announced() {
    let sandbox = Sandbox::new();
    let config = "[app]\nauthenticators = [\"none\"]\n[log]\nformat = \"json\"\nlog_dir = \"logs\"\n";
    let gateway = Gateway::start(&sandbox, config);
    let healthz = gateway.get("/healthz").unwrap();
    assert_eq!(
        healthz,
        (200, r#"{"code":200,"message":"success","data":"OK"}"#.to_owned())
    );
    assert_eq!(gateway.get("/livez").unwrap().0, 200);
    assert_eq!(gateway.get("/readyz?strict").unwrap().0, 200);
    let (status, metrics) = gateway.get("/metrics").unwrap();
    assert_eq!(status, 200);
    for name in [
        "dynmcp_catalog_revision",
        "dynmcp_catalog_quarantined",
        "dynmcp_build_info",
        "dynmcp_connections",
    ] {
        assert!(metrics.contains(name), "{name} is missing:\n{metrics}");
    }
    assert!(
        gateway.output().contains("no authentication"),
        "{}",
        gateway.output()
    );
    for line in gateway.output().lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    }
    gateway.wait("the log file", |_| {
        let files = fs::read_dir(sandbox.path().join("logs")).unwrap();
        files.into_iter().any(|file| {
            fs::read_to_string(file.unwrap().path())
                .unwrap()
                .contains("listening on")
        })
    });
    drop(gateway);

    let closed = Gateway::start(
        &sandbox,
        "[app]\napi_key = \"process-test-key\"\npublic_paths = [\"/readyz\"]\n",
    );
    assert_eq!(closed.get("/healthz").unwrap().0, 401);
    drop(closed);
    // Metrics name every tool.
    let closed = Gateway::start(&sandbox, "[app]\napi_key = \"process-test-key\"\n");
    assert_eq!(closed.get("/healthz").unwrap().0, 200);
    assert_eq!(closed.get("/metrics").unwrap().0, 401);
    let with_key = reqwest::Client::new()
        .get(format!("{}/metrics", closed.origin))
        .header("x-api-key", KEY);
    assert_eq!(request(with_key).unwrap().0, 200);
}

#[test]
fn an_anonymous_instance_is_announced_when_it_appears_and_at_every_start() {
    let sandbox = Sandbox::new();
    let announced = |gateway: &Gateway| gateway.output().contains("anonymous instance");
    let gateway = Gateway::start(&sandbox, "[app]\napi_key = \"process-test-key\"\n");
    assert!(!announced(&gateway));
    gateway.put(
        "ids/open",
        &serde_json::json!({"name": "open", "auth": "none", "tool_ids": []}),
    );
    gateway.wait("the announcement", announced);
    drop(gateway);
    Gateway::start(&sandbox, "[app]\napi_key = \"process-test-key\"\n").wait("the announcement", announced);
}

#[tokio::test]
async fn answers_tell_the_revision_where_the_configuration_wants_it() {
    let sandbox = Sandbox::new();
    let config = "[app]\nauthenticators = [\"none\"]\nconfig_revision_header = \"X-Config-Revision\"\n";
    let gateway = tokio::task::spawn_blocking(move || {
        let gateway = Gateway::start(&sandbox, config);
        gateway.put("ids/i", &serde_json::json!({"name": "i", "tool_ids": []}));
        (gateway, sandbox)
    });
    let (gateway, _sandbox) = gateway.await.unwrap();
    let ping = serde_json::json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    let answer = reqwest::Client::new()
        .post(format!("{}/mcp/i", gateway.origin))
        .json(&ping)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["x-config-revision"], "1");
}

#[test]
fn as_many_files_as_the_system_allows_may_be_open() {
    let sandbox = Sandbox::new();
    // It is worth a warning where somebody has asked for more.
    for (wanted, hard, level) in [
        ("max_connections = 300\n", 700, Some("WARN")),
        ("max_connections = 300\n", 1_000, None),
        ("", 700, Some("INFO")),
    ] {
        sandbox.write(
            "x.toml",
            &format!("[app]\nport = 0\nhost = \"127.0.0.1\"\n{wanted}"),
        );
        let gateway = sandbox.command(&["serve", "--config", "x.toml"]);
        let mut limited = std::process::Command::new("sh");
        limited
            .args([
                "-c",
                &format!("ulimit -Sn 100; ulimit -Hn {hard}; exec \"$@\""),
                "sh",
            ])
            .arg(gateway.get_program())
            .args(gateway.get_args())
            .current_dir(sandbox.path());
        let gateway = Gateway::spawn(&sandbox, limited);
        gateway.wait("it listens", |gateway| gateway.output().contains("listening"));
        let limits = fs::read_to_string(format!("/proc/{}/limits", gateway.pid())).unwrap();
        let limit = limits
            .lines()
            .find(|line| line.starts_with("Max open files"))
            .unwrap();
        let soft = limit.split_whitespace().nth(3).unwrap();
        assert_eq!(soft, hard.to_string(), "{limit}");
        let output = gateway.output();
        let said = output.lines().find(|line| line.contains("LimitNOFILE"));
        assert_eq!(said.is_some(), level.is_some(), "{output}");
        assert!(
            said.is_none_or(|said| level.is_some_and(|level| said.contains(level))),
            "{output}"
        );
    }
}

/// Definitions, keys and logs are nobody else's to read, whatever the umask is.
#[test]
fn what_a_gateway_makes_is_for_its_user_only() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::new();
    let gateway = Gateway::start(&sandbox, "[log]\nlog_dir = \"logs\"\n");
    let list = |folder: &str| {
        fs::read_dir(sandbox.path().join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().path())
    };
    gateway.wait("the snapshot", |_| {
        list("data").any(|file| file.ends_with("definitions.snapshot"))
    });
    let mut made: Vec<_> = list("data").chain(list("logs")).collect();
    // The database, its -wal and -shm, the key's hash, the snapshot, the log.
    assert!(made.len() >= 6, "{made:?}");
    made.extend(["data", "logs"].map(|folder| sandbox.path().join(folder)));
    for path in made {
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        let expected = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode, expected, "{}: {mode:o}", path.display());
    }
}
