//! What the catalog keeps of a tool. Compiled it takes many times the memory of its document, and of a hundred thousand
//! tools few are ever called: beyond a bound only the proof that it compiles is kept, and the instances' views compile
//! it again when they are built. See `docs/adr/0008-compiled-tools-belong-to-views.md`.

use super::{CompiledTool, LiveTool, ToolCompiler, ToolState, UsedVar, instance_names::var};
use crate::live::Lived;
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
    /// What calls of the tool itself change, the same for all versions of its definition; `None` where they change nothing.
    state: Option<Arc<Lived<ToolState>>>,
    /// When this version came: a later one has a higher number.
    version: u64,
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
    fn new(
        compiler: &ToolCompiler,
        tool: CompiledTool,
        overrides: Option<Arc<ToolOverrides>>,
        (state, version): (Option<Arc<Lived<ToolState>>>, u64),
    ) -> Self {
        Self {
            overrides,
            state,
            version,
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

    /// A tool with places and retries.
    fn put_bounded(catalog: &Catalog<ToolCompiler>, id: &str, concurrency: u32) {
        let revision = catalog.snapshot().revision + 1;
        let binding = format!(
            r#"{{"domain":"a.example","method":"GET","path":"/","retry":{{"max":1}},"limits":{{"concurrency":{concurrency}}}}}"#
        );
        let body = format!(r#"{{"name":"{id}","description":"d","tds_ext_info":{binding}}}"#);
        let changes = vec![Change::Put(Record {
            key: Key::tool(id.to_owned()),
            revision,
            updated_at: None,
            body: body.into(),
        })];
        catalog.apply(Batch { revision, changes });
    }

    fn resolved(catalog: &Catalog<ToolCompiler>, id: &str) -> (Arc<CompiledTool>, Arc<Lived<ToolState>>) {
        let entry = catalog.snapshot().tools[id].clone();
        let tool = entry.compiled.compiled(catalog.compiler(), &entry).unwrap();
        let state = entry.compiled.live(tool.clone()).state.unwrap();
        (tool, state)
    }

    #[test]
    fn what_calls_used_up_stays_used_up_in_the_next_version_and_after_the_tool_was_given_up() {
        let catalog = Catalog::new(ToolCompiler::default());
        put(&catalog, 0..KEPT_AT_MOST, "One.");
        put_bounded(&catalog, "bounded", 1);
        let (tool, state) = resolved(&catalog, "bounded");
        while state.retries.spend() {}
        let gone = Arc::downgrade(&tool);
        drop((tool, state));
        assert!(gone.upgrade().is_none(), "it is not kept");
        assert!(!resolved(&catalog, "bounded").1.retries.spend());
        put_bounded(&catalog, "bounded", 2);
        assert!(!resolved(&catalog, "bounded").1.retries.spend());
        // A version that has no use for it leaves it to the next one.
        let key = Key::tool("bounded".to_owned());
        let plain = r#"{"name":"b","description":"d","tds_ext_info":{"domain":"a.example","method":"GET","path":"/"}}"#;
        let revision = catalog.snapshot().revision + 1;
        let record = Record {
            key,
            revision,
            updated_at: None,
            body: plain.into(),
        };
        catalog.apply(Batch {
            revision,
            changes: vec![Change::Put(record)],
        });
        put_bounded(&catalog, "bounded", 2);
        assert!(!resolved(&catalog, "bounded").1.retries.spend());
    }

    #[test]
    fn the_limit_of_the_newest_version_holds_for_all_who_call() {
        let catalog = Catalog::new(ToolCompiler::default());
        put_bounded(&catalog, "bounded", 1);
        let before = catalog.snapshot().tools["bounded"].clone();
        let (old, state) = resolved(&catalog, "bounded");
        let under_way = state.gate.try_enter().unwrap();
        assert!(state.gate.try_enter().is_none());

        put_bounded(&catalog, "bounded", 3);
        assert!(
            state.gate.try_enter().is_none(),
            "nobody has asked for the new one"
        );
        let (_, now) = resolved(&catalog, "bounded");
        assert!(Arc::ptr_eq(&state, &now));
        let more = (now.gate.try_enter(), now.gate.try_enter());
        assert!(more.0.is_some() && more.1.is_some() && now.gate.try_enter().is_none());

        // A view of the old version that is built late changes nothing.
        before.compiled.live(old);
        assert_eq!(now.gate.most(), 3);
        drop((under_way, more));
        put_bounded(&catalog, "bounded", 1);
        let (_, now) = resolved(&catalog, "bounded");
        let one = now.gate.try_enter();
        assert!(one.is_some() && now.gate.try_enter().is_none());
    }

    #[test]
    fn a_state_goes_with_its_definition_and_drafts_leave_none() {
        let catalog = Catalog::new(ToolCompiler::default());
        put(&catalog, 0..3, "One.");
        assert_eq!(catalog.compiler().states(), 0, "calls share nothing");
        put_bounded(&catalog, "a", 1);
        put_bounded(&catalog, "b", 1);
        assert_eq!(catalog.compiler().states(), 2);
        let draft = catalog.snapshot().tools["a"].document.clone();
        catalog.check(&Key::tool("c".to_owned()), &draft).unwrap();
        assert_eq!(catalog.compiler().states(), 2);

        let (_, in_use) = resolved(&catalog, "a");
        let revision = catalog.snapshot().revision + 1;
        let delete = |id: &str| Change::Delete {
            key: Key::tool(id.to_owned()),
            revision,
        };
        let changes = vec![delete("a"), delete("b")];
        catalog.apply(Batch { revision, changes });
        assert_eq!(catalog.compiler().states(), 1, "one is in use");
        drop(in_use);
        assert_eq!(catalog.compiler().states(), 0);
    }
}
