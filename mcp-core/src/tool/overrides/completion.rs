//! The values that an instance gives, sorted by where they are added to a call's arguments.

use super::{Said, values};
use crate::tool::Signature;
use serde_json::{Map, Value};

/// JSON texts by name.
#[derive(Debug, Default)]
pub(crate) struct Completion {
    /// The values at the root of the arguments.
    pub(crate) root: Vec<(String, String)>,
    /// The values in their groups.
    pub(crate) groups: Vec<(String, Group)>,
}

/// Values of one group.
#[derive(Debug, Default)]
pub(crate) struct Group {
    pub(crate) values: Vec<(String, String)>,
    /// Whether the group is made where a call has none; it is not if the tool requires more in it than these values.
    pub(crate) is_made: bool,
}

impl Completion {
    /// Whether a call need not have this argument, because the instance gives it.
    pub(crate) fn gives(&self, group: Option<&str>, name: &str) -> bool {
        let has = |values: &[(String, String)]| values.iter().any(|(given, _)| given == name);
        match group {
            None => {
                has(&self.root)
                    || self
                        .groups
                        .iter()
                        .any(|(given, group)| given == name && group.is_made)
            }
            Some(group) => self
                .groups
                .iter()
                .any(|(name, values)| name == group && has(&values.values)),
        }
    }

    pub(super) fn new(signature: &Signature, said: &[Said<'_>]) -> Self {
        let mut completion = Self::default();
        for one in said {
            let Some(json) = one.default else { continue };
            match &one.path[..] {
                [name] => completion.root.push((name.clone(), json.to_owned())),
                [group, name] => {
                    let groups = &mut completion.groups;
                    let place = groups.iter().position(|(known, _)| known == group);
                    let place = place.unwrap_or_else(|| {
                        groups.push((group.clone(), Group::default()));
                        groups.len() - 1
                    });
                    groups[place].1.values.push((name.clone(), json.to_owned()));
                }
                _ => {}
            }
        }
        for (name, group) in &mut completion.groups {
            let read = |json: &String| serde_json::from_str::<Value>(json).unwrap_or_default();
            let members: Map<_, _> = group
                .values
                .iter()
                .map(|(name, json)| (name.clone(), read(json)))
                .collect();
            let arguments = Value::Object(Map::from_iter([(name.clone(), Value::Object(members))]));
            group.is_made = values::violation(signature, std::slice::from_ref(name), &arguments).is_none();
        }
        completion
    }
}
