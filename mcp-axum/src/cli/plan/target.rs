//! Where a plan is made and written: the configured data source, or a running gateway.

use crate::cli::{
    Failure,
    gateway::Gateway,
    store::{self, PRINCIPAL},
};
use http::{HeaderMap, HeaderValue, Method, header};
use mcp_core::authoring::{
    change_plan::{DesiredDefinition, PlanOptions, PlanReport, PlanRequest},
    writer::Writer,
};
use std::{path::PathBuf, sync::Arc};

/// One request, planned and perhaps written.
pub(super) struct Target {
    place: Place,
    request: Arc<PlanRequest>,
}

enum Place {
    /// The configured data source.
    Here(Box<Writer>),
    /// A gateway.
    There(Box<Gateway>),
}

impl Target {
    pub(super) async fn open(
        config: Option<PathBuf>,
        gateway: Option<Gateway>,
        definitions: Vec<DesiredDefinition>,
        options: PlanOptions,
    ) -> Result<Self, Failure> {
        let place = match gateway {
            Some(gateway) => Place::There(Box::new(gateway)),
            None => Place::Here(Box::new(store::writer(config).await?)),
        };
        let request = Arc::new(PlanRequest { definitions, options });
        Ok(Self { place, request })
    }

    pub(super) async fn plan(&self) -> Result<PlanReport, Failure> {
        match &self.place {
            Place::Here(writer) => Ok(writer.plan(self.request.clone()).await?),
            Place::There(gateway) => send(gateway, "/admin/plan", &self.request).await,
        }
    }

    /// Writes what the report says, and nothing else.
    pub(super) async fn apply(&self, report: &mut PlanReport) -> Result<(), Failure> {
        let plan = report.fingerprint.as_str();
        *report = match &self.place {
            Place::Here(writer) => {
                let written = writer.apply(self.request.clone(), Some(plan), PRINCIPAL);
                written.await?.value
            }
            Place::There(gateway) => {
                send(gateway, &format!("/admin/apply?plan={plan}"), &self.request).await?
            }
        };
        Ok(())
    }
}

async fn send(gateway: &Gateway, path: &str, request: &PlanRequest) -> Result<PlanReport, Failure> {
    let json = HeaderValue::from_static("application/json");
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, json)]);
    let body = serde_json::to_vec(request).map_err(Failure::runtime)?;
    let answer = gateway.send(Method::POST, path, headers, body).await?;
    gateway.data(&answer)
}
