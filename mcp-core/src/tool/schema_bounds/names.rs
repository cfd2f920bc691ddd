//! What the references of a schema may mean. Where a name has several meanings all of them count: this is for a bound.

use percent_encoding::percent_decode_str;
use serde_json::Value;
use std::collections::HashMap;

/// The names in a schema.
pub(super) struct Names<'a> {
    root: &'a Value,
    objects: usize,
    /// Schemas with an `$id`, by its last word.
    resources: Vec<(&'a str, &'a Value)>,
    anchors: HashMap<&'a str, Vec<&'a Value>>,
}

impl<'a> Names<'a> {
    pub(super) fn of(root: &'a Value) -> Self {
        let mut names = Self {
            root,
            objects: 0,
            resources: Vec::new(),
            anchors: HashMap::new(),
        };
        names.collect(root);
        names
    }

    fn collect(&mut self, value: &'a Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.collect(item)),
            Value::Object(members) => {
                self.objects += 1;
                let text = |keyword: &str| members.get(keyword).and_then(Value::as_str);
                if let Some(id) = text("$id") {
                    self.resources.push((last(id), value));
                    // Before 2019-09 an anchor was an `$id` too.
                    if let Some(anchor) = id.strip_prefix('#') {
                        self.anchors.entry(anchor).or_default().push(value);
                    }
                }
                for anchor in [text("$anchor"), text("$dynamicAnchor")].into_iter().flatten() {
                    self.anchors.entry(anchor).or_default().push(value);
                }
                members.values().for_each(|value| self.collect(value));
            }
            _ => {}
        }
    }

    /// How many objects the schema is made of.
    pub(super) fn objects(&self) -> usize {
        self.objects
    }

    /// Steps that finding the targets of one reference takes at most.
    pub(super) fn effort(&self) -> usize {
        self.resources.len()
    }

    /// Nothing for what stands outside of the schema: it is refused by the compiler, or one of its own meta-schemas.
    pub(super) fn targets(&self, reference: &str) -> Vec<&'a Value> {
        let (base, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let fragment = percent_decode_str(fragment).decode_utf8_lossy();
        let is_pointer = fragment.is_empty() || fragment.starts_with('/');
        if !is_pointer {
            return self.anchors.get(&*fragment).cloned().unwrap_or_default();
        }
        let own = base.is_empty().then_some(self.root);
        let named = (self.resources.iter()).filter(|(id, _)| base.is_empty() || *id == last(base));
        let resources = own.into_iter().chain(named.map(|(_, resource)| *resource));
        let mut found: Vec<&Value> = resources
            .filter_map(|resource| resource.pointer(&fragment))
            .collect();
        found.dedup_by_key(|target| std::ptr::from_ref(*target));
        found
    }
}

fn last(id: &str) -> &str {
    let id = id.trim_end_matches('#');
    id.rsplit(['/', ':']).next().unwrap_or(id)
}
