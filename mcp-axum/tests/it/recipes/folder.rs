//! The folder of recipes, and what stands beside each.

use mcp_common::key::{Key, Kind};
use mcp_plugin::datasource::file::read_text;
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// One file.
pub struct Recipe {
    /// Without its ending.
    pub name: String,
    pub text: String,
    tools: Vec<String>,
    documents: Vec<(Key, Value)>,
}

/// Where the recipes are.
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples/definitions")
}

/// The names of all files there.
pub fn files() -> Vec<String> {
    let entries = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap());
    let mut names: Vec<String> = entries
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// All of them, by name.
pub fn recipes() -> Vec<Recipe> {
    let recipes: Vec<Recipe> = files()
        .iter()
        .filter_map(|file| file.strip_suffix(".yaml").map(read))
        .collect();
    assert!(recipes.len() > 30, "{}", recipes.len());
    recipes
}

fn read(name: &str) -> Recipe {
    let file = folder().join(format!("{name}.yaml"));
    let text = fs::read_to_string(&file).unwrap();
    let documents =
        read_text(Path::new(&file), text.as_bytes()).unwrap_or_else(|reason| panic!("{name}: {reason}"));
    let documents: Vec<(Key, Value)> = documents
        .into_iter()
        .map(|(key, body)| (key, serde_json::from_slice(&body).unwrap()))
        .collect();
    let of_tools = documents.iter().filter(|(key, _)| key.kind == Kind::TOOL);
    let tools: Vec<String> = of_tools.map(|(key, _)| key.id.to_string()).collect();
    assert!(!tools.is_empty(), "{name} has no tool");
    Recipe {
        name: name.to_owned(),
        text,
        tools,
        documents,
    }
}

impl Recipe {
    /// Ids, in the order of the file.
    pub fn tools(&self) -> &[String] {
        &self.tools
    }

    /// Those of one kind, by id.
    pub fn documents(&self, kind: Kind) -> impl Iterator<Item = (&str, &Value)> {
        let of_kind = self.documents.iter().filter(move |(key, _)| key.kind == kind);
        of_kind.map(|(key, document)| (&*key.id, document))
    }

    /// Ids of the instances in the file.
    pub fn instances(&self) -> impl Iterator<Item = &str> {
        self.documents(Kind::INSTANCE).map(|(id, _)| id)
    }

    /// What an instance of the file calls the tool, if it says something.
    pub fn name_in(&self, instance: &str, tool: &str) -> Option<String> {
        let (_, document) = self.documents(Kind::INSTANCE).find(|(id, _)| *id == instance)?;
        let entry = document["tool_ids"]
            .as_array()?
            .iter()
            .find(|entry| entry["id"] == tool)?;
        entry["name"].as_str().map(str::to_owned)
    }

    /// Whether `NAME.http` says the same; writes it where that is asked for.
    pub fn compare(&self, actual: &str) -> Result<(), String> {
        let file = folder().join(format!("{}.http", self.name));
        if std::env::var_os("UPDATE_RECIPES").is_some() {
            fs::write(&file, actual).unwrap();
        }
        let expected = fs::read_to_string(&file).unwrap_or_default();
        if expected == actual {
            return Ok(());
        }
        let (mut expected, mut actual) = (expected.lines(), actual.lines());
        loop {
            match (expected.next(), actual.next()) {
                (Some(expected), Some(actual)) if expected == actual => {}
                (expected, actual) => {
                    return Err(format!(
                        "{}.http: expected {expected:?}\n  but there was {actual:?}",
                        self.name
                    ));
                }
            }
        }
    }
}
