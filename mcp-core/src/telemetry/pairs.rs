//! How many tools of instances have series of their own: whoever stores the metrics has to hold all of them.

use super::ToolLabels;
use std::{
    collections::{HashMap, HashSet},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// What stands in the place of instance and tool where there are more pairs than may have series of their own.
pub const OTHER: &str = "other";

/// The pairs that have series of their own: those that were called first.
#[derive(Debug)]
pub(super) struct Pairs {
    most: usize,
    named: Mutex<Named>,
    /// Grows whenever a place becomes free.
    freed: AtomicU64,
}

/// Those pairs, while nobody else adds one or takes one away: series are made and removed meanwhile, so that there are none of other pairs.
#[derive(Debug, Default)]
pub(super) struct Named {
    /// Names of tools by instance.
    tools: HashMap<String, HashSet<String>>,
    count: usize,
}

impl Pairs {
    pub(super) fn at_most(most: usize) -> Self {
        Self {
            most,
            named: Mutex::default(),
            freed: AtomicU64::new(1),
        }
    }

    /// How often places became free; never 0. Whoever had none has none as long as it stays the same.
    pub(super) fn generation(&self) -> u64 {
        self.freed.load(Ordering::Acquire)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Named> {
        self.named.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this pair has a place of its own, which it takes if there is one.
    pub(super) fn take(&self, named: &mut Named, pair: &ToolLabels) -> bool {
        // A tool that is called so itself must not end what stands for all others when it goes.
        if named.has(pair) || *pair == ToolLabels::other() {
            return named.has(pair);
        }
        let is_free = named.count < self.most;
        if is_free {
            let tools = named.tools.entry(pair.mcp_instance.clone()).or_default();
            tools.insert(pair.tool.clone());
            named.count += 1;
        }
        is_free
    }

    /// The places of those tools of an instance that do not stay are others' from now on; who they were is told to `remove`.
    pub(super) fn keep(
        &self,
        instance: &str,
        stays: impl Fn(&str) -> bool,
        mut remove: impl FnMut(&ToolLabels),
    ) {
        let mut named = self.lock();
        let Some(tools) = named.tools.get_mut(instance) else {
            return;
        };
        let gone: Vec<String> = tools.extract_if(|tool| !stays(tool)).collect();
        if tools.is_empty() {
            named.tools.remove(instance);
        }
        if gone.is_empty() {
            return;
        }
        named.count -= gone.len();
        for tool in gone {
            remove(&ToolLabels::new(instance, &tool));
        }
        self.freed.fetch_add(1, Ordering::Release);
    }
}

impl Named {
    /// Whether this pair has a place of its own.
    pub(super) fn has(&self, pair: &ToolLabels) -> bool {
        let tools = self.tools.get(&pair.mcp_instance);
        tools.is_some_and(|tools| tools.contains(&pair.tool))
    }

    /// Whether any tool of this instance has one.
    pub(super) fn has_any_of(&self, instance: &str) -> bool {
        self.tools.contains_key(instance)
    }
}
