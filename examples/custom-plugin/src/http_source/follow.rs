//! Asks again and again. What goes wrong ends the stream: the gateway serves on, waits longer after each failure (with
//! some chance in it, so that replicas do not come back together), and watches again from where it is.

use super::{
    changes,
    endpoint::{Endpoint, Polled},
    listing::Listing,
};
use futures_util::{StreamExt, stream};
use http::HeaderValue;
use mcp_common::{
    datasource::{Batch, Changes, SourceError},
    key::Revision,
};
use std::{
    collections::BTreeSet,
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::watch;

/// What a consumer knows.
#[derive(Clone, Default)]
pub(super) struct Place {
    pub(super) revision: Revision,
    /// Of the answer that said so.
    pub(super) etag: Option<HeaderValue>,
    /// What could not be read there.
    pub(super) unreadable: BTreeSet<String>,
}

impl Place {
    pub(super) fn of(listing: &Listing, etag: Option<HeaderValue>) -> Self {
        Self {
            revision: listing.revision,
            etag,
            unreadable: listing
                .unreadable
                .iter()
                .map(|entry| entry.place.clone())
                .collect(),
        }
    }
}

/// What all consumers share.
pub(super) struct Position {
    /// Of the newest answer: who goes on from there need not be told it again.
    latest: Mutex<Place>,
    written: watch::Sender<Revision>,
    poll: Duration,
}

impl Position {
    pub(super) fn new(poll: Duration) -> Self {
        Self {
            latest: Mutex::default(),
            written: watch::Sender::new(0),
            poll,
        }
    }

    pub(super) fn remember(&self, place: Place) {
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = place;
    }

    /// Our own writes are looked for at once.
    pub(super) fn written(&self, revision: Revision) {
        self.written.send_replace(revision);
    }

    fn at(&self, revision: Revision) -> Place {
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if latest.revision == revision {
            return latest.clone();
        }
        Place {
            revision,
            ..Place::default()
        }
    }

    /// Around the interval, so that replicas that were started together do not ask together for ever.
    fn pause(&self) -> Duration {
        let chance = RandomState::new().hash_one(0) as f64 / u64::MAX as f64;
        self.poll.mul_f64(0.9 + chance * 0.2)
    }
}

/// Asks once before it answers, so that an answer means that the service is there.
pub(super) async fn follow(
    endpoint: Arc<Endpoint>,
    position: Arc<Position>,
    from: Revision,
) -> Result<Changes, SourceError> {
    let mut follower = Follower {
        written: position.written.subscribe(),
        place: position.at(from),
        endpoint,
        position,
    };
    let first = follower.ask().await?;
    let later = stream::try_unfold(follower, |mut follower| async move {
        let batch = follower.next().await?;
        Ok(Some((batch, follower)))
    });
    Ok(stream::iter(first.map(Ok)).chain(later).boxed())
}

struct Follower {
    endpoint: Arc<Endpoint>,
    position: Arc<Position>,
    written: watch::Receiver<Revision>,
    place: Place,
}

impl Follower {
    async fn next(&mut self) -> Result<Batch, SourceError> {
        loop {
            tokio::select! {
                () = tokio::time::sleep(self.position.pause()) => {}
                // Fails when the source is gone, and then nobody listens here either.
                _ = self.written.changed() => {}
            }
            if let Some(batch) = self.ask().await? {
                return Ok(batch);
            }
        }
    }

    /// `None`: nothing new.
    async fn ask(&mut self) -> Result<Option<Batch>, SourceError> {
        let Polled::New { etag, body } = self.endpoint.poll(self.place.etag.as_ref()).await? else {
            return Ok(None);
        };
        let listing = Listing::parse(&body).map_err(|reason| self.endpoint.odd(&reason))?;
        let place = Place::of(&listing, etag);
        let batch = changes::since(&self.place, listing)?;
        let is_new = batch.revision > self.place.revision;
        self.position.remember(place.clone());
        self.place = place;
        Ok(is_new.then_some(batch))
    }
}
