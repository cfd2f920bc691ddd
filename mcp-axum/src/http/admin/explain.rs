//! `POST /admin/tds/{id}/explain`: what a call would send and why; with `send` what comes back. Stored tools and
//! drafts, before they are stored.

mod request;

use super::{envelope::Success, parameters::Target, put::stored_form};
use crate::{
    app::App,
    http::{
        body,
        error::{Error, Result},
    },
};
use axum::{
    Extension,
    extract::{Request, State},
};
use mcp_common::{
    authenticator::Principal,
    catalog::Catalog,
    definition::InstanceDefinition,
    key::{Key, Revision},
};
use mcp_core::{
    authoring::explain::Explanation,
    engine::{CallContext, Engine},
    tool::{CompiledTool, InstanceNames, ToolCompiler},
};
use request::ExplainRequest;
use serde_json::value::RawValue;
use std::sync::Arc;

/// A tool and what is odd about it.
struct Found {
    id: Arc<str>,
    tool: Arc<CompiledTool>,
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
        match self.tool.with_overrides(overrides) {
            Ok(tool) => self.tool = Arc::new(tool),
            Err(problems) => {
                let id = &instance.id;
                let warning =
                    format!("instance: what IDS `{id}` says about this tool does not fit it: {problems}");
                self.warnings.push(warning);
            }
        }
    }
}

/// The explanation and what stands beside it in the envelope.
pub(crate) struct Explained {
    pub(crate) explanation: Explanation,
    pub(crate) revision: Option<Revision>,
    pub(crate) warnings: Vec<String>,
}

/// Explains; nothing is stored, and nothing sent without `send`.
pub(super) async fn run(
    State(app): State<Arc<App>>,
    Target(key): Target,
    Extension(principal): Extension<Principal>,
    request: Request,
) -> Result<Success<Explanation>> {
    let limit = app.settings.app.max_body_bytes.as_usize();
    let (parts, body) = request.into_parts();
    let body = body::read(body, &parts.extensions, limit, body::PATIENCE).await?;
    let explained = explain(&app.catalog, &app.admin.engine, &key, &body, &principal).await?;
    Ok(Success::new(explained.explanation)
        .revision(explained.revision)
        .warnings(explained.warnings))
}

/// The same for whoever has a catalog: `body` is that of the request, `caller` who calls unless it says otherwise.
pub(crate) async fn explain(
    catalog: &Catalog<ToolCompiler>,
    engine: &Engine,
    key: &Key,
    body: &[u8],
    caller: &Principal,
) -> Result<Explained> {
    let asked = ExplainRequest::read(body)?;
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
    let explanation = engine.explain(&found.tool, context, asked.send).await;
    if asked.send && explanation.sent.is_none() {
        let warning = "nothing was sent: `problems` says why";
        found.warnings.push(warning.to_owned());
    }
    Ok(Explained {
        explanation,
        revision: found.revision,
        warnings: found.warnings,
    })
}

/// Refused as a PUT of it would be.
fn draft_of(catalog: &Catalog<ToolCompiler>, key: &Key, draft: &RawValue) -> Result<Found> {
    let document = stored_form(key, draft.get().as_bytes()).map_err(|error| error.prefixed("definition"))?;
    let warnings = catalog.check(key, &document)?;
    let tool = catalog.compiler().compile_document(&key.id, &document)?.tool;
    Ok(Found {
        id: key.id.clone(),
        tool: Arc::new(tool),
        revision: None,
        warnings,
    })
}

/// As this replica serves it.
fn stored(catalog: &Catalog<ToolCompiler>, key: &Key) -> Result<Found> {
    let snapshot = catalog.snapshot();
    let Some(entry) = snapshot.tools.get(&key.id) else {
        return Err(match snapshot.quarantined(key) {
            Some(bad) => Error::conflict(format!(
                "{key} is quarantined, nothing of it is served: {}",
                bad.reason
            )),
            None => Error::not_found(format!(
                "there is no {key}; send it as `definition` to explain it before it is stored"
            )),
        });
    };
    let tool = entry.compiled.compiled(catalog.compiler(), entry)?;
    // With what the quarantine says of a newer revision.
    let warnings = snapshot.find(key).map(|entry| entry.warnings);
    Ok(Found {
        id: key.id.clone(),
        tool,
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
) -> Result<InstanceNames> {
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
        .ok_or_else(|| Error::not_found(format!("instance: there is no IDS `{id}`")))?;
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
