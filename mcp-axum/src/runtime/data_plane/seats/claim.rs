//! A connection that says something and has no place gets that of one that says nothing: places are for those who use them.

use super::{Holder, Key, Open, Seat};
use std::{cmp::Reverse, sync::atomic::Ordering, time::Duration};

/// How long a connection has to be silent, with nothing under way, before another may have its place.
const SILENT: Duration = Duration::from_millis(100);
/// Connections looked at in one search; the next one goes on where it ended.
const SEARCH: usize = 1_024;

/// A connection with nothing under way, and what had happened on it by then.
type Spare = (Key, (u32, u64));

/// What a look at the places brings.
enum Found {
    Place,
    Spare(Vec<Spare>),
}

impl Seat {
    /// A place for a connection that has sent a request: a free one, else that of one which never sent any, or of another one of
    /// the same client which is silent for a moment. Where the client has its part it is one of its own.
    pub(in super::super) async fn claim(&self) -> bool {
        match self.look() {
            Found::Place => true,
            Found::Spare(spare) if spare.is_empty() => false,
            Found::Spare(spare) => {
                tokio::time::sleep(SILENT).await;
                self.replace(&spare)
            }
        }
    }

    fn look(&self) -> Found {
        let mut open = self.shared.lock();
        if self.is_within() {
            return Found::Place;
        }
        // It had to leave itself, or goes behind those that ask for nothing.
        let Some(token) = open.beyond.remove(&self.key_beyond()) else {
            return Found::Spare(Vec::new());
        };
        self.asks.store(true, Ordering::Relaxed);
        open.beyond.insert(self.key_beyond(), token);
        let has_part = self.has_its_part(&open);
        if !has_part && open.within.len() < self.shared.most_within {
            self.sit_down(&mut open);
            return Found::Place;
        }
        let is_spare = |(key, holder): (&Key, &Holder)| {
            let activity = holder.usage.activity();
            holder.usage.is_spare().then_some((*key, activity))
        };
        if has_part {
            return Found::Spare(
                open.within
                    .range(self.own())
                    .take(SEARCH)
                    .filter_map(is_spare)
                    .collect(),
            );
        }
        let from = open.search;
        let all = open.within.range(from..).chain(open.within.range(..from));
        let seen: Vec<_> = all.take(SEARCH).collect();
        let last = seen.last().map(|(key, _)| **key);
        let spare = seen.into_iter().filter_map(is_spare).collect();
        open.search = last.unwrap_or_default();
        Found::Spare(spare)
    }

    /// Takes the place of that one which is missed least: it never sent a request, its client has most connections, it has been
    /// idle for longest.
    fn replace(&self, spare: &[Spare]) -> bool {
        let mut open = self.shared.lock();
        if self.is_within() {
            return true;
        }
        // It had to leave itself.
        if !open.beyond.contains_key(&self.key_beyond()) {
            return false;
        }
        let has_part = self.has_its_part(&open);
        if !has_part && open.within.len() < self.shared.most_within {
            self.sit_down(&mut open);
            return true;
        }
        let (client, _) = self.key();
        let silent = spare.iter().filter_map(|(key, before)| {
            let holder = open.within.get(key)?;
            let usage = &holder.usage;
            let is_silent = usage.is_spare() && usage.activity() == *before;
            let never_asked = before.0 == 0;
            let many = holder.peer.connections.load(Ordering::Relaxed);
            // Whoever keeps a connection to use it again does not lose it to somebody else. An address that stands for many
            // clients is somebody else.
            let is_own = key.0 == client && self.who.part.is_some();
            let may_go = is_own || (never_asked && !has_part);
            let worth = (never_asked, many, usage.idle_sweeps(), Reverse(key.1));
            (is_silent && may_go).then_some((worth, *key))
        });
        let Some((_, key)) = silent.max() else {
            return false;
        };
        if let Some(holder) = open.within.remove(&key) {
            holder.needed.cancel();
            open.leaving += 1;
        }
        self.sit_down(&mut open);
        true
    }

    fn has_its_part(&self, open: &Open) -> bool {
        let part = self.who.part;
        part.is_some_and(|part| open.within.range(self.own()).count() >= part as usize)
    }

    /// The keys of all connections of this client.
    fn own(&self) -> std::ops::RangeInclusive<Key> {
        let (client, _) = self.key();
        (client, 0)..=(client, u64::MAX)
    }

    fn sit_down(&self, open: &mut Open) {
        open.beyond.remove(&self.key_beyond());
        open.within.insert(self.key(), self.holder());
        self.is_within.store(true, Ordering::Relaxed);
    }
}
