//! All that is wrong with a document: a reader stops at the first mistake, so each one is taken out and it is read again.

use super::{Misread, Mistake, near::Known, read};
use crate::problem::Problem;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use serde_path_to_error::Segment;

/// More are of no help at once.
const MOST: usize = 20;
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
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
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
            members.insert(name.to_owned(), "x".into());
            self.made_up.push(inner);
            return Some(());
        }
        if is_made_up {
            let stand_in = mistake.expected().map_or_else(|| json!({}), Value::from);
            let value = self.at(&mistake.segments())?;
            let is_new = *value != stand_in;
            *value = stand_in;
            return is_new.then_some(());
        }
        self.problems.push(mistake.problem());
        let segments = mistake.segments();
        let (last, before) = segments.split_last()?;
        // Items of a list stay, so that places in it stay what they are.
        let (Value::Object(members), Segment::Map { key }) = (self.at(before)?, last) else {
            return None;
        };
        members.shift_remove(key)?;
        self.taken_out.push(field);
        Some(())
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
