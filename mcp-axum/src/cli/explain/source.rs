//! Where the definition comes from and who explains it: this process or a running gateway.

use super::Explained;
use crate::{
    cli::{Failure, near, store},
    client::Gateway,
    runtime::control_plane,
    settings::{Layers, Settings},
};
use http::Method;
use mcp_common::{
    authenticator::Principal,
    catalog::Catalog,
    document::Document,
    key::{Key, Kind},
};
use mcp_core::{authoring::explain::explain, engine::Engine, tool::ToolCompiler};
use mcp_plugin::datasource::file;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, value::RawValue};
use std::path::{Path, PathBuf};

/// One tool and who explains it.
pub(super) struct Source {
    key: Key,
    /// Out of a file; absent for what is stored.
    definition: Option<Box<RawValue>>,
    place: Place,
}

enum Place {
    /// This process, with what the configured store holds.
    Here(Box<Catalog<ToolCompiler>>, Box<Engine>),
    /// A gateway.
    There(Box<Gateway>),
}

impl Source {
    pub(super) async fn open(
        tool: &str,
        config: Option<PathBuf>,
        gateway: Option<Gateway>,
        needs_store: bool,
    ) -> Result<Self, Failure> {
        let (key, definition) = match file_of(tool) {
            Some((path, id)) => {
                let (key, definition) = definition(path, id)?;
                (key, Some(definition))
            }
            None => (Key::tool(tool), None),
        };
        let place = match gateway {
            Some(gateway) => Place::There(Box::new(gateway)),
            None => {
                let settings = Settings::load(&Layers::of_process(config))?;
                let catalog = Catalog::new(control_plane::compiler(&settings));
                // A file needs no store, and none is made for it.
                if definition.is_none() || needs_store {
                    catalog.replace(store::look(&settings).await?);
                }
                let engine = control_plane::command_engine(&settings);
                control_plane::know_upstreams(&catalog, &engine);
                Place::Here(Box::new(catalog), Box::new(engine))
            }
        };
        Ok(Self {
            key,
            definition,
            place,
        })
    }

    /// To be sent along.
    pub(super) fn definition(&self) -> Option<&RawValue> {
        self.definition.as_deref()
    }

    /// By which arguments of the command line are read. Where the tool is broken, its refusal comes later.
    pub(super) async fn input_schema(&self) -> Result<Value, Failure> {
        let schema = match (&self.definition, &self.place) {
            (Some(definition), _) => of_document(&Document::parse(definition.get().as_bytes()).ok()),
            (None, Place::Here(catalog, _)) => {
                let snapshot = catalog.snapshot();
                let entry = snapshot.tools.get(&self.key.id);
                if entry.is_none() && snapshot.quarantined(&self.key).is_none() {
                    let known = snapshot.tools.keys().map(|id| &**id);
                    let hint = match extension(Path::new(&*self.key.id)) {
                        Some(_) => ", and no file of this name".to_owned(),
                        None => near::hint(&self.key.id, known),
                    };
                    return Err(Failure::runtime(format_args!("there is no {}{hint}", self.key)));
                }
                of_document(&entry.map(|entry| entry.document.clone()))
            }
            (None, Place::There(gateway)) => {
                let path = self.path("");
                let answer = gateway.get(&path).await?;
                let document: Value = gateway.data(&answer)?;
                document.get("input_schema").cloned()
            }
        };
        Ok(schema.unwrap_or_default())
    }

    pub(super) async fn explain(&self, asked: String) -> Result<Explained, Failure> {
        match &self.place {
            Place::Here(catalog, engine) => {
                let caller = Principal {
                    admin: true,
                    ..Principal::named("cli")
                };
                let explained = explain(catalog, engine, &self.key, asked.as_bytes(), &caller);
                let explained = explained.await.map_err(Failure::runtime)?;
                Ok(Explained {
                    explanation: explained.explanation,
                    warnings: explained.warnings,
                })
            }
            Place::There(gateway) => {
                let path = self.path("/explain");
                let answer = gateway.send_json(Method::POST, &path, asked).await?;
                Ok(Explained {
                    explanation: gateway.data(&answer)?,
                    warnings: answer.warnings(),
                })
            }
        }
    }

    fn path(&self, rest: &str) -> String {
        let id = utf8_percent_encode(&self.key.id, NON_ALPHANUMERIC);
        format!("/admin/tds/{id}{rest}")
    }
}

fn of_document(document: &Option<Document>) -> Option<Value> {
    let schema = document.as_ref()?.get("input_schema")?;
    serde_json::from_str(schema.get()).ok()
}

/// The file that is meant, and which definition in it; ids may look like anything, so it has to be there.
fn file_of(tool: &str) -> Option<(&Path, Option<&str>)> {
    let whole = Path::new(tool);
    let is_file =
        |path: &Path| extension(path).is_some() && (path.is_file() || path.components().count() > 1);
    if is_file(whole) {
        return Some((whole, None));
    }
    let (path, id) = tool.rsplit_once('#')?;
    is_file(Path::new(path)).then_some((Path::new(path), Some(id)))
}

/// That of a file with definitions.
fn extension(path: &Path) -> Option<String> {
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    ["yaml", "yml", "json", "toml"]
        .contains(&extension.as_str())
        .then_some(extension)
}

fn definition(path: &Path, id: Option<&str>) -> Result<(Key, Box<RawValue>), Failure> {
    let wrong = |reason: String| Failure::runtime(format_args!("{}: {reason}", path.display()));
    let content = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let tools = file::read_text(path, &content).map_err(wrong)?;
    let mut tools: Vec<_> = tools
        .into_iter()
        .filter(|(key, _)| key.kind == Kind::TOOL)
        .collect();
    let ids: Vec<String> = tools.iter().map(|(key, _)| key.id.to_string()).collect();
    let index = match id {
        Some(id) => ids.iter().position(|known| known == id).ok_or_else(|| {
            let hint = near::hint(id, ids.iter().map(String::as_str));
            wrong(format!("has no tool `{id}`{hint}"))
        })?,
        None if ids.len() == 1 => 0,
        None if ids.is_empty() => return Err(wrong("has no tool in it".to_owned())),
        None => {
            let ids = ids.join(", ");
            let reason = format!("has several tools: {ids}; say which one: {}#ID", path.display());
            return Err(wrong(reason));
        }
    };
    let (key, body) = tools.swap_remove(index);
    let definition = serde_json::from_slice(&body).map_err(|error| wrong(error.to_string()))?;
    Ok((key, definition))
}
