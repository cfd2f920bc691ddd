//! Where a plan is made and written: the configured data source, or a running gateway.

use crate::{
    cli::{Failure, gateway::Gateway, store::Store},
    runtime::control_plane,
};
use http::{HeaderMap, HeaderValue, Method, header};
use mcp_common::{catalog::Catalog, datasource::DataSource};
use mcp_core::{
    authoring::change_plan::{
        DesiredDefinition, Examined, Plan, PlanOptions, PlanReport, PlanRequest, Stored, examine,
    },
    tool::ToolCompiler,
};
use std::{path::PathBuf, sync::Arc};

/// As history has it.
const PRINCIPAL: &str = "cli";

/// One request, planned and perhaps written.
pub(super) enum Target {
    Source(Box<Direct>),
    Gateway {
        gateway: Box<Gateway>,
        request: PlanRequest,
    },
}

pub(super) struct Direct {
    source: Arc<dyn DataSource>,
    stored: Stored,
    catalog: Catalog<ToolCompiler>,
    request: PlanRequest,
    plan: Plan,
}

impl Target {
    /// Reads what is stored.
    pub(super) async fn open(
        config: Option<PathBuf>,
        gateway: Option<Gateway>,
        definitions: Vec<DesiredDefinition>,
        options: PlanOptions,
    ) -> Result<Self, Failure> {
        let request = PlanRequest { definitions, options };
        if let Some(gateway) = gateway {
            let gateway = Box::new(gateway);
            return Ok(Self::Gateway { gateway, request });
        }
        let Store {
            settings,
            source,
            load,
        } = Store::open(config).await?;
        let stored = Stored::from(load.clone());
        Ok(Self::Source(Box::new(Direct {
            source,
            stored,
            catalog: control_plane::catalog_of(&settings, load),
            request,
            plan: Plan::default(),
        })))
    }

    pub(super) async fn plan(&mut self) -> Result<PlanReport, Failure> {
        match self {
            Self::Source(direct) => {
                let PlanRequest { definitions, options } = &direct.request;
                let Examined { plan, report } =
                    examine(definitions, options, &direct.stored, &direct.catalog);
                direct.plan = plan;
                Ok(report)
            }
            Self::Gateway { gateway, request } => send(gateway, "/admin/plan", request).await,
        }
    }

    /// Writes what the report says, and nothing else.
    pub(super) async fn apply(&self, report: &mut PlanReport) -> Result<(), Failure> {
        match self {
            Self::Source(direct) => {
                let applied = direct
                    .plan
                    .apply(&*direct.source, PRINCIPAL)
                    .await
                    .map_err(Failure::runtime)?;
                report.revision = applied.revision;
            }
            Self::Gateway { gateway, request } => {
                let path = format!("/admin/apply?plan={}", report.fingerprint);
                *report = send(gateway, &path, request).await?;
            }
        }
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
