//! Reads a server's list of tools to its end, or to its bounds.

use super::{Inventory, RemoteTool, Skipped};
use crate::{
    json::{members::Members, one_line::compact},
    tool::mirrored_headers_of,
    upstream::{
        error::{UpstreamError, excerpt},
        session::{Question, Session, within},
    },
};
use mcp_common::{bounds::Bounds, definition::UpstreamDefinition};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};
use std::{borrow::Cow, collections::HashMap, sync::Arc, time::SystemTime};

/// A list with more pages has no end.
const MOST_PAGES: usize = 1_000;
/// The size of a whole list.
const MOST_BYTES: usize = 64 << 20;

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    tools: Vec<&'a RawValue>,
    #[serde(borrow, rename = "nextCursor")]
    next: Option<Cow<'a, str>>,
}

/// Everything that the server offers now.
pub(in crate::upstream) async fn fetch(
    definition: &UpstreamDefinition,
    session: &Session,
) -> Result<Inventory, UpstreamError> {
    let mut taking = Taking::default();
    if session.about.has_tools {
        let reading = taking.read(definition, session);
        within(
            reading,
            definition.timeouts.list(),
            "the list of tools",
            "list_ms",
        )
        .await?;
    }
    Ok(Inventory {
        epoch: 0,
        at: SystemTime::now(),
        protocol: session.speech.version().unwrap_or_default(),
        server_info: session.about.server_info.clone(),
        instructions: session.about.instructions.clone(),
        tools: taking.tools,
        skipped: taking.skipped,
        by_name: taking.by_name,
    })
}

#[derive(Default)]
struct Taking {
    tools: Vec<Arc<RemoteTool>>,
    skipped: Vec<Skipped>,
    by_name: HashMap<Arc<str>, usize>,
}

impl Taking {
    async fn read(
        &mut self,
        definition: &UpstreamDefinition,
        session: &Session,
    ) -> Result<(), UpstreamError> {
        let most = definition.limits.tools as usize;
        let mut cursor: Option<String> = None;
        let mut bytes = 0;
        for _ in 0..MOST_PAGES {
            let params = cursor
                .as_ref()
                .map_or_else(String::new, |cursor| format!("\"cursor\":{}", json!(cursor)));
            let question = Question {
                method: "tools/list",
                params,
                ..Question::default()
            };
            let result = session.ask(question).await?;
            bytes += result.len();
            if bytes > MOST_BYTES {
                return Err(UpstreamError::NotMcp(format!(
                    "the list of tools has more than {MOST_BYTES} bytes"
                )));
            }
            let page: Page<'_> = serde_json::from_slice(&result).map_err(|error| {
                UpstreamError::NotMcp(format!("the list of tools cannot be read: {error}"))
            })?;
            for entry in page.tools {
                if self.tools.len() + self.skipped.len() >= most {
                    return Err(UpstreamError::NotMcp(format!(
                        "the server lists more than {most} tools (`limits.tools`)"
                    )));
                }
                self.take(entry.get());
            }
            match page.next {
                None => return Ok(()),
                Some(next) if cursor.as_deref() == Some(&*next) => {
                    return Err(UpstreamError::NotMcp(
                        "the list of tools has a page that leads to itself".to_owned(),
                    ));
                }
                Some(next) => cursor = Some(next.into_owned()),
            }
        }
        Err(UpstreamError::NotMcp(format!(
            "the list of tools has more than {MOST_PAGES} pages"
        )))
    }

    fn take(&mut self, entry: &str) {
        match remote_tool(entry) {
            Ok(tool) if self.by_name.contains_key(&tool.name) => self.skipped.push(Skipped {
                name: tool.name.to_string(),
                reason: "the name appears twice in the server's list; the first one has it".to_owned(),
            }),
            Ok(tool) => {
                self.by_name.insert(tool.name.clone(), self.tools.len());
                self.tools.push(Arc::new(tool));
            }
            Err(skipped) => self.skipped.push(skipped),
        }
    }
}

fn remote_tool(entry: &str) -> Result<RemoteTool, Skipped> {
    let skipped = |name: &str, reason: String| Skipped {
        name: excerpt(name),
        reason,
    };
    let bounds = Bounds::default().definition();
    bounds
        .check(entry.as_bytes())
        .map_err(|exceeded| skipped("", exceeded.to_string()))?;
    let members = Members::read(entry).map_err(|reason| skipped("", reason))?;
    let name = members
        .get("name")
        .and_then(|name| serde_json::from_str::<String>(name.get()).ok());
    let Some(name) = name.filter(|name| !name.is_empty()) else {
        return Err(skipped("", "it has no name".to_owned()));
    };
    let schema = members
        .get("inputSchema")
        .map(|schema| serde_json::from_str::<Value>(schema.get()));
    let schema = match schema {
        Some(Ok(schema)) if schema.is_object() => schema,
        Some(_) => return Err(skipped(&name, "its inputSchema is no JSON object".to_owned())),
        None => return Err(skipped(&name, "it has no inputSchema".to_owned())),
    };
    let mirrored = mirrored_headers_of(&schema).map_err(|problems| skipped(&name, problems.to_string()))?;
    let annotations = members.get("annotations");
    let annotations: Value = annotations
        .and_then(|annotations| serde_json::from_str(annotations.get()).ok())
        .unwrap_or_default();
    let is_repeatable = annotations["readOnlyHint"] == true || annotations["idempotentHint"] == true;
    Ok(RemoteTool {
        name: name.into(),
        listing: compact(entry).into(),
        mirrored,
        is_repeatable,
    })
}
