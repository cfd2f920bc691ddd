//! What an instance has of one kind: by its key for calls, and as a list for each era.

use super::{
    Cursor,
    prepared::{Frame, PreparedList},
};
use crate::spec::Era;
use std::{collections::HashMap, sync::Arc};

/// Things that are listed and asked for: both read the same map, so that what is listed can be called.
pub(crate) struct Collection<T> {
    by_key: HashMap<Arc<str>, T>,
    modern: PreparedList,
    legacy: PreparedList,
}

/// One of them, before its collection is rendered.
pub(super) struct Member<T> {
    pub(super) key: Arc<str>,
    pub(super) order: Cursor,
    pub(super) modern: String,
    pub(super) legacy: String,
    pub(super) what: T,
}

/// What all lists of an instance have in common.
pub(super) struct ListStyle {
    pub(super) page_size: usize,
    /// Members that 2026-07-28 wants after a list, each with a comma before it.
    pub(super) modern_after: String,
}

impl<T> Collection<T> {
    /// Renders the lists, whose array is called `name`. The order of the members ascends.
    pub(super) fn build(name: &str, style: &ListStyle, members: Vec<Member<T>>) -> Self {
        let mut by_key = HashMap::with_capacity(members.len());
        let (mut modern, mut legacy) = (Vec::new(), Vec::new());
        for member in members {
            modern.push((member.order.clone(), member.modern));
            legacy.push((member.order, member.legacy));
            by_key.insert(member.key, member.what);
        }
        let modern_frame = Frame {
            member: name,
            before: "\"resultType\":\"complete\",",
            after: &style.modern_after,
        };
        let legacy_frame = Frame {
            member: name,
            before: "",
            after: "",
        };
        Self {
            by_key,
            modern: PreparedList::build(&modern_frame, style.page_size, modern.into_iter()),
            legacy: PreparedList::build(&legacy_frame, style.page_size, legacy.into_iter()),
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&T> {
        self.by_key.get(key)
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &Arc<str>> {
        self.by_key.keys()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &T)> {
        self.by_key.iter()
    }

    /// The list as that era has it.
    pub(crate) fn list(&self, era: Era) -> &PreparedList {
        match era {
            Era::Modern => &self.modern,
            Era::Legacy => &self.legacy,
        }
    }
}
