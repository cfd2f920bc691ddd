//! What is written down about admin requests, and what is not.

use super::{faulty::INTERNALS, v1_tool};
use crate::test_app::TestApp;
use serde_json::Value;
use std::{
    io,
    sync::{Arc, Mutex},
};
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

/// Everything that the process logs, as text.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Captured {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Captured {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// The lines of one request.
    fn of(&self, request_id: &str) -> Vec<Value> {
        let lines = self.text();
        let lines = lines
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines
            .filter(|line| {
                [&line["span"], &line["fields"]]
                    .iter()
                    .any(|part| part["request_id"] == request_id)
            })
            .collect()
    }
}

/// Other tests of this process log too, which only adds lines.
#[tokio::test]
async fn a_5xx_is_logged_with_its_cause_under_the_request_id_and_no_secret_ever_is() {
    let captured = Captured::default();
    tracing_subscriber::fmt()
        .json()
        .with_env_filter(EnvFilter::new(
            "info,mcp_axum=trace,mcp_common=trace,mcp_plugin=trace,mcp_core=trace",
        ))
        .with_writer(captured.clone())
        .init();
    let app = TestApp::with(&[("app.data_source", "faulty"), ("app.api_key", "a-key-to-be-kept")]).await;
    for id in ["unavailable", "broken"] {
        let mut document = v1_tool();
        document["note"] = "a-body-to-be-kept".into();
        let answer = app.admin().put(&format!("/admin/tds/{id}"), &document).await;
        let lines = captured.of(answer.header("x-request-id").unwrap());
        let cause = lines.iter().find(|line| line["level"] == "ERROR").unwrap();
        assert!(
            cause["fields"]["cause"].as_str().unwrap().contains(INTERNALS),
            "{cause}"
        );
        let request = lines
            .iter()
            .find(|line| line["target"] == "dynmcp::admin")
            .unwrap();
        let fields = &request["fields"];
        assert_eq!(fields["method"], "PUT");
        assert_eq!(fields["path"], format!("/admin/tds/{id}"));
        assert_eq!(fields["principal"], "admin");
        assert_eq!(fields["status"], answer.status);
    }
    let answer = app.admin().put("/admin/tds/panic", &v1_tool()).await;
    let lines = captured.of(answer.header("x-request-id").unwrap());
    assert!(
        lines.iter().any(|line| line["fields"]["status"] == 500),
        "{lines:?}"
    );
    for secret in ["a-key-to-be-kept", "a-body-to-be-kept", app.user_key()] {
        assert!(!captured.text().contains(secret), "{secret} is in the log");
    }
}
