//! `dynmcp verify`: whether everything that is stored can be used, and does what its examples say.

use super::{
    Failure,
    contract::{self, Results, TestArguments},
    definitions::kind,
    gateway::GatewayArguments,
    near,
    output::{OutputFormat, print, print_json, table},
    place,
    progress::Progress,
    store,
};
use crate::{
    client::Gateway,
    runtime::control_plane,
    settings::{Layers, Settings},
};
use clap::Args;
use mcp_common::key::{Key, Kind};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::PathBuf};

#[derive(Args)]
pub(super) struct VerifyArguments {
    /// Only this kind: tools, instances, upstreams, roles, keys or secrets.
    #[arg(value_parser = kind)]
    kind: Option<Kind>,
    /// Only this one of them.
    #[arg(requires = "kind")]
    id: Option<String>,
    /// Run the examples of tools, too, with the answers that stand in them: nothing is sent. `dynmcp test --live` sends.
    #[arg(long)]
    examples: bool,
    #[command(flatten)]
    gateway: GatewayArguments,
    /// How to print what was found.
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

/// What was looked at, and what was found.
#[derive(Debug, Default, Serialize)]
struct Found {
    /// How many definitions there are of each kind.
    checked: BTreeMap<&'static str, usize>,
    unusable: Vec<Unusable>,
    #[serde(skip_serializing_if = "Option::is_none")]
    examples: Option<Results>,
}

/// Something that is stored and cannot be used; as `GET /admin/quarantine` has it.
#[derive(Debug, Deserialize, Serialize)]
struct Unusable {
    kind: Option<String>,
    id: String,
    revision: u64,
    reason: String,
}

/// Exit code 1 where something cannot be used, or does not do what its examples say.
pub(super) fn run(config: Option<PathBuf>, arguments: &VerifyArguments) -> Result<(), Failure> {
    let found = {
        let _progress = Progress::of("verifying");
        super::run(arguments.look(config))?
    };
    match arguments.format {
        OutputFormat::Json => print_json(&found)?,
        OutputFormat::Text => print(&text(&found))?,
    }
    let failed = found.examples.as_ref().map_or(0, Results::failed);
    match (found.unusable.len(), failed) {
        (0, 0) => Ok(()),
        (0, failed) => Err(Failure::runtime(format_args!("{failed} examples failed"))),
        (unusable, 0) => Err(Failure::runtime(format_args!("{unusable} cannot be used"))),
        (unusable, failed) => Err(Failure::runtime(format_args!(
            "{unusable} cannot be used, {failed} examples failed"
        ))),
    }
}

impl VerifyArguments {
    async fn look(&self, config: Option<PathBuf>) -> Result<Found, Failure> {
        let (keys, unusable) = match self.gateway.gateway()? {
            Some(gateway) => of_gateway(&gateway, self.kind).await?,
            None => of_store(config.clone()).await?,
        };
        if let (Some(kind), Some(id)) = (self.kind, &self.id)
            && !keys.iter().any(|key| key.kind == kind && *key.id == **id)
        {
            let known = keys.iter().filter(|key| key.kind == kind);
            let hint = near::hint(id, known.map(|key| &*key.id));
            return Err(Failure::runtime(format_args!(
                "there is no {}{hint}",
                Key {
                    kind,
                    id: id.as_str().into()
                }
            )));
        }
        let mut found = Found {
            unusable: unusable.into_iter().filter(|bad| self.means(bad)).collect(),
            ..Found::default()
        };
        for kind in Kind::all()
            .into_iter()
            .filter(|kind| self.kind.is_none_or(|meant| meant == *kind))
        {
            let of_kind = keys.iter().filter(|key| key.kind == kind);
            let count = of_kind
                .filter(|key| self.id.as_deref().is_none_or(|id| id == &*key.id))
                .count();
            found.checked.insert(kind.path_segment(), count);
        }
        if self.examples {
            let results = contract::results(config, &TestArguments::of(self.gateway.clone())).await?;
            found.examples = Some(results.keep(|tool| self.has(tool)));
        }
        Ok(found)
    }

    /// Whether the examples of a tool are meant: `upstream/tool` is one of an upstream.
    fn has(&self, tool: &str) -> bool {
        let (kind, id) = match tool.split_once('/') {
            Some((upstream, _)) => (Kind::UPSTREAM, upstream),
            None => (Kind::TOOL, tool),
        };
        self.kind.is_none_or(|meant| meant == kind) && self.id.as_deref().is_none_or(|meant| meant == id)
    }

    fn means(&self, bad: &Unusable) -> bool {
        let is_of_kind = self
            .kind
            .is_none_or(|kind| bad.kind.as_deref() == Some(kind.as_str()));
        is_of_kind && self.id.as_ref().is_none_or(|id| *id == bad.id)
    }
}

/// What a gateway has, and what it says of it; of other kinds nothing is asked that the key may not read.
async fn of_gateway(gateway: &Gateway, only: Option<Kind>) -> Result<(Vec<Key>, Vec<Unusable>), Failure> {
    let answer = gateway.get("/admin/quarantine").await?;
    let unusable = gateway.data(&answer)?;
    let mut keys = Vec::new();
    for kind in Kind::all()
        .into_iter()
        .filter(|kind| only.is_none_or(|only| only == *kind))
    {
        let stored = place::all_of_gateway(gateway, kind).await?;
        keys.extend(stored.into_iter().map(|stored| stored.key));
    }
    Ok((keys, unusable))
}

/// Everything is compiled as a gateway would, here.
async fn of_store(config: Option<PathBuf>) -> Result<(Vec<Key>, Vec<Unusable>), Failure> {
    let settings = Settings::load(&Layers::of_process(config))?;
    let load = store::look(&settings).await?;
    let keys = load.records.iter().map(|record| record.key.clone()).collect();
    let catalog = control_plane::catalog_of(&settings, load);
    let snapshot = catalog.snapshot();
    let unusable = snapshot.quarantine.values().map(|bad| Unusable {
        kind: bad.kind().map(|kind| kind.as_str().to_owned()),
        id: bad.id().to_string(),
        revision: bad.revision,
        reason: bad.reason.clone(),
    });
    let circles = snapshot.usable_circles().map(|circle| Unusable {
        kind: Some(circle.role.kind.as_str().to_owned()),
        id: circle.role.id.to_string(),
        revision: circle.revision,
        reason: circle.reason.clone(),
    });
    let unusable = unusable.chain(circles).collect();
    Ok((keys, unusable))
}

fn text(found: &Found) -> String {
    let counts: Vec<String> = found
        .checked
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(kind, count)| format!("{kind} {count}"))
        .collect();
    let counts = match counts.is_empty() {
        true => "nothing is stored".to_owned(),
        false => counts.join(", "),
    };
    let mut out = match found.unusable.is_empty() {
        true => format!("{counts}: nothing that cannot be used\n"),
        false => format!("{counts}\n"),
    };
    if !found.unusable.is_empty() {
        let rows = found.unusable.iter().map(|bad| {
            let kind = bad.kind.as_deref().unwrap_or("-");
            let revision = bad.revision.to_string();
            [kind, &bad.id, &revision, &bad.reason]
                .map(|text| text.replace(char::is_control, " "))
                .into()
        });
        out.push_str(&table(&["KIND", "ID", "REVISION", "REASON"], rows));
    }
    if let Some(results) = &found.examples {
        out.push_str(&results.failures());
    }
    out
}
