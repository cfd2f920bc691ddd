//! Tools as a catalog keeps them: compiled once to know that they compile, and kept so where there is room on the [`Shelf`]. The
//! others are compiled again when they are called. See `docs/adr/0008-compiled-tools-belong-to-views.md`.

#[cfg(test)]
mod tests;

use super::{
    Base, CompiledTool, LiveTool, Shelf, ToolCompiler, ToolState, UsedVar, instance_names::var, shelf::Place,
    template::TemplateBounds,
};
use crate::live::Lived;
use mcp_common::{
    bounds::JsonBounds,
    catalog::{Compile, Compiled, ToolEntry, overridden_subject},
    definition::{
        Access, InstanceDefinition, RoleDefinition, SecretDefinition, ToolDefinition, UpstreamDefinition,
        instance::ToolOverrides, upstream::UpstreamProtocol,
    },
    key::{Definition, Kind},
    problem::{Problem, Problems},
    safe_mode::SafeMode,
};
use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError, Weak, atomic::Ordering},
};

/// Tools that are kept when they arrive, before anybody asks for them: gateways of usual size never compile on the way of a
/// request.
const KEPT_UNASKED: usize = 1_000;

/// A tool that is known to compile, with what an instance says about its arguments or without.
pub struct StoredTool {
    overrides: Option<Arc<ToolOverrides>>,
    needs: Box<[UsedVar]>,
    /// What the author of the instance should know of what it says.
    warnings: Box<[String]>,
    /// The HTTP service that calls go to, by id.
    upstream: Option<Arc<str>>,
    /// What calls of the tool itself change, the same for all versions of its definition; `None` where they change nothing.
    state: Option<Arc<Lived<ToolState>>>,
    /// When this version came: a later one has a higher number.
    version: u64,
    /// About the bytes that it takes, compiled.
    memory: u64,
    shelf: Arc<Shelf>,
    place: Arc<Place>,
    /// Shared by the calls that have it now. Locked while it is compiled.
    in_use: Mutex<Weak<CompiledTool>>,
}

impl Compile for ToolCompiler {
    type Tool = StoredTool;

    fn compile(&self, definition: &ToolDefinition) -> Result<Compiled<StoredTool>, Problems> {
        let access = self.check_access(definition.access.as_ref());
        let compiled = Self::compile(self, definition);
        let Compiled { tool, warnings } = match (compiled, access) {
            (Ok(compiled), None) => compiled,
            (Ok(_), Some(problem)) => return Err(problem.into()),
            (Err(mut problems), access) => {
                problems.0.extend(access);
                return Err(problems);
            }
        };
        let id = &tool.signature.id;
        let state = match tool.target.has_state() {
            true => Some(self.states.of(id)),
            // What an earlier version left stays for a later one.
            false => self.states.find(id),
        };
        let version = self.versions.fetch_add(1, Ordering::Relaxed) + 1;
        let tool = StoredTool::new(self, tool, None, (state, version));
        Ok(Compiled { tool, warnings })
    }

    fn with_overrides(
        &self,
        tool: &ToolEntry<StoredTool>,
        overrides: &Arc<ToolOverrides>,
    ) -> Result<StoredTool, Problems> {
        let own = tool.compiled.compiled(self, tool)?;
        let changed = own.with_overrides(overrides)?;
        // What calls change is the tool's own, whichever instance they come through.
        Ok(StoredTool::new(self, changed, Some(overrides.clone()), (None, 0)))
    }

    fn override_warnings<'t>(&self, tool: &'t StoredTool) -> &'t [String] {
        &tool.warnings
    }

    fn safe_mode(&self) -> Option<&SafeMode> {
        self.safe_mode.as_deref()
    }

    fn bounds(&self) -> JsonBounds {
        self.bounds.definition()
    }

    fn check_document(&self, kind: Kind, definition: &Definition) -> Result<(), Problems> {
        let mut problems = Vec::new();
        if kind == Kind::ROLE {
            let role: Option<&RoleDefinition> = definition.downcast_ref();
            problems.extend(role.into_iter().flat_map(|role| self.check_role(role)));
        } else if kind == Kind::UPSTREAM {
            let upstream: Option<&UpstreamDefinition> = definition.downcast_ref();
            let probed = upstream.zip(self.probes.as_ref());
            problems.extend(
                probed
                    .into_iter()
                    .flat_map(|(upstream, probes)| probes.check(&upstream.health)),
            );
            if let Some(service) = upstream.filter(|upstream| upstream.protocol == UpstreamProtocol::Http) {
                problems.extend(Base::check(service).err().into_iter().flat_map(|found| found.0));
                return none_of(problems);
            }
            problems.extend(
                upstream
                    .into_iter()
                    .flat_map(|upstream| self.check_upstream(upstream)),
            );
        }
        none_of(problems)
    }

    fn check_secret(&self, secret: &SecretDefinition) -> Result<(), String> {
        self.vault.as_ref().map_or(Ok(()), |vault| vault.check(secret))
    }

    fn knows_secrets(&self) -> bool {
        !self.is_without_store
    }

    fn check_instance(&self, instance: &InstanceDefinition) -> Result<(), Problems> {
        let mut problems = self.check_outputs(instance);
        problems.extend(self.check_access(instance.access.as_ref()));
        none_of(problems)
    }

    fn check_needs(
        &self,
        tool: &ToolEntry<StoredTool>,
        instance: &InstanceDefinition,
    ) -> Result<(), Problems> {
        let missing = |needed: &&UsedVar| var(&instance.vars, &needed.path).is_none();
        let problem = |needed: &UsedVar| {
            let field = format!("vars.{}", needed.path.join("."));
            let reason = format!("is missing: the tool `{}` needs it in {}", tool.id, needed.field);
            Problem::at(field, reason)
        };
        none_of(tool.compiled.needs.iter().filter(missing).map(problem).collect())
    }
}

impl ToolCompiler {
    fn check_access(&self, access: Option<&Access>) -> Option<Problem> {
        let condition = access?.when.as_deref()?;
        let bounds = TemplateBounds::from(&*self.bounds);
        self.conditions.check("access.when", condition, bounds).err()
    }

    fn check_role(&self, role: &RoleDefinition) -> Vec<Problem> {
        let bounds = TemplateBounds::from(&*self.bounds);
        role.conditions()
            .filter_map(|(field, condition)| self.conditions.check(&field, condition, bounds).err())
            .collect()
    }
}

fn none_of(problems: Vec<Problem>) -> Result<(), Problems> {
    match problems.is_empty() {
        true => Ok(()),
        false => Err(Problems(problems)),
    }
}

impl StoredTool {
    fn new(
        compiler: &ToolCompiler,
        tool: CompiledTool,
        overrides: Option<Arc<ToolOverrides>>,
        (state, version): (Option<Arc<Lived<ToolState>>>, u64),
    ) -> Self {
        let (shelf, place) = (compiler.shelf.clone(), Place::empty());
        let tool = Arc::new(tool);
        shelf.offer(&place, &tool, KEPT_UNASKED);
        Self {
            overrides,
            state,
            version,
            needs: tool.needs.clone(),
            warnings: tool
                .overridden
                .iter()
                .flat_map(|own| own.warnings.clone())
                .collect(),
            upstream: tool.target.upstream().cloned(),
            memory: tool.memory,
            shelf,
            place,
            in_use: Mutex::new(Weak::new()),
        }
    }

    /// The HTTP service that calls go to, by id; `None` where the tool says itself where they go.
    pub fn upstream(&self) -> Option<&Arc<str>> {
        self.upstream.as_ref()
    }

    /// About the bytes that it takes, compiled.
    pub(crate) fn memory(&self) -> u64 {
        self.memory
    }

    /// Ready to be called, if it is kept compiled.
    pub(crate) fn kept(&self) -> Option<Arc<CompiledTool>> {
        self.place.tool()
    }

    /// Ready to be listed and called; `entry` is the tool's own. It compiled before, so that an error means that something
    /// outside its document has changed.
    pub fn compiled(
        &self,
        compiler: &ToolCompiler,
        entry: &ToolEntry<Self>,
    ) -> Result<Arc<CompiledTool>, Problems> {
        if let Some(tool) = self.kept() {
            return Ok(tool);
        }
        // Held while compiling: who else wants it waits for it instead of making another one.
        let mut in_use = self.in_use.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tool) = self.kept() {
            return Ok(tool);
        }
        let tool = match in_use.upgrade() {
            Some(tool) => tool,
            None => Arc::new(self.compile(compiler, entry)?),
        };
        *in_use = Arc::downgrade(&tool);
        self.shelf.keep(&self.place, &tool);
        Ok(tool)
    }

    fn compile(&self, compiler: &ToolCompiler, entry: &ToolEntry<Self>) -> Result<CompiledTool, Problems> {
        self.shelf.count_again();
        match &self.overrides {
            Some(overrides) => {
                let own = entry.compiled.compiled(compiler, entry)?;
                let subject = overridden_subject(entry, overrides);
                compiler.guarded(&subject, None, || own.with_overrides(overrides))
            }
            None => Ok(compiler.compile_document(&entry.id, &entry.document)?.tool),
        }
    }
}

impl Drop for StoredTool {
    fn drop(&mut self) {
        self.shelf.forget(&self.place);
    }
}

impl StoredTool {
    /// The tool for calls. The limits that hold are those of the newest version that was asked; `compiled` is this one, with what
    /// an instance says about its arguments or without.
    pub(crate) fn live(&self, compiled: Arc<CompiledTool>) -> LiveTool {
        let state = self.state.clone();
        if let Some(state) = &state {
            state.govern(self.version, &compiled);
        }
        LiveTool { compiled, state }
    }
}

impl fmt::Debug for StoredTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredTool")
            .field("is_kept", &!self.place.is_empty())
            .finish_non_exhaustive()
    }
}
