//! Upstreams that begin anew because something else changed, and nobody waits for it.

use super::Hub;
use crate::upstream::{status::State, supervisor::Order};
use mcp_common::definition::upstream::UpstreamTransport;
use std::{collections::BTreeSet, sync::Arc};
use tokio::sync::oneshot;

impl Hub {
    /// Makes a new connection, and waits for nothing.
    pub(in crate::upstream) fn begin_anew(&self, id: &str) {
        self.beginner()(id);
    }

    /// Does so when it is called, whether or not the hub is at hand.
    pub(in crate::upstream) fn beginner(&self) -> impl Fn(&str) + Send + 'static {
        let remotes = self.remotes.clone();
        move |id| {
            if let Some(remote) = remotes.load().get(id) {
                let (answer, _) = oneshot::channel();
                // Where so much is wanted already, a connection is made anyway.
                let _ = remote.orders.try_send(Order::Restart(answer));
            }
        }
    }

    /// Secrets of these names have other values: what was shown them once, when it began, begins anew.
    pub fn secrets_changed(&self, names: &BTreeSet<Arc<str>>) {
        for (id, remote) in self.remotes.load().iter() {
            let definition = &remote.definition;
            let mut used = definition.used_secrets().into_iter();
            let is_shown_each_time = definition.transport() == UpstreamTransport::StreamableHttp
                && remote.status.get().state == State::Ready;
            if !is_shown_each_time && used.any(|used| names.contains(&used.name)) {
                self.begin_anew(id);
            }
        }
    }
}
