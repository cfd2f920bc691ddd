//! What somebody may have meant by a name that nobody knows.

use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value};

/// Less alike is another word.
const LIKENESS: f64 = 0.7;

/// What others call a member, and what it is called here, where the two are not alike.
const ELSEWHERE: [(&str, &str); 2] = [("kind", "protocol"), ("connections", "endpoint_concurrency")];

/// The members that a type knows, as its JSON Schema has them.
pub(super) struct Known(Value);

impl Known {
    pub(super) fn of<T: JsonSchema>() -> Self {
        Self(SchemaGenerator::default().into_root_schema_for::<T>().to_value())
    }

    /// Whether the document itself may have a member of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        let members = self.0.get("properties");
        members.is_some_and(|members| members.get(name).is_some())
    }

    /// The known member that is most like the last of the path.
    pub(super) fn near(&self, path: &str) -> Option<String> {
        let (around, name) = path.rsplit_once('.').unwrap_or(("", path));
        let steps = around.split('.').filter(|step| !step.is_empty());
        let schema = steps.into_iter().try_fold(&self.0, |schema, step| {
            schema
                .get("properties")?
                .get(step)
                .map(|schema| self.resolve(schema))
        })?;
        let members = schema.get("properties")?.as_object()?;
        let near = nearest(name, members.keys().map(String::as_str));
        near.or_else(|| self.one_deeper(name, members).filter(|_| around.is_empty()))
    }

    /// The member of one of these members that is called that, but for its spelling: it stands too far outside.
    fn one_deeper(&self, name: &str, members: &Map<String, Value>) -> Option<String> {
        members.iter().find_map(|(outer, schema)| {
            let inner = self.resolve(schema).get("properties")?.as_object()?.keys();
            let mut same = inner.filter(|inner| letters(inner) == letters(name));
            Some(format!("{outer}.{}", same.next()?))
        })
    }

    /// What a member of that type is, also where it may be left out.
    fn resolve<'s>(&'s self, schema: &'s Value) -> &'s Value {
        let alternatives = schema.get("anyOf").and_then(Value::as_array);
        let schema = alternatives
            .and_then(|alternatives| alternatives.first())
            .unwrap_or(schema);
        let pointer = schema.get("$ref").and_then(Value::as_str);
        let target = pointer.and_then(|pointer| self.0.pointer(pointer.strip_prefix('#')?));
        target.unwrap_or(schema)
    }
}

/// The one that was meant, of a reader's "unknown field `a`, expected one of `b`, `c`".
pub(super) fn in_reason(reason: &str) -> Option<String> {
    let rest = ["unknown field `", "unknown variant `"]
        .iter()
        .find_map(|start| reason.strip_prefix(start))?;
    let (name, expected) = rest.split_once('`')?;
    let known = || expected.split('`').skip(1).step_by(2);
    let is_meant =
        |(elsewhere, here): &&(&str, &str)| *elsewhere == name && known().any(|known| known == *here);
    match ELSEWHERE.iter().find(is_meant) {
        Some((_, here)) => Some((*here).to_owned()),
        None => nearest(name, known()),
    }
}

/// Whether somebody who wrote the name may have meant the other one.
pub(in crate::definition) fn is_like(name: &str, known: &str) -> bool {
    nearest(name, std::iter::once(known)).is_some()
}

/// Whether it is the other name but for one letter, or for what spellings differ in.
pub(super) fn is_almost(name: &str, known: &str) -> bool {
    strsim::damerau_levenshtein(&letters(name), &letters(known)) <= 1
}

fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<String> {
    let name = letters(name);
    let likeness = |other: &str| strsim::normalized_damerau_levenshtein(&name, &letters(other));
    let best = known
        .map(|other| (likeness(other), other))
        .max_by(|(one, _), (other, _)| one.total_cmp(other));
    best.filter(|(likeness, _)| *likeness >= LIKENESS)
        .map(|(_, other)| other.to_owned())
}

/// Without what spellings differ in.
fn letters(name: &str) -> String {
    name.chars()
        .filter(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_ascii_lowercase()
}
