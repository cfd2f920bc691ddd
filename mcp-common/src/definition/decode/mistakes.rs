//! All that is wrong with a document: a reader stops at the first mistake, so each one is taken out and it is read again.

use super::{Misread, Mistake, near::Known, read};
use crate::problem::Problem;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use serde_path_to_error::Segment;

/// More are of no help at once.
pub(super) const MOST: usize = 20;
/// The first that stands in for what is missing: a text that is also a reference to a secret, for inside of `auth` nobody says which member is no reference.
const STAND_IN: &str = "${env:X}";
/// Readings, those of values that were made up included.
const MOST_READ: usize = 4 * MOST;

/// `first` and the others.
pub(super) fn all<T: DeserializeOwned + JsonSchema>(text: &str, first: Mistake) -> Misread<T> {
    let Ok(document) = serde_json::from_str::<Value>(text) else {
        return Misread::new(vec![first.problem()], None, Vec::new());
    };
    let mut search = Search {
        document,
        problems: Vec::new(),
        taken_out: Vec::new(),
        made_up: Vec::new(),
    };
    let mut next = Err(first);
    let mut unknown = Vec::new();
    for _ in 0..MOST_READ {
        let Err(mistake) = &next else { break };
        if search.problems.len() >= MOST || search.mend(mistake).is_none() {
            break;
        }
        unknown.clear();
        next = read::<T>(&search.document.to_string(), &mut |path| unknown.push(path));
    }
    let not_there = [search.taken_out, search.made_up].concat();
    Misread::new(search.problems, next.ok(), not_there).misspelt(misspelt::<T>(&unknown))
}

/// The unknown members of which somebody may have meant another one: what is said to be missing may be among those.
fn misspelt<T: JsonSchema>(unknown: &[String]) -> Vec<Problem> {
    if unknown.is_empty() {
        return Vec::new();
    }
    let known = Known::of::<T>();
    let problem = |path: &String| {
        let near = known.near(path)?;
        Some(Problem::at(
            path.as_str(),
            format!("unknown member; did you mean `{near}`?"),
        ))
    };
    unknown.iter().filter_map(problem).take(MOST).collect()
}

struct Search {
    document: Value,
    problems: Vec<Problem>,
    taken_out: Vec<String>,
    /// Values that stand in for missing ones, so that reading goes on; what is wrong with them is nobody's mistake.
    made_up: Vec<String>,
}

impl Search {
    /// Makes the document one without this mistake; `None` where that cannot be done.
    fn mend(&mut self, mistake: &Mistake) -> Option<()> {
        let field = mistake.field();
        let is_made_up = self.made_up.iter().any(|made_up| {
            field
                .strip_prefix(made_up.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        });
        if let Some(name) = mistake.missing() {
            let inner = match field.as_str() {
                "" => name.to_owned(),
                field => format!("{field}.{name}"),
            };
            if !is_made_up && !self.taken_out.contains(&inner) {
                self.problems.push(mistake.problem());
            }
            let Value::Object(members) = self.at(&mistake.segments())? else {
                return None;
            };
            members.insert(name.to_owned(), json!(STAND_IN));
            self.made_up.push(inner);
            return Some(());
        }
        let segments = mistake.segments();
        if is_made_up {
            return self.stand_in(&segments, mistake.expected());
        }
        self.problems.push(mistake.problem());
        // Items of a list stay, so that places in it stay what they are.
        if let Some(Segment::Seq { .. }) = segments.last() {
            *self.at(&segments)? = json!(STAND_IN);
            self.made_up.push(field);
            return Some(());
        }
        self.take_out(&segments)?;
        self.taken_out.push(field);
        Some(())
    }

    /// Puts something else in the place of what was made up there.
    fn stand_in(&mut self, segments: &[&Segment], expected: Option<&str>) -> Option<()> {
        let next = {
            let value = self.at(segments)?;
            let next = match (expected, &*value) {
                (Some(word), _) => Some(Value::from(word)),
                (None, Value::String(_)) => Some(json!({})),
                (None, Value::Object(_)) => Some(json!([])),
                (None, Value::Array(_)) => Some(json!(0)),
                (None, Value::Number(_)) => Some(json!(false)),
                (None, _) => None,
            };
            let next = next.filter(|next| *next != *value);
            if let Some(next) = next.clone() {
                *value = next;
            }
            next
        };
        if next.is_some() {
            return Some(());
        }
        // Nothing fits there that could be guessed: what is around it is left out, with what else may be wrong in it.
        let mut around = segments;
        loop {
            let (last, outer) = around.split_last()?;
            let place = written(around);
            if matches!(last, Segment::Map { .. }) && !self.taken_out.contains(&place) {
                self.take_out(around)?;
                self.taken_out.push(place);
                return Some(());
            }
            around = outer;
        }
    }

    fn take_out(&mut self, segments: &[&Segment]) -> Option<()> {
        let (last, before) = segments.split_last()?;
        let (Value::Object(members), Segment::Map { key }) = (self.at(before)?, last) else {
            return None;
        };
        members.shift_remove(key).map(drop)
    }

    fn at(&mut self, segments: &[&Segment]) -> Option<&mut Value> {
        segments
            .iter()
            .try_fold(&mut self.document, |value, segment| match segment {
                Segment::Seq { index } => value.get_mut(*index),
                Segment::Map { key } => value.get_mut(key.as_str()),
                Segment::Enum { .. } | Segment::Unknown => None,
            })
    }
}

/// As in [`Problem::field`].
fn written(segments: &[&Segment]) -> String {
    let parts = segments.iter().map(|segment| match segment {
        Segment::Seq { index } => format!("[{index}]"),
        Segment::Map { key } => format!(".{key}"),
        Segment::Enum { .. } | Segment::Unknown => String::new(),
    });
    parts.collect::<String>().trim_start_matches('.').to_owned()
}

impl Mistake {
    fn segments(&self) -> Vec<&Segment> {
        self.path.iter().collect()
    }

    /// The member that has to be there.
    fn missing(&self) -> Option<&str> {
        self.reason.strip_prefix("missing field `")?.split('`').next()
    }

    /// The first of the words that would be right.
    fn expected(&self) -> Option<&str> {
        self.reason.strip_prefix("unknown variant `")?.split('`').nth(2)
    }
}
