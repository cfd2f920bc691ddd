//! The example, built and run: its plugins are found by their names and decide what is served to whom.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};
use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// What the README tells to use.
const CONFIG: &str = include_str!("../custom-plugin.toml");

/// Generous: the machine may be compiling something beside.
const PATIENCE: Duration = Duration::from_secs(60);

struct Gateway {
    child: Child,
    origin: String,
}

impl Gateway {
    async fn start(directory: &Path) -> Self {
        let config = directory.join("custom.toml");
        fs::write(&config, CONFIG).unwrap();
        let output = directory.join("output");
        let file = fs::File::create(&output).unwrap();
        let child = command(directory, &config).stdout(file).spawn().unwrap();
        let mut gateway = Self {
            child,
            origin: String::new(),
        };
        let deadline = Instant::now() + PATIENCE;
        loop {
            let text = fs::read_to_string(&output).unwrap();
            if let Some(origin) = text
                .split_whitespace()
                .find(|word| word.starts_with("http://127.0.0.1:"))
            {
                gateway.origin = origin.to_owned();
                let ready = reqwest::get(format!("{origin}/readyz")).await;
                if ready.is_ok_and(|answer| answer.status() == 200) {
                    return gateway;
                }
            }
            assert!(Instant::now() < deadline, "not ready:\n{text}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn list_tools(&self, password: &str) -> (u16, Value) {
        let answer = reqwest::Client::new()
            .post(format!("{}/mcp/greetings", self.origin))
            .header("x-password", password)
            .header("accept", "application/json, text/event-stream")
            .json(&json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}))
            .send()
            .await
            .unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(directory: &Path, config: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_custom-plugin"));
    command
        .args(["serve", "--config"])
        .arg(config)
        .current_dir(directory)
        .stdin(Stdio::null());
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("APP__")) {
        command.env_remove(name);
    }
    command.env("APP__APP__PORT", "0");
    command
}

#[tokio::test]
async fn its_source_is_served_to_those_its_authenticator_knows() {
    let directory = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(directory.path()).await;
    let (status, answer) = gateway.list_tools("sesame").await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["result"]["tools"][0]["name"], "greet");
    assert_eq!(
        answer["result"]["tools"][0]["description"],
        "Says \"Good morning\" to somebody."
    );
    assert_eq!(gateway.list_tools("abracadabra").await.0, 401);

    let write = reqwest::Client::new()
        .delete(format!("{}/admin/tds/greet", gateway.origin))
        .bearer_auth("admin-key")
        .send()
        .await
        .unwrap();
    assert_eq!(write.status(), 405, "the source is read-only");
}

#[test]
fn its_settings_are_refused_by_key() {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("custom.toml");
    fs::write(&config, CONFIG.replace("\"Good morning\"", "7")).unwrap();
    let output = command(directory.path(), &config).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        stderr,
        "dynmcp: configuration: data_source.greeter.greeting: expected a text, found 7\n"
    );
}
