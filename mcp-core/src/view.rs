//! What one instance looks like compiled: its tools by name and the bytes of its answers. Immutable; a request reads
//! one view from start to end.

mod cache;
mod capabilities;
mod collection;
mod cursor;
mod kinds;
mod listed;
mod narrowed;
mod offer;
mod prepared;
mod shown;
mod upstreams;

use crate::{
    relay::Origin,
    spec::{Era, MODERN, Method},
    telemetry::{Metrics, ToolMetrics},
    tool::{InstanceNames, MirroredHeader, ShownTool, StoredTool, ToolCompiler},
};
pub use cache::Views;
use capabilities::Capabilities;
use collection::{Collection, ListStyle};
pub(crate) use cursor::Cursor;
pub(crate) use kinds::{ListKind, PerList};
pub use listed::{ListedTool, listed};
use mcp_common::{
    authenticator::{CommonLimits, LimitScope, Principal},
    catalog::{InstanceEntry, Selected},
    definition::{Access, Unmet, role::Thing},
};

pub use narrowed::Sight;
pub use offer::{Inventories, Item, NoInventories, Offer, Resources, Unlisted};
pub(crate) use prepared::PreparedList;
use serde_json::json;
use shown::Shown;
use std::{collections::BTreeMap, sync::Arc};
pub use upstreams::UpstreamInventories;
pub(crate) use upstreams::finished::Finishing;

/// How lists are answered.
#[derive(Clone, Debug)]
pub struct ViewSettings {
    /// Tools on one page of `tools/list`.
    pub page_size: usize,
    /// How long a client may keep a list (2026-07-28, `ttlMs`), in milliseconds.
    pub list_ttl_ms: u64,
}

impl Default for ViewSettings {
    fn default() -> Self {
        Self {
            page_size: 500,
            list_ttl_ms: 60_000,
        }
    }
}

/// One instance, ready to be served.
pub struct InstanceView {
    /// The definition it was built from.
    pub entry: Arc<InstanceEntry<StoredTool>>,
    tools: Collection<ViewTool>,
    resources: Option<ViewResources>,
    prompts: Option<Collection<Arc<dyn Origin>>>,
    tasks: BTreeMap<Arc<str>, Arc<dyn Origin>>,
    /// Whom its tools are for, where they say so: each of these once.
    for_whom: Box<[Arc<Access>]>,
    /// What all callers together may do through it.
    pub(crate) limits: Option<Arc<CommonLimits>>,
    /// The epoch of the inventories when it was built.
    epoch: u64,
    /// That of the HTTP services which tools are called at.
    bases_epoch: u64,
    pub(crate) capabilities: Capabilities,
    /// The result of `server/discover`.
    pub(crate) discover: String,
    /// What 2026-07-28 wants in an answer that is not to be kept.
    pub(crate) uncached: &'static str,
    /// `serverInfo` as a JSON object.
    pub(crate) server_info: String,
    /// What templates can name of it.
    pub(crate) names: InstanceNames,
}

struct ViewResources {
    resources: Collection<Arc<dyn Origin>>,
    templates: Collection<Arc<dyn Origin>>,
    unlisted: Option<Unlisted>,
    are_limited: bool,
}

/// One tool under the name it has in the instance.
pub(crate) struct ViewTool {
    pub(crate) name: Arc<str>,
    pub(crate) callee: Callee,
    /// When calls of it are allowed, as it and its instance say.
    pub(crate) conditions: Box<[Condition]>,
    /// What all callers together may call of it, and of whatever it is called at.
    pub(crate) limits: Box<[Arc<CommonLimits>]>,
    pub(crate) metrics: ToolMetrics,
}

/// What is called.
pub(crate) enum Callee {
    /// A tool of a definition.
    Defined(ShownTool),
    /// A tool that another server offers, and which of its arguments are repeated in headers.
    Origin(Arc<dyn Origin>, Arc<[MirroredHeader]>),
}

/// A condition that stands where a tool or an instance is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// For people: `` `access` of the tool ``.
    pub place: &'static str,
    /// The expression.
    pub when: Arc<str>,
}

impl InstanceView {
    /// Renders the instance, with what other servers offer through it; of all that, what somebody with these rights sees.
    pub fn build(
        entry: Arc<InstanceEntry<StoredTool>>,
        compiler: &ToolCompiler,
        inventories: &dyn Inventories,
        sight: Sight<'_>,
        settings: &ViewSettings,
        metrics: &Metrics,
    ) -> Self {
        metrics.views_built.inc();
        // In this order: an inventory that changes meanwhile makes this view one of before.
        let epoch = inventories.epoch(&entry);
        let bases_epoch = compiler.bases().epoch();
        let mut offer = inventories.offer(&entry);
        let capabilities = Capabilities::of(&offer);
        sight.narrow(&mut offer, &entry);
        let definition = &entry.definition;
        let info = json!({"name": format!("dynmcp-{}", definition.id), "title": definition.name, "version": env!("CARGO_PKG_VERSION")});
        let server_info = info.to_string();
        let tail = format!(
            "\"ttlMs\":{},\"cacheScope\":\"private\",\"_meta\":{{\"io.modelcontextprotocol/serverInfo\":{server_info}}}",
            settings.list_ttl_ms
        );
        let mut discover = format!(
            "{{\"resultType\":\"complete\",\"supportedVersions\":{},\"capabilities\":{},",
            json!(MODERN),
            json!(capabilities)
        );
        if let Some(instructions) = &definition.description {
            discover.extend(["\"instructions\":", &json!(instructions).to_string(), ","]);
        }
        discover.extend([&tail, "}"]);
        let style = ListStyle {
            page_size: settings.page_size,
            modern_after: format!(",{tail}"),
        };
        let tools = Shown::new(&entry, compiler, sight).members(offer.tools, metrics);
        let origins = |name: &str, items| {
            Collection::build(name, &style, offer::members(items, |item| item.origin.clone()))
        };
        let resources = offer.resources.map(|offered| ViewResources {
            resources: origins("resources", offered.resources),
            templates: origins("resourceTemplates", offered.templates),
            unlisted: offered.unlisted,
            are_limited: offered.are_limited,
        });
        Self {
            tools: Collection::build("tools", &style, tools),
            resources,
            prompts: offer.prompts.map(|items| origins("prompts", items)),
            tasks: offer.tasks,
            for_whom: narrowed::for_whom(&entry),
            limits: CommonLimits::of(LimitScope::Instance, &definition.id, definition.limits),
            epoch,
            bases_epoch,
            capabilities,
            discover,
            uncached: ",\"ttlMs\":0,\"cacheScope\":\"private\"",
            server_info,
            names: InstanceNames::of(&entry.definition),
            entry,
        }
    }

    /// The names of its tools.
    pub fn tool_names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.tools.keys()
    }

    /// The tags of a tool; none for one that another server offers.
    pub fn tags_of(&self, name: &str) -> &[Arc<str>] {
        let is_defined = |tool: &ViewTool| matches!(tool.callee, Callee::Defined(_));
        let selected = self.tool(name).filter(|tool| is_defined(tool)).and_then(|_| {
            let mut tools = self.entry.selection.tools.iter();
            tools.find(|selected| *selected.name == *name)
        });
        selected.map_or(&[], |selected| &selected.tool.tags)
    }

    /// What the tool and its instance say about calls of it.
    pub fn conditions_of(&self, name: &str) -> &[Condition] {
        self.tool(name).map_or(&[], |tool| &tool.conditions)
    }

    /// What a tool says about who may use it.
    pub fn access_of(&self, name: &str) -> Option<&Access> {
        self.selected(name)?.tool.access.as_deref()
    }

    /// The limits that all callers share which hold for calls of a tool, the narrowest first.
    pub fn limits_of(&self, tool: &str) -> impl Iterator<Item = &Arc<CommonLimits>> {
        let of_tool = self.tool(tool).map_or(&[][..], |tool| &tool.limits);
        of_tool.iter().chain(&self.limits)
    }

    /// Those of whatever answers for a resource. Where there are none, nobody looks for it.
    pub(crate) fn limits_of_resource(&self, uri: &str) -> Option<Arc<CommonLimits>> {
        let offered = self.resources.as_ref()?;
        let origin = offered.are_limited.then(|| self.resource(uri))??;
        origin.limits().cloned()
    }

    /// The scopes that a caller would need for a tool that is hidden only for want of them.
    pub(crate) fn scopes_for(&self, caller: &Principal, name: &str) -> Option<Vec<String>> {
        // A key never has scopes: there is nothing that its holder could ask for.
        let grant = caller.grant.as_deref().filter(|grant| grant.key().is_none())?;
        let selected = self.selected(name)?;
        let thing = Thing::Tool(&selected.name, &selected.tool.tags);
        let is_shown = grant.rights().shows(&self.entry.definition.id, thing);
        match selected
            .tool
            .access
            .as_deref()
            .filter(|_| is_shown)?
            .met_by(caller)
        {
            Err(Unmet::Scopes(scopes)) => Some(scopes),
            _ => None,
        }
    }

    fn selected(&self, name: &str) -> Option<&Selected<StoredTool>> {
        let mut tools = self.entry.selection.tools.iter();
        tools.find(|selected| *selected.name == *name)
    }

    pub(crate) fn tool(&self, name: &str) -> Option<&ViewTool> {
        self.tools.get(name)
    }

    /// What answers for a resource, listed or not.
    pub(crate) fn resource(&self, uri: &str) -> Option<Arc<dyn Origin>> {
        let offered = self.resources.as_ref()?;
        let listed = offered.resources.get(uri).cloned();
        listed.or_else(|| offered.unlisted.as_ref().and_then(|unlisted| unlisted(uri)))
    }

    pub(crate) fn template(&self, uri_template: &str) -> Option<&Arc<dyn Origin>> {
        self.resources.as_ref()?.templates.get(uri_template)
    }

    pub(crate) fn prompt(&self, name: &str) -> Option<&Arc<dyn Origin>> {
        self.prompts.as_ref()?.get(name)
    }

    /// What answers for the tasks of an upstream.
    pub(crate) fn task(&self, upstream: &str) -> Option<&Arc<dyn Origin>> {
        self.tasks.get(upstream)
    }

    /// The list that a method shows, as that era has it; `None` where the instance has none.
    pub(crate) fn list(&self, method: Method, era: Era) -> Option<&PreparedList> {
        Some(match method {
            Method::ToolsList => self.tools.list(era),
            Method::ResourcesList => self.resources.as_ref()?.resources.list(era),
            Method::ResourcesTemplatesList => self.resources.as_ref()?.templates.list(era),
            Method::PromptsList => self.prompts.as_ref()?.list(era),
            _ => return None,
        })
    }

    /// Which lists a client that listed the other view's may see a difference in: what of the view a caller sees depends on whom its tools are for.
    pub(crate) fn differs_from(&self, other: &Self) -> PerList<bool> {
        let differs = |method| {
            let entries = |view: &Self| view.list(method, Era::Modern).map(|list| list.entries().clone());
            entries(self) != entries(other)
        };
        PerList::of(|list| match list {
            ListKind::Tools => differs(Method::ToolsList) || !self.is_for_the_same_as(other),
            ListKind::Resources => differs(Method::ResourcesList) || differs(Method::ResourcesTemplatesList),
            ListKind::Prompts => differs(Method::PromptsList),
        })
    }

    fn is_for_the_same_as(&self, other: &Self) -> bool {
        fn said(view: &InstanceView) -> impl Iterator<Item = (&str, &[Arc<str>], &[Arc<str>])> {
            let tools = view.entry.selection.tools.iter();
            tools.filter_map(|selected| {
                let access = selected.tool.access.as_deref()?;
                let is_about_callers = access.is_about_callers();
                is_about_callers.then_some((&*selected.name, &*access.roles, &*access.scopes))
            })
        }
        said(self).eq(said(other))
    }
}
