//! The configuration changes while the gateway runs.

mod file;
mod live;
mod load;

use crate::test_app::{Client, TestApp, eventually};
use serde_json::{Value, json};
use std::fs;

/// The file as the test has it at first, with more behind it.
struct Configuration {
    base: String,
}

impl Configuration {
    /// Follows it from now on.
    async fn followed(app: &TestApp) -> Self {
        let base = fs::read_to_string(app.configuration()).unwrap();
        app.follow().await;
        Self { base }
    }

    /// With another key beside the user's.
    fn with_key(&self, name: &str, key: &str) -> String {
        let another = format!("keys = [{{ name = '{name}', key = '{key}' }}, ");
        self.base.replace("keys = [", &another)
    }

    /// With these lines in `[app]`.
    fn with_app(&self, lines: &str) -> String {
        self.base.replace("[app]\n", &format!("[app]\n{lines}\n"))
    }

    /// With these tables behind it.
    fn with(&self, tables: &str) -> String {
        format!("{}{tables}\n", self.base)
    }
}

fn write(app: &TestApp, text: &str) {
    fs::write(app.configuration(), text).unwrap();
}

fn status(app: &TestApp) -> Value {
    json!(app.app().config.report())
}

/// Waits until so many changes have come into effect.
async fn reloaded(app: &TestApp, times: u64) {
    eventually("the configuration is read again", || {
        status(app)["reloads"] == times
    })
    .await;
}

/// Waits until so many could not.
async fn failed(app: &TestApp, times: u64) -> String {
    eventually("the configuration is refused", || status(app)["errors"] == times).await;
    let status = status(app);
    status["last_error"]["reason"].as_str().unwrap().to_owned()
}

/// Somebody with this key.
fn with_key(app: &TestApp, key: &str) -> Client {
    Client::new(app.address(), Some(key.to_owned()))
}

fn metric(app: &TestApp, name: &str) -> u64 {
    let metrics = app.metrics();
    let value = metrics
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value
        .unwrap_or_else(|| panic!("{name}: {metrics}"))
        .parse()
        .unwrap()
}
