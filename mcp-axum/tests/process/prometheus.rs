//! A Prometheus that scrapes a gateway.

use super::{Gateway, KEY, Sandbox, gateway::request};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    net::TcpListener,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Generous: the machine may be compiling something beside.
const PATIENCE: Duration = Duration::from_secs(60);

/// Killed when dropped.
pub(crate) struct Prometheus {
    child: Child,
    origin: String,
}

impl Prometheus {
    /// Returns when the gateway was scraped once.
    pub(crate) fn start(sandbox: &Sandbox, gateway: &Gateway) -> Self {
        let target = gateway.origin.trim_start_matches("http://");
        let config = sandbox.write(
            "prometheus.yml",
            &format!(
                "global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}\n\
                 scrape_configs:\n\
                 - job_name: dynmcp\n\
                 \x20 authorization: {{credentials: {KEY}}}\n\
                 \x20 static_configs: [{{targets: ['{target}']}}]\n"
            ),
        );
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap().to_string();
        drop(free);
        let mut command = sandbox.command_of("prometheus", &["--storage.tsdb.path", "prometheus"]);
        command
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--web.listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let prometheus = Self {
            child: command
                .spawn()
                .expect("prometheus is there: `cargo xtask tools` installs it"),
            origin: format!("http://{address}"),
        };
        prometheus.until("sum(up)", 1.0);
        prometheus
    }

    /// Waits until the expression has this value.
    pub(crate) fn until(&self, expression: &str, expected: f64) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let seen = self
                .try_query(expression)
                .and_then(|found| found.get("").copied());
            if seen == Some(expected) {
                return;
            }
            assert!(Instant::now() < deadline, "{expression} is {seen:?}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// The values of an expression by their labels (`a=1,b=2`).
    pub(crate) fn query(&self, expression: &str) -> BTreeMap<String, f64> {
        self.try_query(expression).unwrap()
    }

    fn try_query(&self, expression: &str) -> Option<BTreeMap<String, f64>> {
        let written: String = url::form_urlencoded::byte_serialize(expression.as_bytes()).collect();
        let url = format!("{}/api/v1/query?query={written}", self.origin);
        let (status, body) = request(reqwest::Client::new().get(url))?;
        if status == 503 {
            return None;
        }
        let answer: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(answer["status"], "success", "{expression}: {body}");
        let found = answer["data"]["result"].as_array().unwrap().iter().map(|one| {
            let labels = one["metric"].as_object().unwrap().iter();
            let labels = labels.map(|(name, value)| format!("{name}={}", value.as_str().unwrap()));
            let value = one["value"][1].as_str().unwrap().parse().unwrap();
            (labels.collect::<Vec<_>>().join(","), value)
        });
        Some(found.collect())
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
