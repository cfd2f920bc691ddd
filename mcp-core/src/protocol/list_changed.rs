//! Tells open streams that a list of an instance changed, and only if they really did: the rendered lists are compared.

use crate::view::{InstanceView, PerList, Views};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::{Notify, watch};

/// Changes that come together are announced together.
const GATHER: Duration = Duration::from_millis(50);

/// What a stream is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Signal {
    /// How many times each list has changed since the topic exists.
    pub(super) changes: PerList<u64>,
    /// The instance is gone.
    pub(super) gone: bool,
}

struct Topic {
    signal: watch::Sender<Signal>,
    announced: Arc<InstanceView>,
}

/// The instances that somebody listens to.
pub(super) struct ListChanged {
    views: Arc<Views>,
    topics: Mutex<HashMap<Arc<str>, Topic>>,
    /// Instances that may look different, with the view that was in use.
    pending: Mutex<BTreeMap<Arc<str>, Option<Arc<InstanceView>>>>,
    wake: Notify,
}

impl ListChanged {
    pub(super) fn new(views: Arc<Views>) -> Self {
        Self {
            views,
            topics: Mutex::default(),
            pending: Mutex::default(),
            wake: Notify::new(),
        }
    }

    /// A receiver that sees every change after what it is now; `None` if the instance is gone.
    pub(super) fn subscribe(&self, instance: &Arc<str>) -> Option<(watch::Receiver<Signal>, Signal)> {
        let mut topics = lock(&self.topics);
        // Read under the lock: a change that comes later finds this topic and compares with this view.
        let announced = self.views.get(instance)?;
        let topic = topics.entry(instance.clone()).or_insert_with(|| Topic {
            signal: watch::Sender::new(Signal::default()),
            announced,
        });
        let mut receiver = topic.signal.subscribe();
        receiver.mark_unchanged();
        let now = *receiver.borrow();
        Some((receiver, now))
    }

    /// Notes an instance that may look different now. Cheap: called by whoever applies a change.
    pub(super) fn note(&self, instance: &Arc<str>, before: Option<Arc<InstanceView>>) {
        let mut pending = lock(&self.pending);
        let first = pending.entry(instance.clone()).or_default();
        *first = first.take().or(before);
        self.wake.notify_one();
    }

    /// Announces until cancelled.
    pub(super) async fn run(&self) {
        loop {
            // One by one: a panic that one of them brings about takes only its own announcement along.
            while let Some((instance, before)) = self.next() {
                // What was in use will be again: it is built here, before a request has to wait for it.
                if before.is_some() {
                    self.views.get(&instance);
                }
                self.announce(&instance);
                tokio::task::yield_now().await;
            }
            self.wake.notified().await;
            tokio::time::sleep(GATHER).await;
        }
    }

    fn next(&self) -> Option<(Arc<str>, Option<Arc<InstanceView>>)> {
        lock(&self.pending).pop_first()
    }

    fn announce(&self, instance: &Arc<str>) {
        // Outside of the lock: what the view holds goes with it.
        drop(self.compare(instance));
    }

    /// Tells what differs. Returns what was compared with, and is not needed any more.
    fn compare(&self, instance: &Arc<str>) -> Option<Arc<InstanceView>> {
        let mut topics = lock(&self.topics);
        let topic = topics.get_mut(instance)?;
        if topic.signal.receiver_count() == 0 {
            return topics.remove(instance).map(|topic| topic.announced);
        }
        let Some(view) = self.views.get(instance) else {
            topic.signal.send_modify(|signal| signal.gone = true);
            return topics.remove(instance).map(|topic| topic.announced);
        };
        let differs = view.differs_from(&topic.announced);
        if differs != PerList::default() {
            topic.signal.send_modify(|signal| {
                let before = signal.changes;
                signal.changes = PerList::of(|list| before.get(list) + u64::from(*differs.get(list)));
            });
        }
        Some(std::mem::replace(&mut topic.announced, view))
    }
}

/// A panic elsewhere does not make these maps wrong.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
