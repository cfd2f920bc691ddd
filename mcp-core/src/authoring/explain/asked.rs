//! A call of a stored tool, or of a draft before it is stored, explained for whoever has a catalog.

mod request;

use super::Explanation;
use crate::{
    authoring::stored_form::stored_form,
    engine::{CallContext, Engine},
    tool::{InstanceNames, LiveTool, ToolCompiler},
};
use mcp_common::{
    authenticator::Principal,
    catalog::{Catalog, Refusal},
    definition::InstanceDefinition,
    key::{Key, Revision},
    problem::{Problem, Problems},
};
use request::ExplainRequest;
use serde_json::value::RawValue;
use std::sync::Arc;

/// Why a call is not explained.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// What is asked cannot be read.
    #[error("{0}")]
    Invalid(String),
    /// The draft is refused, as it would be if it were to be stored.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The stored definition does not compile.
    #[error("{0}")]
    Broken(Problems),
    /// There is no such tool or instance.
    #[error("{0}")]
    Missing(String),
    /// The tool is stored, and nothing of it is served.
    #[error("{0}")]
    Quarantined(String),
}

impl From<Problems> for AskError {
    fn from(problems: Problems) -> Self {
        Self::Broken(problems)
    }
}

impl From<Problem> for AskError {
    fn from(problem: Problem) -> Self {
        Self::Broken(problem.into())
    }
}

/// A tool and what is odd about it.
struct Found {
    id: Arc<str>,
    /// Calls of a draft share nothing with those of the tool.
    tool: LiveTool,
    /// None for a draft.
    revision: Option<Revision>,
    warnings: Vec<String>,
}

impl Found {
    /// With what the instance says about its arguments. Where the tool stands in it under several names, the first one counts.
    fn as_in(&mut self, instance: &InstanceDefinition) {
        let mut references = instance.tool_ids.iter();
        let reference = references.find(|reference| reference.id == self.id);
        let Some(overrides) = reference.and_then(|reference| reference.overrides.as_ref()) else {
            return;
        };
        match self.tool.compiled.with_overrides(overrides) {
            Ok(tool) => self.tool.compiled = Arc::new(tool),
            Err(problems) => {
                let id = &instance.id;
                let warning =
                    format!("instance: what IDS `{id}` says about this tool does not fit it: {problems}");
                self.warnings.push(warning);
            }
        }
    }
}

/// The explanation and what is odd about the tool.
#[derive(Debug)]
pub struct Explained {
    /// The call.
    pub explanation: Explanation,
    /// The revision that is explained; absent for a draft.
    pub revision: Option<Revision>,
    /// What its author should know.
    pub warnings: Vec<String>,
}

/// Explains what `asked` asks for, the JSON text of an object with `arguments`, `instance`, `send` and so on; `caller` is who
/// calls unless it says otherwise. Nothing is stored, and nothing sent without `send`.
pub async fn explain(
    catalog: &Catalog<ToolCompiler>,
    engine: &Engine,
    key: &Key,
    asked: &[u8],
    caller: &Principal,
) -> Result<Explained, AskError> {
    let asked = ExplainRequest::read(asked)?;
    let mut found = match asked.definition {
        Some(draft) => draft_of(catalog, key, draft)?,
        None => stored(catalog, key)?,
    };
    let instance = instance(catalog, key, &asked, &mut found)?;
    let headers = asked.headers()?;
    let principal = asked.principal(caller);
    let context = CallContext {
        instance: &instance,
        principal: &principal,
        arguments: asked.arguments,
        headers: Some(&headers),
    };
    let explanation = engine.explain(found.tool.callable(), context, asked.send).await;
    if asked.send && explanation.sent.is_none() {
        let warning = match explanation.valid {
            true => "nothing was sent: the definition holds the answer",
            false => "nothing was sent: `problems` says why",
        };
        found.warnings.push(warning.to_owned());
    }
    Ok(Explained {
        explanation,
        revision: found.revision,
        warnings: found.warnings,
    })
}

/// Refused as a PUT of it would be.
fn draft_of(catalog: &Catalog<ToolCompiler>, key: &Key, draft: &RawValue) -> Result<Found, AskError> {
    let document = stored_form(key, draft.get().as_bytes())
        .map_err(|problem| AskError::Invalid(format!("definition: the body is no document: {problem}")))?;
    let warnings = catalog.check(key, &document)?;
    let tool = catalog.compiler().compile_document(&key.id, &document)?.tool;
    Ok(Found {
        id: key.id.clone(),
        tool: LiveTool::by_itself(tool),
        revision: None,
        warnings,
    })
}

/// As this replica serves it.
fn stored(catalog: &Catalog<ToolCompiler>, key: &Key) -> Result<Found, AskError> {
    let snapshot = catalog.snapshot();
    let Some(entry) = snapshot.tools.get(&key.id) else {
        return Err(match snapshot.quarantined(key) {
            Some(bad) => AskError::Quarantined(format!(
                "{key} is quarantined, nothing of it is served: {}",
                bad.reason
            )),
            None => AskError::Missing(format!(
                "there is no {key}; send it as `definition` to explain it before it is stored"
            )),
        });
    };
    let tool = entry.compiled.compiled(catalog.compiler(), entry)?;
    // With what the quarantine says of a newer revision.
    let warnings = snapshot.find(key).map(|entry| entry.warnings);
    Ok(Found {
        id: key.id.clone(),
        tool: entry.compiled.live(tool),
        revision: Some(entry.revision),
        warnings: warnings.unwrap_or_default(),
    })
}

/// The one that was asked for, "" for none; without a wish the first that has the tool. The call is that of its clients: with what
/// it says about the tool's arguments.
fn instance(
    catalog: &Catalog<ToolCompiler>,
    key: &Key,
    asked: &ExplainRequest<'_>,
    found: &mut Found,
) -> Result<InstanceNames, AskError> {
    let snapshot = catalog.snapshot();
    let having = snapshot.instances_of(&key.id);
    let id = match &asked.instance {
        // The tool by itself.
        Some(id) if id.is_empty() => return Ok(InstanceNames::id_only("")),
        Some(id) => id.clone(),
        None => match having.first() {
            Some(id) => id.to_string(),
            None => return Ok(InstanceNames::id_only("")),
        },
    };
    let entry = snapshot
        .instances
        .get(id.as_str())
        .ok_or_else(|| AskError::Missing(format!("instance: there is no IDS `{id}`")))?;
    if !having.iter().any(|instance| **instance == *id) {
        let warning = format!("instance: IDS `{id}` does not have this tool");
        found.warnings.push(warning);
    }
    let mut all = having.iter().filter_map(|id| snapshot.instances.get(id));
    if asked.instance.is_none() && having.len() > 1 && all.any(|entry| says_something(&entry.definition, key))
    {
        let count = having.len();
        let warning = format!(
            "instance: {count} instances have this tool and may give it other values; this is the call through IDS `{id}`, \
             ask for another one with `instance`"
        );
        found.warnings.push(warning);
    }
    found.as_in(&entry.definition);
    Ok(InstanceNames::of(&entry.definition))
}

/// Whether calls through the instance may differ from those through others.
fn says_something(instance: &InstanceDefinition, key: &Key) -> bool {
    let mut references = instance.tool_ids.iter();
    !instance.vars.is_empty()
        || references.any(|reference| reference.id == key.id && reference.overrides.is_some())
}
