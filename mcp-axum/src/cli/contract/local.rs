//! Definitions of a folder or of the configured data source: compiled and run in this process.

use super::{Results, TestArguments};
use crate::{
    cli::{Failure, plan::folder, store},
    runtime::control_plane,
    settings::{Layers, Settings},
};
use mcp_common::{
    authenticator::Principal,
    catalog::{Cause, Place, Snapshot},
    datasource::{Load, Record},
    definition::{ToolDefinition, UpstreamDefinition},
    key::{Key, Kind},
};
use mcp_core::{
    authoring::examples::{RemoteRunner, Runner},
    tool::{InstanceNames, StoredTool},
};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

/// Files and lines of definitions.
type Places = HashMap<Key, String>;

pub(super) async fn run(config: Option<PathBuf>, arguments: &TestArguments) -> Result<Results, Failure> {
    let settings = Settings::load(&Layers::of_process(config))?;
    let mut results = Results::default();
    let (load, places) = match &arguments.folder {
        Some(path) => of_folder(path, &mut results)?,
        None => (store::look(&settings).await?, Places::new()),
    };
    let catalog = match &arguments.folder {
        // Secrets need not be in it.
        Some(_) => control_plane::catalog_without_store(&settings, load),
        None => control_plane::catalog_of(&settings, load),
    };
    let engine = control_plane::command_engine(&settings);
    let snapshot = catalog.snapshot();
    for bad in snapshot
        .quarantine
        .values()
        .filter(|bad| bad.cause == Cause::Document)
    {
        let Place::Definition(key) = &bad.place else {
            continue;
        };
        let is_meant = key.kind == Kind::TOOL && arguments.wants(&key.id)
            || key.kind == Kind::UPSTREAM && arguments.wants_of_upstream(&key.id);
        if is_meant {
            results.broken(places.get(key).map(String::as_str), &key.id, bad.reason.clone());
        }
    }
    for (id, entry) in snapshot.tools.iter().filter(|(id, _)| arguments.wants(id)) {
        let place = places.get(&Key::tool(id.clone())).map(String::as_str);
        let definition = ToolDefinition::read(id, &entry.document)
            .map_err(Failure::runtime)?
            .definition;
        if definition.examples.iter().flatten().next().is_none() {
            continue;
        }
        let tool = entry
            .compiled
            .compiled(catalog.compiler(), entry)
            .map_err(Failure::runtime)?;
        let runner = Runner {
            engine: &engine,
            instance: &instance(&snapshot, id),
            principal: &Principal::anonymous(),
            mode: arguments.mode(),
        };
        for run in runner.run(&tool, &definition).await {
            results.add(place, run);
        }
    }
    let hub = control_plane::command_hub(&settings);
    let runner = RemoteRunner {
        engine: &engine,
        compiler: catalog.compiler(),
        hub: &hub,
        principal: &Principal::anonymous(),
        mode: arguments.mode(),
    };
    let upstreams = snapshot.documents(Kind::UPSTREAM).into_iter();
    for (id, entry) in upstreams.flat_map(|all| all.iter()) {
        let key = Key {
            kind: Kind::UPSTREAM,
            id: id.clone(),
        };
        let definition = UpstreamDefinition::read(id, &entry.document)
            .map_err(Failure::runtime)?
            .definition;
        for run in runner.run(&definition, |tool| arguments.wants(tool)).await {
            results.add(places.get(&key).map(String::as_str), run);
        }
    }
    Ok(results)
}

/// The first one that has the tool, for its `vars`.
fn instance(snapshot: &Snapshot<StoredTool>, tool: &str) -> InstanceNames {
    let having = snapshot.instances_of(tool);
    let first = having.iter().find_map(|id| snapshot.instances.get(id));
    first.map_or_else(
        || InstanceNames::id_only(""),
        |entry| InstanceNames::of(&entry.definition),
    )
}

/// As if it had been loaded from a store. What cannot be read is a failure.
fn of_folder(path: &Path, results: &mut Results) -> Result<(Load, Places), Failure> {
    let (definitions, faults) = folder::read(path)?;
    for fault in faults {
        results.broken(None, &fault.place.unwrap_or_default(), fault.reason);
    }
    let mut places = Places::new();
    let mut records = Vec::new();
    for definition in definitions {
        let Some(kind) = Kind::parse(&definition.kind) else {
            continue;
        };
        let key = Key {
            kind,
            id: definition.id.as_str().into(),
        };
        let place = definition.place.unwrap_or_default();
        if let Some(first) = places.get(&key) {
            results.broken(
                Some(&place),
                &key.id,
                format!("stands in {first} already; remove one of the two"),
            );
            continue;
        }
        places.insert(key.clone(), place);
        records.push(Record {
            key,
            revision: 1,
            updated_at: None,
            body: definition.document.get().to_owned().into(),
        });
    }
    let load = Load {
        revision: 1,
        records,
        unreadable: Vec::new(),
    };
    Ok((load, places))
}
