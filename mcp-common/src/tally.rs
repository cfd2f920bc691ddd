//! The port behind which several replicas count together: how many calls somebody has made, wherever they were made.

use async_trait::async_trait;
use std::time::Duration;

/// What is counted of one limit of one holder. It has the same name on all replicas, and another limit has another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// Letters, digits and `-`.
    pub name: Box<str>,
    /// How much there may be.
    pub most: Most,
}

/// How much there may be of what is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Most {
    /// One call in so long a time, and so many at once after a pause.
    Rate {
        /// From one call to the next.
        between: Duration,
        /// At once.
        burst: u32,
    },
    /// So many from midnight to midnight, UTC.
    PerDay(u32),
    /// So many under way at the same time.
    Concurrent(u32),
}

/// Calls under way that are over, or that go on: the id of one, and what it counts for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Whose limit it is.
    pub holder: std::sync::Arc<str>,
    /// [`Count::name`] of what it counts for.
    pub name: Box<str>,
    /// The id of the call.
    pub call: u128,
}

/// What a call counts for.
#[derive(Clone, Copy, Debug)]
pub struct Counting<'a> {
    /// Whose limit it is: letters, digits, `:` and `-`.
    pub holder: &'a str,
    /// What is counted of it.
    pub count: &'a Count,
}

/// A call that is to be counted.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// For what it counts.
    pub counts: &'a [Counting<'a>],
    /// Its own id, by which its places are given back.
    pub call: u128,
    /// What is over before it begins: places of the same holders.
    pub over: &'a [Place],
    /// How long a place is kept for a replica that says no more of it.
    pub lease: Duration,
}

/// What became of it. A call is counted for all of its limits or for none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It may be made; how much is left of each count.
    All(Vec<u32>),
    /// It may not.
    Refused {
        /// Which of the counts stands against it.
        by: usize,
        /// When it is worth another try.
        wait: Duration,
    },
}

/// Counts for all replicas. The caller bounds how long that takes. Errors are one line, for the operator; no credential is in them.
#[async_trait]
pub trait Tally: Send + Sync + 'static {
    /// Connects where there is no connection, and finds out whether counting works.
    async fn probe(&self) -> Result<(), String>;

    /// Counts a call.
    async fn take(&self, wanted: &Wanted<'_>) -> Result<Taken, String>;

    /// Gives places back.
    async fn give_back(&self, places: &[Place]) -> Result<(), String>;

    /// Keeps places for another while, also where they are not known any more.
    async fn keep(&self, places: &[Place], lease: Duration) -> Result<(), String>;
}
