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
    #[cfg(unix)]
    warden: Warden,
}

/// One program's place among them, until nothing of it is left.
#[derive(Debug)]
pub(super) struct Place {
    programs: Arc<Programs>,
    group: Option<u32>,
    caller: Option<Arc<str>>,
    _permit: OwnedSemaphorePermit,
}

impl Programs {
    pub(in crate::upstream) fn new(settings: &HubSettings) -> Arc<Self> {
        let most = settings.most_programs.min(Semaphore::MAX_PERMITS);
        Arc::new(Self {
            places: Arc::new(Semaphore::new(most)),
            most,
            of_callers: Mutex::default(),
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
            _permit: permit,
        })
    }
}

impl Place {
    /// The program leads this group.
    pub(super) fn taken_by(&mut self, group: Option<u32>) {
        self.group = group;
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
}

impl Drop for Place {
    fn drop(&mut self) {
        self.is_left();
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
}
