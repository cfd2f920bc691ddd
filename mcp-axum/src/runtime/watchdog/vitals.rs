//! Signs of life of threads.

use mcp_core::activity::Activity;
use prometheus_client::metrics::histogram::Histogram;
use std::{
    convert::Infallible,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// How often a thread gives one.
const BEAT: Duration = Duration::from_millis(250);

/// All threads that are watched.
#[derive(Debug, Default)]
pub struct Vitals {
    watched: Mutex<Vec<Arc<Vital>>>,
}

/// One runtime with its threads: a worker, or the control plane.
#[derive(Debug)]
pub struct Vital {
    name: String,
    /// What its thread works on; `None` where several threads share the work.
    activity: Option<Arc<Activity>>,
    since: Instant,
    /// Milliseconds after `since`.
    last_beat: AtomicU64,
    /// Milliseconds of silence while it is known to be stuck, else 0.
    stuck: AtomicU64,
}

/// Something that has not come back to its loop.
#[derive(Debug)]
pub struct Stuck {
    name: String,
    silence: Duration,
}

/// Watched until it is dropped.
#[derive(Debug)]
pub struct Watched {
    vitals: Arc<Vitals>,
    /// What is known of it.
    pub vital: Arc<Vital>,
}

impl Vitals {
    /// Begins to watch a thread, which from now on has to give signs of life.
    pub fn watch(self: &Arc<Self>, name: String, activity: Option<Arc<Activity>>) -> Watched {
        let vital = Arc::new(Vital {
            name,
            activity,
            since: Instant::now(),
            last_beat: AtomicU64::new(0),
            stuck: AtomicU64::new(0),
        });
        self.lock().push(vital.clone());
        Watched {
            vitals: self.clone(),
            vital,
        }
    }

    /// Everything that is watched now.
    pub fn all(&self) -> Vec<Arc<Vital>> {
        self.lock().clone()
    }

    /// What has not come back for that long.
    pub fn stuck(&self, patience: Duration) -> Vec<Stuck> {
        let stuck = |vital: &Arc<Vital>| {
            let silence = vital.silence();
            (silence >= patience).then(|| Stuck {
                name: vital.name.clone(),
                silence,
            })
        };
        self.lock().iter().filter_map(stuck).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Vital>>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Vital {
    /// Gives signs of life, for as long as the runtime that this runs on comes back to its loop.
    pub(crate) async fn beat(self: Arc<Self>, delays: Option<Histogram>) -> Infallible {
        loop {
            let slept = Instant::now();
            sleep(BEAT).await;
            if let Some(delays) = &delays {
                delays.observe(slept.elapsed().saturating_sub(BEAT).as_secs_f64());
            }
            self.last_beat.store(self.age(), Ordering::Relaxed);
        }
    }

    /// The time since the last sign, beyond the usual pause.
    pub fn silence(&self) -> Duration {
        let last = self.last_beat.load(Ordering::Relaxed);
        Duration::from_millis(self.age().saturating_sub(last)).saturating_sub(BEAT)
    }

    /// What people call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn is_worker(&self) -> bool {
        self.activity.is_some()
    }

    /// What the thread is doing, for people.
    pub(crate) fn doing(&self) -> String {
        let Some(activity) = &self.activity else {
            return "not known".to_owned();
        };
        let doing = activity.now();
        doing.map_or_else(|| "nothing that is noted".to_owned(), |doing| doing.to_string())
    }

    /// Returns how long it was silent, if it was stuck until now.
    pub(super) fn note_stuck(&self, is_stuck: bool) -> Option<Duration> {
        let silence = u64::try_from(self.silence().as_millis()).unwrap_or(u64::MAX);
        let before = self
            .stuck
            .swap(if is_stuck { silence.max(1) } else { 0 }, Ordering::Relaxed);
        (before > 0).then(|| Duration::from_millis(before))
    }

    fn age(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.vitals
            .lock()
            .retain(|vital| !Arc::ptr_eq(vital, &self.vital));
    }
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} has not come back for {} s",
            self.name,
            self.silence.as_secs()
        )
    }
}
