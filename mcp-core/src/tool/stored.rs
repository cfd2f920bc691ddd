//! What the catalog keeps of a tool. Compiled it takes many times the memory of its document, and of a hundred thousand
//! tools few are ever called: beyond a bound only the proof that it compiles is kept, and the instances' views compile
//! it again when they are built. See `docs/adr/0008-compiled-tools-belong-to-views.md`.

use super::{CompiledTool, ToolCompiler, UsedVar, instance_names::var};
use mcp_common::{
    bounds::JsonBounds,
    catalog::{Compile, Compiled, ToolEntry, overridden_subject},
    definition::{InstanceDefinition, ToolDefinition, instance::ToolOverrides},
    problem::{Problem, Problems},
    safe_mode::SafeMode,
};
use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Tools that stay compiled, whoever uses them: gateways of usual size never compile on the way of a request.
const KEPT_AT_MOST: usize = 1_000;

/// A tool that is known to compile, with what an instance says about its arguments or without.
pub struct StoredTool {
    overrides: Option<Arc<ToolOverrides>>,
    needs: Box<[UsedVar]>,
    kept: Option<Kept>,
    /// Shared by the views that have it now.
    in_use: Mutex<Weak<CompiledTool>>,
}

/// One of the places in the bound.
struct Kept {
    tool: Arc<CompiledTool>,
    taken: Arc<AtomicUsize>,
}

impl Compile for ToolCompiler {
    type Tool = StoredTool;

    fn compile(&self, definition: &ToolDefinition) -> Result<Compiled<StoredTool>, Problems> {
        let Compiled { tool, warnings } = Self::compile(self, definition)?;
        let tool = StoredTool::new(self, tool, None);
        Ok(Compiled { tool, warnings })
    }

    fn with_overrides(
        &self,
        tool: &ToolEntry<StoredTool>,
        overrides: &Arc<ToolOverrides>,
    ) -> Result<StoredTool, Problems> {
        let own = tool.compiled.compiled(self, tool)?;
        let changed = own.with_overrides(overrides)?;
        Ok(StoredTool::new(self, changed, Some(overrides.clone())))
    }

    fn safe_mode(&self) -> Option<&SafeMode> {
        self.safe_mode.as_deref()
    }

    fn bounds(&self) -> JsonBounds {
        self.bounds.definition()
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
        let problems: Vec<_> = tool.compiled.needs.iter().filter(missing).map(problem).collect();
        match problems.is_empty() {
            true => Ok(()),
            false => Err(Problems(problems)),
        }
    }
}

impl StoredTool {
    fn new(compiler: &ToolCompiler, tool: CompiledTool, overrides: Option<Arc<ToolOverrides>>) -> Self {
        Self {
            overrides,
            needs: tool.needs.clone(),
            kept: Kept::place(&compiler.kept, tool),
            in_use: Mutex::new(Weak::new()),
        }
    }

    /// Ready to be listed and called; `entry` is the tool's own. It compiled before, so that an error means that something
    /// outside its document has changed.
    pub fn compiled(
        &self,
        compiler: &ToolCompiler,
        entry: &ToolEntry<Self>,
    ) -> Result<Arc<CompiledTool>, Problems> {
        if let Some(kept) = &self.kept {
            return Ok(kept.tool.clone());
        }
        // Held while compiling: who else wants it waits for it instead of making another one.
        let mut in_use = self.in_use.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tool) = in_use.upgrade() {
            return Ok(tool);
        }
        let tool = match &self.overrides {
            Some(overrides) => {
                let own = entry.compiled.compiled(compiler, entry)?;
                let subject = overridden_subject(entry, overrides);
                compiler.guarded(&subject, None, || own.with_overrides(overrides))?
            }
            None => compiler.compile_document(&entry.id, &entry.document)?.tool,
        };
        let tool = Arc::new(tool);
        *in_use = Arc::downgrade(&tool);
        Ok(tool)
    }
}

impl Kept {
    fn place(taken: &Arc<AtomicUsize>, tool: CompiledTool) -> Option<Self> {
        let more = |now| (now < KEPT_AT_MOST).then_some(now + 1);
        taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .ok()?;
        Some(Self {
            tool: Arc::new(tool),
            taken: taken.clone(),
        })
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for StoredTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_kept = self.kept.is_some();
        f.debug_struct("StoredTool")
            .field("kept", &is_kept)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{spec::Era, tool::Target};
    use mcp_common::{
        catalog::Catalog,
        datasource::{Batch, Change, Record},
        key::Key,
    };

    fn put(catalog: &Catalog<ToolCompiler>, tools: std::ops::Range<usize>, description: &str) {
        let from = catalog.snapshot().revision;
        let record = |(number, revision): (usize, u64)| {
            let body = format!(
                r#"{{"name":"t{number}","description":"{description}","input_schema":{{"properties":{{"a":{{}}}}}},"tds_ext_info":{{"domain":"a.example","method":"GET","path":"/"}}}}"#
            );
            let key = Key::tool(format!("t{number:04}"));
            Change::Put(Record {
                key,
                revision,
                updated_at: None,
                body: body.into(),
            })
        };
        let changes: Vec<_> = tools.zip(from + 1..).map(record).collect();
        let revision = from + changes.len() as u64;
        catalog.apply(Batch { revision, changes });
    }

    #[test]
    fn few_tools_stay_compiled_and_of_many_those_in_use() {
        let catalog = Catalog::new(ToolCompiler::default());
        put(&catalog, 0..KEPT_AT_MOST + 1, "One.");
        let snapshot = catalog.snapshot();
        let compiled = |id: &str| {
            let entry = &snapshot.tools[id];
            entry.compiled.compiled(catalog.compiler(), entry).unwrap()
        };
        // A batch is compiled by several threads: which one comes last is open.
        let (kept, others): (Vec<_>, Vec<_>) = snapshot
            .tools
            .iter()
            .partition(|(_, entry)| entry.compiled.kept.is_some());
        assert_eq!((kept.len(), others.len()), (KEPT_AT_MOST, 1));
        let first = Arc::downgrade(&compiled(kept[0].0));
        assert!(first.upgrade().is_some());
        let other = others[0].0;
        let used = compiled(other);
        assert!(Arc::ptr_eq(&used, &compiled(other)), "views share it");
        let unused = Arc::downgrade(&used);
        drop(used);
        assert!(unused.upgrade().is_none(), "nobody uses it");
        assert!(compiled(other).listing("x", None, Era::Modern).contains("One."));
    }

    #[test]
    fn instances_that_change_a_tool_share_its_call_although_it_does_not_stay_compiled() {
        let catalog = Catalog::new(ToolCompiler::default());
        put(&catalog, 0..KEPT_AT_MOST + 1, "One.");
        let snapshot = catalog.snapshot();
        let (_, entry) = (snapshot.tools.iter())
            .find(|(_, entry)| entry.compiled.kept.is_none())
            .unwrap();
        let compiler = catalog.compiler();
        let with = |value: &str| {
            let overrides = Arc::new(ToolOverrides {
                defaults: [("a".to_owned(), value.into())].into(),
                hide: Vec::new(),
            });
            let stored = Compile::with_overrides(compiler, entry, &overrides).unwrap();
            stored.compiled(compiler, entry).unwrap()
        };
        let (one, other) = (with("1"), with("2"));
        let own = entry.compiled.compiled(compiler, entry).unwrap();
        let call = |tool: &CompiledTool| match &tool.target {
            Target::Http(call) => call.clone(),
            Target::Static(_) => panic!("it is an HTTP request"),
        };
        assert!(Arc::ptr_eq(&call(&one), &call(&other)) && Arc::ptr_eq(&call(&one), &call(&own)));
        let unused = Arc::downgrade(&own);
        drop((one, other, own));
        assert!(unused.upgrade().is_none(), "nobody uses it");
    }

    #[test]
    fn a_tool_that_is_replaced_gives_its_place_up() {
        let catalog = Catalog::new(ToolCompiler::default());
        put(&catalog, 0..KEPT_AT_MOST, "One.");
        for _ in 0..3 {
            put(&catalog, 0..10, "Two.");
            put(&catalog, 0..10, "Three.");
        }
        let taken = catalog.compiler().kept.load(Ordering::Relaxed);
        assert!((KEPT_AT_MOST - 10..=KEPT_AT_MOST).contains(&taken), "{taken}");
    }
}
