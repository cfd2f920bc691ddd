//! Writes of many definitions: plans and imports.

use super::{WriteError, Writer, Written, blocking};
use crate::authoring::{
    change_plan::{Examined, Plan, PlanReport, PlanRequest, Stored, examine},
    import::{Format, ImportOptions, Report, import},
};
use std::sync::Arc;
use tokio::sync::MutexGuard;

impl Writer {
    /// What would be done; writes nothing.
    pub async fn plan(&self, wanted: Arc<PlanRequest>) -> Result<PlanReport, WriteError> {
        Ok(self.examined(wanted).await?.report)
    }

    /// Writes what a plan says. With the fingerprint of a plan that somebody looked at: only exactly its changes, to
    /// exactly what was stored then.
    pub async fn apply(
        &self,
        wanted: Arc<PlanRequest>,
        fingerprint: Option<&str>,
        principal: &str,
    ) -> Result<Written<PlanReport>, WriteError> {
        let turn = self.turn.lock().await;
        let Examined { plan, mut report } = self.examined(wanted).await?;
        if !report.problems.is_empty() {
            return Err(WriteError::Problems(report.problems));
        }
        if fingerprint.is_some_and(|fingerprint| fingerprint != report.fingerprint) {
            return Err(WriteError::OtherPlan);
        }
        let Written {
            revision, warnings, ..
        } = self.write(&plan, principal, turn).await?;
        report.revision = revision;
        Ok(Written {
            value: report,
            revision,
            warnings,
        })
    }

    /// Makes an instance's tools out of a description. Refuses what would not be served as it is meant, looking at everything
    /// that is to be written together.
    pub async fn import(
        &self,
        format: Format,
        text: String,
        options: ImportOptions,
        dry_run: bool,
        principal: &str,
    ) -> Result<Written<Report>, WriteError> {
        let load = self.source.load().await?;
        let now = load.revision;
        let for_catalog = self.loads_itself().then(|| load.clone());
        let stored = Stored::from(load);
        let (plan, report) = blocking(move || import(format, &text, &options, &stored)).await??;
        let turn = self.turn.lock().await;
        match for_catalog {
            Some(load) => self.take(load).await?,
            None => self.caught_up(now).await?,
        }
        let (catalog, previewed) = (self.catalog.clone(), plan.clone());
        if let Some(refusal) = blocking(move || previewed.preview(&catalog).refusal()).await? {
            return Err(WriteError::NotImported(refusal));
        }
        let Written {
            revision, warnings, ..
        } = if dry_run {
            Written::nothing()
        } else {
            self.write(&plan, principal, turn).await?
        };
        Ok(Written {
            value: report,
            revision,
            warnings,
        })
    }

    async fn examined(&self, wanted: Arc<PlanRequest>) -> Result<Examined, WriteError> {
        let load = self.stored().await?;
        let catalog = self.catalog.clone();
        blocking(move || {
            let stored = Stored::from(load);
            examine(&wanted.definitions, &wanted.options, &stored, &catalog)
        })
        .await
    }

    async fn write(
        &self,
        plan: &Plan,
        principal: &str,
        turn: MutexGuard<'_, ()>,
    ) -> Result<Written<()>, WriteError> {
        let applied = plan.apply(&*self.source, principal).await?;
        let Some(revision) = applied.revision else {
            return Ok(Written::nothing());
        };
        let late = self.arrival(revision, turn).await;
        Ok(Written {
            value: (),
            revision: Some(revision),
            warnings: late.into_iter().collect(),
        })
    }
}

impl Written<()> {
    fn nothing() -> Self {
        Self {
            value: (),
            revision: None,
            warnings: Vec::new(),
        }
    }
}
