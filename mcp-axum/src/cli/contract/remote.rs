//! Definitions of a running gateway, run by it: where its secrets are and its egress rules hold.

use super::{Results, TestArguments};
use crate::{cli::Failure, client::Gateway};
use http::{HeaderMap, Method};
use mcp_core::authoring::examples::{ExampleRun, Mode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::Value;

/// Of an export.
#[derive(Deserialize)]
struct Definitions {
    #[serde(default)]
    tds: Vec<Tool>,
    #[serde(default)]
    uds: Vec<Upstream>,
}

#[derive(Deserialize)]
struct Upstream {
    id: String,
    #[serde(default)]
    tools: Value,
}

impl Upstream {
    /// Whether a tool that is meant has examples.
    fn has_examples(&self, wants: impl Fn(&str) -> bool) -> bool {
        let overrides = self.tools["overrides"].as_object();
        overrides.into_iter().flatten().any(|(name, said)| {
            let examples = said["examples"].as_array();
            examples.is_some_and(|examples| !examples.is_empty()) && wants(&format!("{}/{name}", self.id))
        })
    }
}

#[derive(Deserialize)]
struct Tool {
    id: String,
    #[serde(default)]
    examples: Value,
}

pub(super) async fn run(gateway: &Gateway, arguments: &TestArguments) -> Result<Results, Failure> {
    let query = match arguments.mode() {
        Mode::Mock => "mode=mock".to_owned(),
        Mode::Live { any_method } => format!("mode=live&any_method={any_method}"),
    };
    let answer = gateway.get("/admin/export").await?;
    let definitions: Definitions = gateway.data(&answer)?;
    let has_examples = |tool: &Tool| {
        tool.examples
            .as_array()
            .is_some_and(|examples| !examples.is_empty())
    };
    let mut results = Results::default();
    for tool in definitions
        .tds
        .iter()
        .filter(|tool| has_examples(tool) && arguments.wants(&tool.id))
    {
        let id = utf8_percent_encode(&tool.id, NON_ALPHANUMERIC);
        let path = format!("/admin/tds/{id}/verify?{query}");
        verify(gateway, (&path, &tool.id), |_| true, &mut results).await?;
    }
    let wants = |tool: &str| arguments.wants(tool);
    for upstream in definitions
        .uds
        .iter()
        .filter(|upstream| upstream.has_examples(wants))
    {
        let path = format!("/admin/uds/{}/verify?{query}", upstream.id);
        verify(gateway, (&path, &upstream.id), wants, &mut results).await?;
    }
    Ok(results)
}

async fn verify(
    gateway: &Gateway,
    (path, id): (&str, &str),
    wants: impl Fn(&str) -> bool,
    results: &mut Results,
) -> Result<(), Failure> {
    let answer = gateway.send(Method::POST, path, HeaderMap::new(), "").await?;
    match gateway.data::<Vec<ExampleRun>>(&answer) {
        Ok(runs) => runs
            .into_iter()
            .filter(|run| wants(&run.tool))
            .for_each(|run| results.add(None, run)),
        // Stored, but not served.
        Err(failure) if answer.status.as_u16() == 404 => results.broken(None, id, failure.to_string()),
        Err(failure) => return Err(failure.into()),
    }
    Ok(())
}
