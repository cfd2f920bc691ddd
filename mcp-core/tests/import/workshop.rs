//! A store in memory that imports are planned against and written to.

use mcp_common::{
    datasource::{Load, Record},
    document::Document,
    key::{Key, Kind},
};
use mcp_core::authoring::{
    change_plan::{Plan, Step, Stored},
    import::{Format, ImportError, ImportOptions, Report, import},
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[derive(Default)]
pub(crate) struct Workshop {
    definitions: BTreeMap<Key, String>,
    revision: u64,
}

/// Options for the instance `pets`.
pub(crate) fn options() -> ImportOptions {
    ImportOptions {
        instance: "pets".to_owned(),
        source: Some("pets.yaml".to_owned()),
        ..ImportOptions::default()
    }
}

impl Workshop {
    pub(crate) fn plan(
        &self,
        format: Format,
        text: &str,
        options: &ImportOptions,
    ) -> Result<(Plan, Report), ImportError> {
        let record = |(key, body): (&Key, &String)| Record {
            key: key.clone(),
            revision: self.revision,
            updated_at: None,
            body: body.clone().into(),
        };
        let records = self.definitions.iter().map(record).collect();
        let load = Load {
            revision: self.revision,
            records,
            ..Load::default()
        };
        import(format, text, options, &Stored::from(load))
    }

    /// Plans and writes.
    pub(crate) fn import_as(&mut self, format: Format, text: &str, options: &ImportOptions) -> Report {
        let (plan, report) = self.plan(format, text, options).unwrap();
        for step in plan.steps {
            match step {
                Step::Create { key, document } | Step::Update { key, document, .. } => {
                    self.definitions.insert(key, document.to_json());
                }
                Step::Delete { key, .. } => drop(self.definitions.remove(&key)),
            }
        }
        self.revision += 1;
        report
    }

    pub(crate) fn import(&mut self, text: &str, options: &ImportOptions) -> Report {
        self.import_as(Format::OpenApi, text, options)
    }

    pub(crate) fn put(&mut self, key: Key, document: &Value) {
        self.definitions.insert(key, document.to_string());
    }

    pub(crate) fn get(&self, key: &Key) -> Value {
        serde_json::from_str(&self.definitions[key]).unwrap()
    }

    pub(crate) fn tool(&self, id: &str) -> Value {
        self.get(&Key::tool(id))
    }

    /// Changes a stored tool as a person would.
    pub(crate) fn edit(&mut self, id: &str, edit: impl FnOnce(&mut Value)) {
        let mut document = self.tool(id);
        edit(&mut document);
        self.put(Key::tool(id), &document);
    }

    /// Everything that is stored, without digests that say nothing to a reader.
    pub(crate) fn shown(&self) -> Value {
        let all = self.definitions.iter().map(|(key, text)| {
            let document = Document::parse(text.as_bytes()).unwrap();
            let mut value: Value = serde_json::from_str(document.as_json()).unwrap();
            if key.kind == Kind::TOOL {
                value["source"]["parts"] = json!("…");
                value["source"]["hash"] = json!("…");
            }
            (key.to_string(), value)
        });
        Value::Object(all.collect())
    }
}
