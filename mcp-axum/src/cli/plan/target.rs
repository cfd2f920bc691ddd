//! Where a plan is made and written: the configured data source, or a running gateway.

use crate::{
    cli::{
        Failure,
        store::{LocalStore, PRINCIPAL, Use},
    },
    client::Gateway,
};
use mcp_core::authoring::change_plan::{DesiredDefinition, PlanOptions, PlanReport, PlanRequest};
use std::{path::PathBuf, sync::Arc};

/// One request, planned and perhaps written.
pub(in crate::cli) struct Target {
    place: Place,
    request: Arc<PlanRequest>,
}

enum Place {
    /// The configured data source.
    Here(Box<LocalStore>),
    /// A gateway.
    There(Box<Gateway>),
}

impl Target {
    pub(in crate::cli) async fn open(
        config: Option<PathBuf>,
        gateway: Option<Gateway>,
        definitions: Vec<DesiredDefinition>,
        options: PlanOptions,
        purpose: Use,
    ) -> Result<Self, Failure> {
        let place = match gateway {
            Some(gateway) => Place::There(Box::new(gateway)),
            None => Place::Here(Box::new(LocalStore::open(config, purpose).await?)),
        };
        let request = Arc::new(PlanRequest { definitions, options });
        Ok(Self { place, request })
    }

    pub(in crate::cli) async fn plan(&self) -> Result<PlanReport, Failure> {
        match &self.place {
            Place::Here(store) => Ok(store.writer.plan(self.request.clone()).await?),
            Place::There(gateway) => Ok(gateway.post("/admin/plan", &*self.request).await?),
        }
    }

    /// Writes what the report says, and nothing else.
    pub(in crate::cli) async fn apply(&self, report: &mut PlanReport) -> Result<(), Failure> {
        let plan = report.fingerprint.as_str();
        *report = match &self.place {
            Place::Here(store) => {
                let written = store.writer.apply(self.request.clone(), Some(plan), PRINCIPAL);
                let written = written.await?;
                store.arrived(written.revision).await;
                written.value
            }
            Place::There(gateway) => {
                let path = format!("/admin/apply?plan={plan}");
                gateway.post(&path, &*self.request).await?
            }
        };
        Ok(())
    }
}
