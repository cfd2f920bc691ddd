//! What all programs of a gateway share: how many there may be, and who ends them if the gateway cannot.

#[cfg(unix)]
use super::super::warden::Warden;
use crate::upstream::{error::UpstreamError, settings::HubSettings};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// All programs of a gateway.
#[derive(Debug)]
pub(in crate::upstream) struct Programs {
    places: Arc<Semaphore>,
    most: usize,
    /// How many each caller has that has programs of its own.
    of_callers: Mutex<HashMap<Arc<str>, usize>>,
    of_upstreams: Mutex<HashMap<Arc<str>, OfUpstream>>,
    #[cfg(unix)]
    warden: Warden,
}

/// What is counted of one upstream.
#[derive(Debug, Default)]
struct OfUpstream {
    running: u64,
    /// Starts of the one that the supervisor looks after.
    supervised: u64,
}

/// The programs of an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProgramCounts {
    /// How many run now, those of single callers included.
    pub running: u64,
    /// How often the program that callers share was started again, whatever it ended by.
    pub restarts: u64,
}

/// One program's place among them, until nothing of it is left.
#[derive(Debug)]
pub(super) struct Place {
    programs: Arc<Programs>,
    group: Option<u32>,
    caller: Option<Arc<str>>,
    /// The upstream whose program runs.
    upstream: Option<Arc<str>>,
    _permit: OwnedSemaphorePermit,
}

impl Programs {
    pub(in crate::upstream) fn new(settings: &HubSettings) -> Arc<Self> {
        let most = settings.most_programs.min(Semaphore::MAX_PERMITS);
        Arc::new(Self {
            places: Arc::new(Semaphore::new(most)),
            most,
            of_callers: Mutex::default(),
            of_upstreams: Mutex::default(),
            #[cfg(unix)]
            warden: Warden::new(settings.warden.clone()),
        })
    }

    /// A place for another one. A caller that has programs of its own may have another one while it has less than half as many as there are places
    /// left, as clients have memory: whoever takes all that it can has a third, and who comes next finds room.
    pub(super) fn place(self: &Arc<Self>, caller: Option<&Arc<str>>) -> Result<Place, UpstreamError> {
        let mut of_callers = self.of_callers();
        let own = caller.map_or(0, |caller| of_callers.get(caller).copied().unwrap_or_default());
        let left = self.places.available_permits();
        if own > 0 && left > 0 && own * 2 >= left {
            return Err(UpstreamError::Refused(format!(
                "{own} programs run for this caller already, as many as one may have while {left} of {} places are left \
                 (`stdio.max_programs` of the gateway's configuration)",
                self.most
            )));
        }
        let permit = self.places.clone().try_acquire_owned().map_err(|_| {
            UpstreamError::Refused(format!(
                "{} programs run already, and no more are started (`stdio.max_programs` of the gateway's configuration)",
                self.most
            ))
        })?;
        if let Some(caller) = caller {
            *of_callers.entry(caller.clone()).or_default() += 1;
        }
        Ok(Place {
            programs: self.clone(),
            group: None,
            caller: caller.cloned(),
            upstream: None,
            _permit: permit,
        })
    }

    /// What is counted of an upstream; `None` where no program of it was ever started.
    pub(in crate::upstream) fn counts(&self, upstream: &str) -> Option<ProgramCounts> {
        let of_upstreams = self.of_upstreams();
        let of_upstream = of_upstreams.get(upstream)?;
        Some(ProgramCounts {
            running: of_upstream.running,
            restarts: of_upstream.supervised.saturating_sub(1),
        })
    }

    /// Forgets upstreams that are not there any more, once nothing of them runs.
    pub(in crate::upstream) fn keep(&self, is_there: impl Fn(&str) -> bool) {
        self.of_upstreams()
            .retain(|upstream, counted| counted.running > 0 || is_there(upstream));
    }
}

impl Place {
    /// The program of this upstream leads this group.
    pub(super) fn taken_by(&mut self, group: Option<u32>, upstream: &Arc<str>, is_supervised: bool) {
        self.group = group;
        self.upstream = Some(upstream.clone());
        let mut of_upstreams = self.programs.of_upstreams();
        let counted = of_upstreams.entry(upstream.clone()).or_default();
        counted.running += 1;
        counted.supervised += u64::from(is_supervised);
        drop(of_upstreams);
        #[cfg(unix)]
        if let Some(group) = group {
            self.programs.warden.watch(group);
        }
    }

    /// Nothing of the group is left.
    pub(super) fn is_left(&mut self) {
        #[cfg(unix)]
        if let Some(group) = self.group.take() {
            self.programs.warden.forget(group);
        }
    }
}

impl Programs {
    fn of_callers(&self) -> MutexGuard<'_, HashMap<Arc<str>, usize>> {
        self.of_callers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of_upstreams(&self) -> MutexGuard<'_, HashMap<Arc<str>, OfUpstream>> {
        self.of_upstreams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.is_left();
        if let Some(upstream) = &self.upstream
            && let Some(counted) = self.programs.of_upstreams().get_mut(upstream)
        {
            counted.running = counted.running.saturating_sub(1);
        }
        if let Some(caller) = &self.caller {
            let mut of_callers = self.programs.of_callers();
            match of_callers.get_mut(caller) {
                Some(own) if *own > 1 => *own -= 1,
                _ => drop(of_callers.remove(caller)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_takes_all_places() {
        let programs = Programs::new(&HubSettings {
            most_programs: 30,
            ..HubSettings::default()
        });
        let (one, other): (Arc<str>, Arc<str>) = ("one".into(), "other".into());
        let taken = |caller: &Arc<str>| -> Vec<Place> {
            std::iter::from_fn(|| programs.place(Some(caller)).ok()).collect()
        };
        let of_one = taken(&one);
        assert_eq!(of_one.len(), 10);
        let refused = programs.place(Some(&one)).unwrap_err().to_string();
        assert!(
            refused
                .contains("10 programs run for this caller already, as many as one may have while 20 of 30"),
            "{refused}"
        );
        let of_other = taken(&other);
        assert_eq!(of_other.len(), 7);
        // Those that are nobody's are bounded by all places alone.
        let shared: Vec<Place> = std::iter::from_fn(|| programs.place(None).ok()).collect();
        assert_eq!(shared.len(), 13);
        let full = programs.place(Some(&"third".into())).unwrap_err().to_string();
        assert!(full.contains("30 programs run already"), "{full}");
        drop((of_one, shared));
        assert_eq!(taken(&one).len(), 8);
        drop(of_other);
        assert!(programs.of_callers().is_empty());
    }

    #[test]
    fn programs_are_counted_by_upstreams_until_these_are_gone() {
        let programs = Programs::new(&HubSettings::default());
        let upstream: Arc<str> = "u".into();
        let started = |caller: Option<&Arc<str>>| {
            let mut place = programs.place(caller).unwrap();
            place.taken_by(None, &upstream, caller.is_none());
            place
        };
        let counts = |running, restarts| Some(ProgramCounts { running, restarts });
        assert_eq!(programs.counts("u"), None);
        // A place that comes to no program is none of an upstream's.
        drop(programs.place(None).unwrap());
        let shared = started(None);
        let own = started(Some(&"one".into()));
        assert_eq!(programs.counts("u"), counts(2, 0));
        drop(shared);
        let again = started(None);
        assert_eq!(programs.counts("u"), counts(2, 1));
        drop(own);
        programs.keep(|_| false);
        assert_eq!(programs.counts("u"), counts(1, 1), "something of it runs");
        drop(again);
        assert_eq!(programs.counts("u"), counts(0, 1));
        programs.keep(|id| id == "u");
        assert_eq!(programs.counts("u"), counts(0, 1));
        programs.keep(|_| false);
        assert_eq!(programs.counts("u"), None);
    }
}
