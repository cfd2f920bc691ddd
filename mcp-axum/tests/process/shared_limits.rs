//! Limits that gateways count together: whatever their clocks say, and what is said of a Redis that cannot be used.

use super::{
    Gateway, KEY, Sandbox,
    gateway::request,
    servers::{process::free_port, redis::RedisServer},
};
use serde_json::{Value, json};
use std::process::Command;

fn config(redis: &str) -> String {
    format!(
        "[app]\napi_key = '{KEY}'\ndata_source = 'memory'\n[limits.redis]\nurl = '{redis}'\ntimeout_ms = 2000\n"
    )
}

fn post(gateway: &Gateway, path: &str, key: &str, body: &Value) -> (u16, String) {
    let url = format!("{}{path}", gateway.origin);
    request(reqwest::Client::new().post(url).bearer_auth(key).json(body)).unwrap()
}

fn status_of(gateway: &Gateway) -> Value {
    let url = format!("{}/admin/status", gateway.origin);
    let (_, body) = request(reqwest::Client::new().get(url).bearer_auth(KEY)).unwrap();
    serde_json::from_str::<Value>(&body).unwrap()["data"].take()
}

fn status(gateway: &Gateway) -> Value {
    status_of(gateway)["shared_limits"].take()
}

fn call(gateway: &Gateway, key: &str) -> u16 {
    post(gateway, "/instances/desk/tools/echo", key, &json!({})).0
}

/// Waits until it counts so, and gives it something to count.
fn with_desk(gateway: &Gateway, how: &str) {
    gateway.wait(how, |gateway| status(gateway)["counted"] == how);
    let tool = json!({
        "name": "echo", "description": "Says its name.", "input_schema": {"type": "object"},
        "static": {"content": [{"type": "text", "text": "echo"}]},
    });
    gateway.put("tds/echo", &tool);
    gateway.put("ids/desk", &json!({"name": "Desk", "tool_ids": ["echo"]}));
}

/// A key that all of them know.
fn key(gateways: &[&Gateway], limits: &Value) -> String {
    let wanted = json!({"instances": ["desk"], "limits": limits});
    let (code, body) = post(gateways[0], "/admin/keys", KEY, &wanted);
    assert_eq!(code, 200, "{body}");
    let made = serde_json::from_str::<Value>(&body).unwrap()["data"].take();
    let id = made["id"].as_str().unwrap();
    let url = format!("{}/admin/keys/{id}", gateways[0].origin);
    let (_, body) = request(reqwest::Client::new().get(url).bearer_auth(KEY)).unwrap();
    let mut document = serde_json::from_str::<Value>(&body).unwrap()["data"].take();
    for member in ["revision", "updated_at", "version"] {
        document.as_object_mut().unwrap().remove(member);
    }
    for gateway in &gateways[1..] {
        gateway.put(&format!("keys/{id}"), &document);
    }
    made["key"].as_str().unwrap().to_owned()
}

/// What `faketime` gives to what it starts. It waits for that in a process of its own, and a gateway behind it would outlive the test that ends it.
#[cfg(target_os = "linux")]
fn another_clock(offset: &str) -> Vec<(String, String)> {
    let arguments = ["-m", "--exclude-monotonic", "-f", offset, "env"];
    let shown = Command::new("faketime").args(arguments).output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    let variables = shown.lines().filter_map(|line| line.split_once('='));
    // What is shared goes with the program.
    let is_wanted =
        |name: &str| (name.starts_with("FAKETIME") || name == "LD_PRELOAD") && name != "FAKETIME_SHARED";
    let wanted = variables.filter(|(name, _)| is_wanted(name));
    wanted
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[cfg(target_os = "linux")]
#[test]
fn gateways_whose_clocks_differ_by_days_count_the_same() {
    let redis = RedisServer::start(&[]);
    let (here, there) = (Sandbox::new(), Sandbox::new());
    let first = Gateway::start(&here, &config(&redis.url()));
    let file = there.write("test.toml", &config(&redis.url()));
    let mut command = Command::new(env!("CARGO_BIN_EXE_dynmcp"));
    command
        .args(["serve", "--config"])
        .arg(file)
        .envs(another_clock("+36h"))
        .current_dir(there.path())
        .env("APP__APP__PORT", "0");
    let second = Gateway::spawn_until_ready(&there, command);
    let day = |gateway: &Gateway| status_of(gateway)["started_at"].as_str().unwrap()[..10].to_owned();
    assert_ne!(day(&first), day(&second), "the second one is somewhere else");
    for gateway in [&first, &second] {
        with_desk(gateway, "together");
    }
    for limits in [json!({"per_day": 4}), json!({"rate": "4/h"})] {
        let key = key(&[&first, &second], &limits);
        let called: Vec<u16> = [&first, &second, &second, &first, &second, &first]
            .into_iter()
            .map(|gateway| call(gateway, &key))
            .collect();
        assert_eq!(called, [200, 200, 200, 200, 429, 429], "{limits}");
    }
}

#[test]
fn what_is_wrong_is_said_at_the_start_and_once() {
    let sandbox = Sandbox::new();
    // A mistake in the configuration ends it.
    for (table, said) in [
        ("url = 'cache.internal:6379'", "limits.redis.url"),
        (
            "url = 'redis://me:hidden-word@cache.internal'",
            "`username` and `password`",
        ),
        (
            "url = 'redis://127.0.0.1:1'\npassword_file = 'nothing-here'",
            "limits.redis.password_file",
        ),
        (
            "url = 'redis://127.0.0.1:1'\ntimeout_ms = 0",
            "limits.redis.timeout_ms",
        ),
        (
            "url = 'redis://127.0.0.1:1'\ntimeot_ms = 5",
            "did you mean `limits.redis.timeout_ms`",
        ),
    ] {
        sandbox.write("x.toml", &format!("[limits.redis]\n{table}\n"));
        for command in [
            &["config", "check", "--config", "x.toml"][..],
            &["serve", "--config", "x.toml"],
        ] {
            let output = sandbox.run(command);
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(2), "{text}");
            assert!(text.contains(said) && !text.contains("hidden-word"), "{text}");
        }
    }
    // One that shows when it is connected to does not: limits hold, and it is said.
    let redis = RedisServer::start(&["--requirepass", "right-word"]);
    let nobody = format!("redis://127.0.0.1:{}", free_port());
    for (url, password) in [(redis.url(), "wrong-word"), (nobody, "")] {
        let tables = format!("{}password = '{password}'\n", config(&url));
        sandbox.write("y.toml", &tables);
        let checked = sandbox.run(&["config", "check", "--config", "y.toml"]);
        assert!(checked.status.success(), "{checked:?}");
        let doctor = sandbox.run(&["config", "doctor", "--config", "y.toml"]);
        let text = String::from_utf8_lossy(&doctor.stdout).into_owned();
        assert!(
            text.contains("problem: limits.redis: ") && !text.contains("wrong-word"),
            "{text}"
        );
        let gateway = Gateway::start(&sandbox, &tables);
        with_desk(&gateway, "alone");
        let key = key(&[&gateway], &json!({"per_day": 2}));
        assert_eq!(
            [call(&gateway, &key), call(&gateway, &key), call(&gateway, &key)],
            [200, 200, 429]
        );
        std::thread::sleep(std::time::Duration::from_secs(2));
        let output = gateway.output();
        let warnings = output.matches("limits cannot be counted together").count();
        assert_eq!(warnings, 1, "{output}");
        assert!(!output.contains("wrong-word"), "{output}");
    }
    sandbox.write(
        "z.toml",
        &format!("{}password = 'right-word'\n", config(&redis.url())),
    );
    let doctor = sandbox.run(&["config", "doctor", "--config", "z.toml"]);
    assert!(
        !String::from_utf8_lossy(&doctor.stdout).contains("limits.redis"),
        "{doctor:?}"
    );
}
