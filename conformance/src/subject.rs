//! The gateway under test, with the definitions stored, and the API they call.

use crate::sample_api::{self, Change};
use anyhow::{Context, Result};
use dynmcp_harness::{Gateway, Upstream};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

/// The tool whose schema the suite asks for and the gateway warns of: some clients refuse `allOf` and `if` at the root.
const WARNED_OF: &str = "json_schema_2020_12_tool";

/// A running gateway with the two instances.
pub struct Subject {
    /// The process.
    pub gateway: Gateway,
    _upstream: Upstream,
}

impl Subject {
    /// Starts both and stores `definitions/`.
    pub async fn start() -> Result<Self> {
        let gateway = Gateway::start().await?;
        let tools = definitions("tds")?;
        let changing = tools
            .get("test_dynamic_tool")
            .context("a tool that changes")?
            .clone();
        let change = Arc::new(Change::new(gateway.admin().clone(), changing));
        let upstream = Upstream::start(sample_api::router(change)).await?;
        for (id, mut tool) in tools {
            tool["tds_ext_info"]["domain"] = json!(upstream.origin());
            if id == WARNED_OF {
                gateway.admin().write("tds", &id, &tool).await?;
            } else {
                gateway.admin().put_tool(&id, &tool).await?;
            }
        }
        for (id, instance) in definitions("ids")? {
            gateway.admin().put_instance(&id, &instance).await?;
        }
        Ok(Self {
            gateway,
            _upstream: upstream,
        })
    }
}

fn definitions(collection: &str) -> Result<BTreeMap<String, Value>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("definitions")
        .join(collection);
    let mut definitions = BTreeMap::new();
    for entry in fs::read_dir(&directory)? {
        let path = entry?.path();
        let id = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .context("a file without a name")?;
        let document = serde_json::from_slice(&fs::read(&path)?);
        definitions.insert(
            id.to_owned(),
            document.with_context(|| path.display().to_string())?,
        );
    }
    Ok(definitions)
}
