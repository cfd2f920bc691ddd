//! Which instances a tool can touch, and which tools a tag names; kept beside the definitions so that a change need
//! not look through the catalog.

use crate::definition::InstanceDefinition;
use imbl::OrdSet;
use std::{collections::BTreeSet, sync::Arc};

/// A relation that can be asked from the left: all `b` of an `a`. One flat persistent set, so that a tool that ten
/// thousand instances name costs no more to change than any other.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Pairs(OrdSet<(Arc<str>, Arc<str>)>);

impl Pairs {
    pub(super) fn insert(&mut self, left: Arc<str>, right: Arc<str>) {
        self.0.insert((left, right));
    }

    pub(super) fn remove(&mut self, left: Arc<str>, right: Arc<str>) {
        self.0.remove(&(left, right));
    }

    /// What `left` is related to, in order.
    pub(super) fn of<'a>(&'a self, left: &'a str) -> impl Iterator<Item = &'a Arc<str>> {
        let start: (Arc<str>, Arc<str>) = (left.into(), "".into());
        self.0
            .range(start..)
            .take_while(move |pair| &*pair.0 == left)
            .map(|pair| &pair.1)
    }
}

/// The relations that selecting and re-selecting need, and looking after secrets.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Index {
    /// Tool id → instances that name it in `tool_ids`, whether the tool is there or not.
    pub(super) naming: Pairs,
    /// Tag → instances that include it.
    pub(super) including: Pairs,
    /// Tag → tools that carry it.
    pub(super) tagged: Pairs,
    /// Secret → tools that name it.
    pub(super) naming_secrets: Pairs,
}

/// What of an instance's document stands in the index.
#[derive(Default)]
pub(super) struct References {
    tools: BTreeSet<Arc<str>>,
    tags: BTreeSet<Arc<str>>,
}

impl References {
    pub(super) fn add(&mut self, definition: &InstanceDefinition) {
        self.tools
            .extend(definition.tool_ids.iter().map(|tool| tool.id.clone()));
        self.tags.extend(
            definition
                .include
                .iter()
                .flat_map(|include| include.tags.iter().cloned()),
        );
    }
}

impl Index {
    /// Replaces what the instance refers to; costs the difference.
    pub(super) fn refer(&mut self, instance: &Arc<str>, old: &References, new: &References) {
        for tool in old.tools.difference(&new.tools) {
            self.naming.remove(tool.clone(), instance.clone());
        }
        for tool in new.tools.difference(&old.tools) {
            self.naming.insert(tool.clone(), instance.clone());
        }
        for tag in old.tags.difference(&new.tags) {
            self.including.remove(tag.clone(), instance.clone());
        }
        for tag in new.tags.difference(&old.tags) {
            self.including.insert(tag.clone(), instance.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_of_one_left_side_only() {
        let mut pairs = Pairs::default();
        for (left, right) in [("a", "2"), ("a", "1"), ("aa", "3"), ("b", "4")] {
            pairs.insert(left.into(), right.into());
        }
        pairs.remove("a".into(), "2".into());
        assert_eq!(pairs.of("a").map(|right| &**right).collect::<Vec<_>>(), ["1"]);
        assert_eq!(pairs.of("aa").map(|right| &**right).collect::<Vec<_>>(), ["3"]);
        assert_eq!(pairs.of("c").count(), 0);
    }
}
