//! What calls know of the instance that they came through: what templates can name, and how arguments are read.

use super::template::exact_value;
use crate::json::members::Members;
use mcp_common::definition::InstanceDefinition;
use minijinja::value::{Object, ObjectRepr, Value};
use serde_json::value::RawValue;
use std::{collections::BTreeMap, fmt, sync::Arc};

/// The names of an instance for its templates, made once for each of its versions.
#[derive(Clone, Debug)]
pub struct InstanceNames {
    id: Arc<str>,
    name: String,
    vars: BTreeMap<String, Box<RawValue>>,
    value: Value,
    null_as_absent: bool,
}

impl InstanceNames {
    /// The names of an instance.
    pub fn of(definition: &InstanceDefinition) -> Self {
        let names = Self::new(
            definition.id.clone(),
            definition.name.clone(),
            definition.vars.clone(),
        );
        Self {
            null_as_absent: definition.null_as_absent,
            ..names
        }
    }

    /// The names of an instance that has nothing but an id.
    pub fn id_only(id: &str) -> Self {
        Self::new(id.into(), id.to_owned(), BTreeMap::new())
    }

    fn new(id: Arc<str>, name: String, vars: BTreeMap<String, Box<RawValue>>) -> Self {
        let value = Named {
            id: id.clone(),
            name: Value::from(name.as_str()),
            vars: values(&vars),
        };
        let value = Value::from_object(value);
        Self {
            id,
            name,
            vars,
            value,
            null_as_absent: false,
        }
    }

    /// The names that templates see, for another process.
    pub(crate) fn to_json(&self) -> String {
        serde_json::json!({"id": &*self.id, "name": self.name, "vars": self.vars}).to_string()
    }

    /// The names of [such](Self::to_json) a text.
    pub(crate) fn of_json(text: &str) -> Result<Self, serde_json::Error> {
        #[derive(serde::Deserialize)]
        struct Written {
            id: String,
            name: String,
            vars: BTreeMap<String, Box<RawValue>>,
        }
        let Written { id, name, vars } = serde_json::from_str(text)?;
        Ok(Self::new(id.into(), name, vars))
    }

    /// Whether null for an optional argument counts as not given.
    pub(crate) fn null_as_absent(&self) -> bool {
        self.null_as_absent
    }

    /// The instance's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The instance's name, for people.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The value as templates see it.
    pub(crate) fn value(&self) -> Value {
        self.value.clone()
    }

    /// `instance.vars` stepped through by member names, as JSON text.
    pub(crate) fn var(&self, path: &[String]) -> Option<&str> {
        var(&self.vars, path)
    }
}

/// One of the values, stepped through by member names.
pub(crate) fn var<'a>(vars: &'a BTreeMap<String, Box<RawValue>>, path: &[String]) -> Option<&'a str> {
    let mut steps = path.iter();
    let mut value: &RawValue = vars.get(steps.next()?)?;
    for name in steps {
        let members = value
            .get()
            .starts_with('{')
            .then(|| Members::read(value.get()).ok());
        value = members??.get(name)?;
    }
    Some(value.get())
}

fn values(vars: &BTreeMap<String, Box<RawValue>>) -> Value {
    let values: BTreeMap<String, Value> = vars
        .iter()
        .map(|(name, raw)| (name.clone(), exact_value::read(raw.get()).unwrap_or_default()))
        .collect();
    Value::from(values)
}

/// Written as text it is the id.
#[derive(Debug)]
struct Named {
    id: Arc<str>,
    name: Value,
    vars: Value,
}

impl Object for Named {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match key.as_str()? {
            "id" => Some(Value::from(&*self.id)),
            "name" => Some(self.name.clone()),
            "vars" => Some(self.vars.clone()),
            _ => None,
        }
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)
    }
}
