//! `dynmcp demo --aggregate`: tools of the sample API, of a program and of a server with a URL in one list. The documents are
//! those of `examples/aggregate`.

use super::{DemoError, PATIENCE, definitions::pointed_at, put};
use crate::client::Gateway;
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    path::PathBuf,
    time::{Duration, Instant},
};

/// The instance that shows all of it.
pub(super) const INSTANCE: &str = "desk";

const DESK: &str = include_str!("../../../examples/aggregate/instance-desk.json");
const CLOCK: &str = include_str!("../../../examples/aggregate/upstream-clock.json");
const GLOSSARY: &str = include_str!("../../../examples/aggregate/upstream-glossary.json");

/// A server that people have, and that tells the time as well.
const KNOWN_CLOCK: &str = "mcp-server-time";

/// The program that is the clock.
pub(super) struct Clock {
    /// What the gateway has to be allowed to start.
    pub(super) command: String,
    arguments: Vec<&'static str>,
    call: (&'static str, Value),
}

impl Clock {
    /// The known one, where it is installed, or the one that comes along.
    pub(super) fn find() -> Result<Self, DemoError> {
        if is_on_path(KNOWN_CLOCK) {
            return Ok(Self {
                command: KNOWN_CLOCK.to_owned(),
                arguments: Vec::new(),
                call: ("clock_get_current_time", json!({"timezone": "UTC"})),
            });
        }
        let own = std::env::current_exe()?;
        Ok(Self {
            command: own.display().to_string(),
            arguments: vec!["sample-clock"],
            call: ("clock_current_time", json!({})),
        })
    }

    fn document(&self) -> Result<String, DemoError> {
        let failed = |error: serde_json::Error| DemoError::Failed(error.to_string());
        let mut document: Value = serde_json::from_str(CLOCK).map_err(failed)?;
        document["command"] = json!(self.command);
        document["args"] = json!(self.arguments);
        Ok(document.to_string())
    }

    /// One call to each of the three.
    pub(super) fn calls(&self) -> [(&'static str, Value); 3] {
        [
            ("get_order", json!({"id": "1001"})),
            self.call.clone(),
            ("explain_word", json!({"word": "upstream"})),
        ]
    }
}

fn is_on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = |folder: PathBuf| folder.join(program).is_file();
    std::env::split_paths(&path).any(found)
}

/// Stores the upstreams and the instance, and waits until the servers are there.
pub(super) async fn store(gateway: &Gateway, sample_api: SocketAddr, clock: &Clock) -> Result<(), DemoError> {
    put(gateway, "/admin/uds/clock", clock.document()?).await?;
    put(gateway, "/admin/uds/glossary", pointed_at(GLOSSARY, sample_api)).await?;
    put(gateway, &format!("/admin/ids/{INSTANCE}"), DESK.to_owned()).await?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = gateway.get("/admin/upstreams").await?;
        let states: Vec<Value> = gateway.data(&answer)?;
        let late = states.iter().find(|state| state["state"] != "ready");
        match late {
            None => return Ok(()),
            Some(late) if Instant::now() > deadline => {
                let text = format!("the upstream {} is not there: {}", late["id"], late["last_error"]);
                return Err(DemoError::Failed(text));
            }
            Some(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}
