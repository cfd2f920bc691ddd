//! Writes of many definitions: plans and imports.

use super::{WriteError, Writer, Written, blocking, reach};
use crate::{
    authoring::{
        change_plan::{Examined, Finding, Plan, PlanReport, PlanRequest, Stored, examine, name, notices},
        import::{Format, ImportOptions, Progress, Report, import},
    },
    tool::ToolCompiler,
};
use mcp_common::catalog::Catalog;
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
        let Examined { plan, mut report } = self.agreed(wanted, fingerprint).await?;
        let Written {
            revision, warnings, ..
        } = self.write(&plan, principal, turn, &Progress::default()).await?;
        report.revision = revision;
        Ok(Written {
            value: report,
            revision,
            warnings,
        })
    }

    /// Everything of [`apply`](Self::apply) but the writes.
    pub async fn rehearse(
        &self,
        wanted: Arc<PlanRequest>,
        fingerprint: Option<&str>,
    ) -> Result<PlanReport, WriteError> {
        let _turn = self.turn.lock().await;
        Ok(self.agreed(wanted, fingerprint).await?.report)
    }

    /// A plan that can be written, and is the one that somebody looked at.
    async fn agreed(
        &self,
        wanted: Arc<PlanRequest>,
        fingerprint: Option<&str>,
    ) -> Result<Examined, WriteError> {
        let examined = self.examined(wanted).await?;
        let report = &examined.report;
        if !report.problems.is_empty() {
            return Err(WriteError::Problems(report.problems.clone()));
        }
        if fingerprint.is_some_and(|fingerprint| fingerprint != report.fingerprint) {
            return Err(WriteError::OtherPlan);
        }
        Ok(examined)
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
        let mut load = self.source.load().await?;
        let for_catalog = self.loads_itself().then(|| load.clone());
        if for_catalog.is_none() {
            load = self.caught_up(load).await?;
        }
        let stored = Stored::from(load);
        let options = options.compiled_by(self.catalog.compiler().clone());
        let progress = options.progress.clone();
        let (mut plan, report) = blocking(move || import(format, &text, &options, &stored)).await??;
        let turn = self.turn.lock().await;
        if let Some(load) = for_catalog {
            // To compile a large store takes much longer than the import itself.
            self.take(reach::of_plan(&plan, load)).await?;
        }
        let (catalog, previewed) = (self.catalog.clone(), plan.clone());
        // Their places on the shelf are for the tools that the catalog compiles when they arrive.
        plan.drafts.clear();
        let report = blocking(move || foreseen(&previewed, &catalog, report)).await??;
        let Written {
            revision, warnings, ..
        } = if dry_run {
            Written::nothing()
        } else {
            self.write(&plan, principal, turn, &progress).await?
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
        progress: &Progress,
    ) -> Result<Written<()>, WriteError> {
        let applied = plan.apply(&*self.source, principal, progress).await?;
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

/// What the import comes to as a whole: why it cannot be made, or what its author and clients will notice.
fn foreseen(plan: &Plan, catalog: &Catalog<ToolCompiler>, mut report: Report) -> Result<Report, WriteError> {
    let preview = plan.preview(catalog);
    if let Some(refusal) = preview.refusal() {
        return Err(WriteError::NotImported(refusal));
    }
    let warnings = preview.warnings.iter().flat_map(|(key, warnings)| {
        let finding = |reason: &String| Finding {
            definition: name(key),
            reason: reason.clone(),
            ..Finding::default()
        };
        warnings.iter().map(finding)
    });
    report.warnings = warnings.collect();
    let now = catalog.compiler();
    report.clients = notices(&preview, now, &plan.compiler(now));
    report.breaking = report.clients.iter().any(|notice| notice.breaking);
    Ok(report)
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
