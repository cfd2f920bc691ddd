//! The example's binary as its users run it.

use serde_json::{Value, json};
use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// Generous: the machine may be compiling something beside.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Gateway {
    child: Child,
    pub(crate) origin: String,
}

impl Gateway {
    /// Started with this configuration, and ready.
    pub(crate) async fn start(directory: &Path, config: &str, environment: &[(&str, &str)]) -> Self {
        let output = directory.join("output");
        let file = fs::File::create(&output).unwrap();
        let mut command = command(directory, config);
        let child = command
            .envs(environment.iter().copied())
            .stdout(file)
            .spawn()
            .unwrap();
        let mut gateway = Self {
            child,
            origin: String::new(),
        };
        let deadline = Instant::now() + PATIENCE;
        loop {
            let text = fs::read_to_string(&output).unwrap();
            let mut words = text.split_whitespace();
            if let Some(origin) = words.find(|word| word.starts_with("http://127.0.0.1:")) {
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

    pub(crate) async fn list_tools(&self, instance: &str, credential: (&str, &str)) -> (u16, Value) {
        let answer = reqwest::Client::new()
            .post(format!("{}/mcp/{instance}", self.origin))
            .header(credential.0, credential.1)
            .header("accept", "application/json, text/event-stream")
            .json(&json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}))
            .send()
            .await
            .unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// The admin API with its key.
    pub(crate) fn admin(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        let url = format!("{}/admin/{path}", self.origin);
        reqwest::Client::new()
            .request(method, url)
            .bearer_auth("admin-key-of-the-example")
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `serve` with this configuration, on a free port.
pub(crate) fn command(directory: &Path, config: &str) -> Command {
    let file = directory.join("config.toml");
    fs::write(&file, config).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_custom-plugin"));
    command
        .args(["serve", "--config"])
        .arg(&file)
        .current_dir(directory)
        .stdin(Stdio::null());
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("APP__")) {
        command.env_remove(name);
    }
    command.env("APP__APP__PORT", "0");
    command
}
