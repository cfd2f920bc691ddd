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
    tds: Vec<Tool>,
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
        let answer = gateway.send(Method::POST, &path, HeaderMap::new(), "").await?;
        match gateway.data::<Vec<ExampleRun>>(&answer) {
            Ok(runs) => runs.into_iter().for_each(|run| results.add(None, run)),
            // Stored, but not served.
            Err(failure) if answer.status.as_u16() == 404 => {
                results.broken(None, &tool.id, failure.to_string())
            }
            Err(failure) => return Err(failure.into()),
        }
    }
    Ok(results)
}
