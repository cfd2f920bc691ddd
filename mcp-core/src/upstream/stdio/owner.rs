//! What all programs of a gateway share: how many there may be, and who ends them if the gateway cannot.

#[cfg(unix)]
use super::super::warden::Warden;
use crate::upstream::{error::UpstreamError, settings::HubSettings};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// All programs of a gateway.
#[derive(Debug)]
pub(in crate::upstream) struct Programs {
    places: Arc<Semaphore>,
    most: usize,
    #[cfg(unix)]
    warden: Warden,
}

/// One program's place among them, until nothing of it is left.
#[derive(Debug)]
pub(super) struct Place {
    programs: Arc<Programs>,
    group: Option<u32>,
    _permit: OwnedSemaphorePermit,
}

impl Programs {
    pub(in crate::upstream) fn new(settings: &HubSettings) -> Arc<Self> {
        let most = settings.most_programs.min(Semaphore::MAX_PERMITS);
        Arc::new(Self {
            places: Arc::new(Semaphore::new(most)),
            most,
            #[cfg(unix)]
            warden: Warden::new(settings.warden.clone()),
        })
    }

    /// A place for another one.
    pub(super) fn place(self: &Arc<Self>) -> Result<Place, UpstreamError> {
        let permit = self.places.clone().try_acquire_owned().map_err(|_| {
            UpstreamError::Refused(format!(
                "{} programs run already, and no more are started (`stdio.max_programs` of the gateway's configuration)",
                self.most
            ))
        })?;
        Ok(Place {
            programs: self.clone(),
            group: None,
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

impl Drop for Place {
    fn drop(&mut self) {
        self.is_left();
    }
}
