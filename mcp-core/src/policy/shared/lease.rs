//! Calls under way that count for all replicas, and those that are over.

use super::SharedLimits;
use mcp_common::tally::{Count, Most, Place};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;

/// The places that this replica has taken.
#[derive(Default)]
pub(super) struct Places {
    book: Mutex<Book>,
    ended: Notify,
}

#[derive(Default)]
struct Book {
    /// By the ids of their calls.
    open: HashMap<u128, Box<[Place]>>,
    /// Given back, and not yet said so; by holders.
    over: HashMap<Arc<str>, Vec<Place>>,
}

impl Places {
    /// Returns when there is something to give back, or somebody has to be woken anyway.
    pub(super) async fn ended(&self) {
        self.ended.notified().await;
    }

    pub(super) fn wake(&self) {
        self.ended.notify_one();
    }

    /// All of calls that are under way.
    pub(super) fn open(&self) -> Vec<Place> {
        self.book().open.values().flatten().cloned().collect()
    }

    fn give_back(&self, places: impl IntoIterator<Item = Place>) {
        let mut book = self.book();
        for place in places {
            book.over.entry(place.holder.clone()).or_default().push(place);
        }
        drop(book);
        self.wake();
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The places of one call. They are given back when it is dropped.
pub(in crate::policy) struct Lease {
    shared: Arc<SharedLimits>,
    call: u128,
    places: Box<[Place]>,
}

impl Lease {
    /// `None` for a call that has none.
    pub(super) fn of(shared: &Arc<SharedLimits>, counts: &[(&Arc<str>, &Count)], call: u128) -> Option<Self> {
        let concurrent = counts
            .iter()
            .filter(|(_, count)| matches!(count.most, Most::Concurrent(_)));
        let places: Box<[Place]> = concurrent
            .map(|(holder, count)| Place {
                holder: (*holder).clone(),
                name: count.name.clone(),
                call,
            })
            .collect();
        (!places.is_empty()).then(|| Self {
            shared: shared.clone(),
            call,
            places,
        })
    }

    /// They are taken, and kept from now on.
    pub(super) fn taken(self) -> Self {
        let mut book = self.shared.places.book();
        book.open.insert(self.call, self.places.clone());
        drop(book);
        self
    }

    /// None of them is.
    pub(super) fn refused(mut self) {
        self.places = Box::default();
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let places = std::mem::take(&mut self.places);
        if !places.is_empty() {
            self.shared.places.book().open.remove(&self.call);
            self.shared.places.give_back(places);
        }
    }
}

/// What is over, on its way to those who count. What does not arrive there is given back later.
pub(super) struct Over<'a> {
    kept: &'a Places,
    places: Vec<Place>,
}

impl<'a> Over<'a> {
    /// Of these holders.
    pub(super) fn of<'h>(kept: &'a Places, holders: impl Iterator<Item = &'h Arc<str>>) -> Self {
        let mut book = kept.book();
        let places = holders.filter_map(|holder| book.over.remove(holder)).flatten();
        let places = places.collect();
        drop(book);
        Self { kept, places }
    }

    pub(super) fn of_all(kept: &'a Places) -> Self {
        let over = std::mem::take(&mut kept.book().over);
        let places = over.into_values().flatten().collect();
        Self { kept, places }
    }

    pub(super) fn places(&self) -> &[Place] {
        &self.places
    }

    /// It has arrived.
    pub(super) fn arrived(mut self) {
        self.places.clear();
    }
}

impl Drop for Over<'_> {
    fn drop(&mut self) {
        if !self.places.is_empty() {
            self.kept.give_back(std::mem::take(&mut self.places));
        }
    }
}
