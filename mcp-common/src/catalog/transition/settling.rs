//! Gives the touched instances their tools, when all tools are known.

use super::Transition;
use crate::{
    catalog::{Compile, entry::InstanceEntry, quarantine::Cause, settle::settle},
    key::Key,
};
use std::sync::Arc;

impl<C: Compile> Transition<'_, C> {
    pub(super) fn settle(&mut self, id: Arc<str>) {
        let live = self.next.instances.get(&id).cloned();
        let waiting = live
            .as_ref()
            .map(|live| live.newer.as_ref().unwrap_or(&live.version).clone());
        let Some(newest) = self.incoming.remove(&id).or(waiting) else {
            return;
        };
        let settled = settle(self.compiler, &self.next, newest, live.as_deref(), self.at);
        let key = Key::instance(id.clone());
        let bad_document = self
            .next
            .quarantined(&key)
            .is_some_and(|entry| entry.cause == Cause::Document);
        match settled.conflict {
            // The newest document is a bad one; that is said already, and its repair settles the instance again.
            _ if bad_document => {}
            Some(conflict) => self.quarantine(conflict),
            None => self.clear(&key),
        }
        self.go_live(id, settled.entry, live.as_deref());
    }

    fn go_live(
        &mut self,
        id: Arc<str>,
        mut entry: InstanceEntry<C::Tool>,
        live: Option<&InstanceEntry<C::Tool>>,
    ) {
        if let Some(live) = live {
            let same_version = Arc::ptr_eq(&live.version, &entry.version);
            let same_selection = live.selection.is_same(&entry.selection);
            if same_selection {
                entry.selection = live.selection.clone();
            }
            let same_newer = live.newer.as_ref().map(Arc::as_ptr) == entry.newer.as_ref().map(Arc::as_ptr);
            let same = same_version && same_selection && same_newer;
            if same && live.standing == entry.standing && live.warnings == entry.warnings {
                return;
            }
            if !same_version || !same_selection {
                self.changed.insert(id.clone());
            }
        } else {
            self.changed.insert(id.clone());
        }
        let old = live.map(InstanceEntry::references).unwrap_or_default();
        self.next.index.refer(&id, &old, &entry.references());
        self.next.instances.insert(id, Arc::new(entry));
    }
}
