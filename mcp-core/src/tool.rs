//! Tools, compiled: everything that can be known before a call is worked out when the definition changes.

mod example;
mod finding;
pub(crate) mod http;
mod input_schema;
mod instance_names;
mod jq;
mod listing;
mod memory;
mod mirrored_header;
mod overrides;
pub(crate) mod pattern;
mod remote_arguments;
mod remote_shape;
mod required;
mod schema;
mod schema_bounds;
mod shelf;
mod shown;
mod signature;
mod state;
mod static_answer;
mod stored;
mod target;
pub(crate) mod template;
mod validator;

use crate::{
    egress::ProxyAddress,
    fleet::Probes,
    live::Home,
    secrets::{Secrets, Vault},
    spec::Era,
};
pub(crate) use finding::{Finding, Findings, More};
use http::transport::secrets::shortcomings;
pub(crate) use http::{
    Auth, AwsSigner, Base, Body, BodyPlan, Call, Content, Delivery, FieldSpelling, Format, Giver, HmacSigner,
    Member, MessagePiece, Multipart, Node, Omit, Origin, Param, ParamValue, Params, Part, PathPart,
    PathTemplate, Place, Placeholder, ResponseShape, Retry, Signer, TakenFields, TakenNames, TokenSource,
    header_name::read as read_header_name, is_dot_segment, transport::Transport,
};
pub use http::{Bases, NoRequestHeader, RequestHeader};
pub(crate) use input_schema::{Declared, Layout, is_hidden, resolve};
use input_schema::{InputSchema, accepts_everything};
pub use instance_names::InstanceNames;
pub(crate) use instance_names::var;
pub(crate) use jq::{Effort, Ended, Program};
use listing::Listing;
pub(crate) use listing::{Readable, readable_input, readable_output, unreadable_members, without_patterns};
use mcp_common::{
    bounds::Bounds,
    catalog::{Compiled, ToolEntry, draft},
    definition::{ToolDefinition, instance::ToolOverrides, tool::follows},
    document::Document,
    key::Key,
    problem::{Problem, Problems},
    safe_mode::{SafeMode, Subject},
};
pub use mirrored_header::{MirroredHeader, MirroredKind};
pub(crate) use overrides::{Group, Overridden};
pub(crate) use remote_arguments::RemoteArguments;
pub(crate) use remote_shape::RemoteShape;
use remote_shape::RemoteShapes;
use required::Required;
pub(crate) use schema::{Schema, Verdict, pattern_weight};
use serde_json::Value;
pub use shelf::Shelf;
pub(crate) use shown::ShownTool;
pub(crate) use signature::Signature;
pub(crate) use state::LiveTool;
pub use state::{Callable, ToolState};
pub(crate) use static_answer::StaticAnswer;
use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::AtomicU64},
};
pub use stored::StoredTool;
pub(crate) use target::Target;
pub(crate) use template::{
    AllowedHeaders, AnswerTemplates, AnswerText, CallerName, Condition, Filling, Leaf, Purpose, Reference,
    Template, Templates, Unrendered, UsedVar,
};
use template::{CallConditions, TemplateBounds};
pub(crate) use validator::{accepts, bounded, findings, unusable_patterns};

/// Compiles tool definitions.
#[derive(Clone, Debug, Default)]
pub struct ToolCompiler {
    /// The shelf where the tools of its catalog are kept compiled.
    shelf: Arc<Shelf>,
    /// Which version of a definition came after which.
    versions: Arc<AtomicU64>,
    /// What calls change, by the tool's id.
    states: Home<ToolState>,
    /// Where it is looked up whether secrets are there; nowhere without.
    secrets: Option<Secrets>,
    /// The secrets of the store, where there is one.
    vault: Option<Vault>,
    /// Whether definitions may name secrets of which nobody knows whether they are there.
    is_without_store: bool,
    /// The proxies that calls may lead through; without, none is looked at.
    proxies: Option<Vec<ProxyAddress>>,
    /// The HTTP services that tools name.
    bases: Bases,
    /// The services that a plan brings (`true`) or takes away, whatever there is now.
    planned: Arc<BTreeMap<Arc<str>, bool>>,
    /// What templates may name of clients' requests.
    request_headers: AllowedHeaders,
    /// Where it is written down what is being compiled.
    safe_mode: Option<Arc<SafeMode>>,
    /// Conditions of roles, compiled.
    conditions: CallConditions,
    /// How answers of upstreams' tools are shaped, compiled.
    remote_shapes: RemoteShapes,
    bounds: Arc<Bounds>,
    /// The probes that upstreams may name; `None` where nobody knows which there are.
    probes: Option<Probes>,
}

/// A tool that is ready to be listed and called. Immutable: what calls change is in its [`ToolState`].
#[derive(Debug)]
pub struct CompiledTool {
    listing: Listing,
    mirrored: Vec<MirroredHeader>,
    pub(crate) signature: Arc<Signature>,
    pub(crate) target: Target,
    /// `None`: the arguments are the tool's own.
    pub(crate) overridden: Option<Arc<Overridden>>,
    /// What its templates need of an instance.
    needs: Box<[UsedVar]>,
    /// About the bytes that it takes, with what it shares with others.
    memory: u64,
    /// The tool without overrides. Kept here, whoever wants it finds it and does not compile another one beside it.
    _own: Option<Arc<Self>>,
}

impl ToolCompiler {
    /// Whether a role's condition holds with these names.
    pub(crate) fn holds(&self, condition: &str, names: minijinja::Value) -> Result<bool, String> {
        self.conditions
            .holds(condition, TemplateBounds::from(&*self.bounds), names)
    }

    /// Warns of secrets that are not there, where these are the ones that calls will use.
    pub fn with_secrets(self, secrets: Secrets) -> Self {
        Self {
            secrets: Some(secrets),
            ..self
        }
    }

    /// Refuses definitions that name secrets of the store which cannot be opened, and encrypts those that are written.
    pub fn with_vault(self, vault: Vault) -> Self {
        Self {
            vault: Some(vault),
            ..self
        }
    }

    /// For definitions without a store: nobody knows which secrets there will be.
    pub fn without_store(self) -> Self {
        Self {
            is_without_store: true,
            ..self
        }
    }

    /// The secrets of the store, where there is one.
    pub fn vault(&self) -> Option<&Vault> {
        self.vault.as_ref()
    }

    /// Warns of proxies that are not among these, which are those that calls may use.
    pub fn with_proxies(self, proxies: Vec<ProxyAddress>) -> Self {
        Self {
            proxies: Some(proxies),
            ..self
        }
    }

    /// Shows tools that name one of these services, and no others that name one. Without, nobody knows which services there are, and all are shown.
    pub fn with_bases(self, bases: Bases) -> Self {
        Self { bases, ..self }
    }

    /// The same once a plan is written that brings these services (`true`) or takes them away.
    pub(crate) fn planning(&self, planned: BTreeMap<Arc<str>, bool>) -> Self {
        Self {
            planned: Arc::new(planned),
            ..self.clone()
        }
    }

    /// Whether a plan brings this service or takes it away.
    pub(crate) fn plans(&self, service: &str) -> bool {
        self.planned.contains_key(service)
    }

    /// Whether there is a service of this id, or nobody has said yet which there are.
    pub(crate) fn may_have(&self, service: &str) -> bool {
        let planned = self.planned.get(service).copied();
        planned.unwrap_or_else(|| self.bases.may_have(service))
    }

    /// Refuses upstreams that name a probe which is none of these, or settings that it does not take. Without, none is looked at.
    pub fn with_probes(self, probes: Probes) -> Self {
        Self {
            probes: Some(probes),
            ..self
        }
    }

    /// The HTTP services that tools name.
    pub fn bases(&self) -> &Bases {
        &self.bases
    }

    /// Lets templates name these headers of clients' requests; without, they may name none.
    pub fn with_request_headers(self, headers: Vec<RequestHeader>) -> Self {
        Self {
            request_headers: headers.into(),
            ..self
        }
    }

    /// Refuses definitions that are larger, deeper or more complex than these; without, than the defaults.
    pub fn with_bounds(self, bounds: Arc<Bounds>) -> Self {
        Self { bounds, ..self }
    }

    /// How many tools have a state that calls share. It goes with the definition.
    pub fn states(&self) -> usize {
        self.states.len()
    }

    /// What definitions may have.
    pub fn bounds(&self) -> &Arc<Bounds> {
        &self.bounds
    }

    /// Keeps compiled tools there; without, on a shelf of the default size.
    pub fn with_shelf(self, shelf: Arc<Shelf>) -> Self {
        Self { shelf, ..self }
    }

    /// The shelf where tools are kept compiled.
    pub fn shelf(&self) -> &Arc<Shelf> {
        &self.shelf
    }

    /// Writes down what is being compiled, and does not compile what processes died of.
    pub fn with_safe_mode(self, safe_mode: Arc<SafeMode>) -> Self {
        Self {
            safe_mode: Some(safe_mode),
            ..self
        }
    }

    /// Reads and compiles a document, or says everything that is wrong.
    pub fn compile_document(
        &self,
        id: &Arc<str>,
        document: &Document,
    ) -> Result<Compiled<CompiledTool>, Problems> {
        let text = document.as_json().as_bytes();
        let subject = Subject::new(Key::tool(id.clone()), &[text]);
        self.guarded(&subject, Some(text), || {
            let read = ToolDefinition::read_and(id, document, |definition| self.compile(definition));
            read.map(|(_, compiled)| compiled)
        })
    }

    /// Reads and compiles a document that is not stored yet as the catalog would, or says everything that is wrong.
    pub fn draft(&self, id: &Arc<str>, document: &Document) -> Result<ToolEntry<StoredTool>, Problems> {
        let text = document.as_json().as_bytes();
        let subject = Subject::new(Key::tool(id.clone()), &[text]);
        self.guarded(&subject, Some(text), || draft(self, id, document))
    }

    fn guarded<T>(
        &self,
        subject: &Subject,
        text: Option<&[u8]>,
        compile: impl FnOnce() -> Result<T, Problems>,
    ) -> Result<T, Problems> {
        match &self.safe_mode {
            Some(safe_mode) => safe_mode.guard(subject, text, compile)?,
            None => compile(),
        }
    }

    /// A warning for what connections would not be made with now: files and configuration may change before the first
    /// call, and are not the same on every replica.
    fn idle_transport(&self, call: &Call) -> Vec<String> {
        let transport = call
            .delivery
            .as_ref()
            .and_then(|delivery| delivery.transport.as_ref());
        let Some(transport) = transport else {
            return Vec::new();
        };
        let mut warnings = Vec::new();
        if let (Some(proxy), Some(allowed)) = (&transport.proxy, &self.proxies)
            && !allowed.contains(&proxy.address)
        {
            warnings.push(format!(
                "tds_ext_info.proxy: {} is not in `egress.proxies` of the gateway's configuration; until it is, calls fail",
                proxy.address
            ));
        }
        if let Some(secrets) = &self.secrets {
            let found = shortcomings(transport, secrets).into_iter();
            warnings.extend(found.map(|(member, reason)| {
                format!("tds_ext_info.{member}: {reason}; until that is mended, calls fail")
            }));
        }
        warnings
    }

    /// A warning for a service that is not there: it may come later.
    fn missing_base(&self, call: &Call) -> Option<String> {
        let id = call.upstream()?;
        let is_missing = !self.may_have(id);
        is_missing.then(|| {
            format!(
                "tds_ext_info.upstream: there is no upstream `{id}` with `protocol: http` that is switched on; until there is, the tool is not shown"
            )
        })
    }

    /// A warning for each secret that is missing: it may be there before the first call.
    fn missing_secrets(&self, call: &Call) -> Vec<String> {
        let auth = call.delivery.as_ref().and_then(|delivery| delivery.auth.as_ref());
        let (Some(secrets), Some(auth)) = (&self.secrets, auth) else {
            return Vec::new();
        };
        let missing = auth
            .references()
            .into_iter()
            // The catalog looks after those of the store.
            .filter(|reference| reference.stored().is_none())
            .filter_map(|reference| secrets.find(reference).err());
        missing
            .map(|reason| format!("tds_ext_info.auth: {reason}; until it is there, calls fail"))
            .collect()
    }

    /// Compiles, or says everything that is wrong.
    pub fn compile(&self, definition: &ToolDefinition) -> Result<Compiled<CompiledTool>, Problems> {
        let mut problems = Vec::new();
        let bounds = &*self.bounds;
        let (input, unread) = match InputSchema::compile(definition, bounds) {
            Ok(input) => (input, None),
            Err(problem) => (InputSchema::unread(), Some(problem)),
        };
        let validator = validator::compile("input_schema", &input.value, bounds)
            .map(|validator| Schema::new(validator, &input.value))
            .map_err(|problem| problems.push(problem))
            .ok();
        let mirrored = mirrored_header::collect(&input.value, &mut problems);
        let raw_output = definition.output_schema.as_ref().map(|raw| raw.get());
        let output = raw_output.map(|raw| output_schema(raw, bounds)).transpose();
        let (output, listed_output) = output
            .map_err(|problem| problems.push(problem))
            .ok()
            .flatten()
            .unzip();
        let mut warnings = Vec::new();
        let listing = Listing::compile(
            definition,
            &input,
            listed_output.as_deref(),
            &mut problems,
            &mut warnings,
        );
        example::check(
            definition,
            bounds,
            validator.as_ref(),
            &mut problems,
            &mut warnings,
        );
        let signature = Arc::new(Signature {
            id: definition.id.clone(),
            layout: input.layout,
            required: Required::of(&input),
            validator: validator.filter(|_| !accepts_everything(&input.value)),
            output,
        });
        let target = Target::compile(
            definition,
            &input,
            &signature,
            self,
            (&mut problems, &mut warnings),
        );
        if let Some(unread) = unread {
            return Err(Problems::from(unread).and_later(problems, follows));
        }
        let (true, Some(target)) = (problems.is_empty(), target) else {
            return Err(Problems(problems));
        };
        warnings.extend(target.warnings(self));
        let needs = target.used_vars().cloned().collect();
        Ok(Compiled {
            tool: CompiledTool {
                listing,
                mirrored,
                memory: memory::of(definition, &signature),
                needs,
                signature,
                target,
                overridden: None,
                _own: None,
            },
            warnings,
        })
    }
}

/// Which arguments of a tool with this input schema are repeated in headers, or what is wrong with that.
pub(crate) fn mirrored_headers_of(schema: &Value) -> Result<Vec<MirroredHeader>, Problems> {
    let mut problems = Vec::new();
    let mirrored = mirrored_header::collect(schema, &mut problems);
    match problems.is_empty() {
        true => Ok(mirrored),
        false => Err(Problems(problems)),
    }
}

/// Compiled, and as a text that clients can read.
fn output_schema(text: &str, bounds: &Bounds) -> Result<(Schema, String), Problem> {
    schema_bounds::check_text("output_schema", text, bounds)?;
    let read = |text: &str| {
        serde_json::from_str::<Value>(text)
            .map_err(|error| Problem::at("output_schema", format!("cannot be read: {error}")))
    };
    schema_bounds::check("output_schema", &read(text)?, bounds)?;
    let text = listing::mended(text);
    let schema = read(&text)?;
    if !schema.is_object() {
        return Err(Problem::at("output_schema", "must be a JSON object"));
    }
    let validator = validator::compile("output_schema", &schema, bounds)?;
    Ok((Schema::new(validator, &schema), text))
}

impl CompiledTool {
    /// One entry of `tools/list` as JSON text, under the name and description it has in an instance. Older
    /// revisions are not told of an output schema that is not an object's, which they do not allow.
    pub fn listing(&self, name: &str, description: Option<&str>, era: Era) -> String {
        self.listing.entry(name, description, era)
    }

    /// The tool as an instance has it that says something about its arguments. Problems name places inside of the overrides.
    pub fn with_overrides(self: &Arc<Self>, overrides: &ToolOverrides) -> Result<Self, Problems> {
        overrides::apply(self, overrides)
    }

    /// Whether a call may have something to tell before its result.
    pub(crate) fn tells_progress(&self) -> bool {
        matches!(self.target, Target::Http(_))
    }

    /// Which arguments 2026-07-28 clients repeat in `Mcp-Param-*` headers.
    pub fn mirrored_headers(&self) -> &[MirroredHeader] {
        &self.mirrored
    }
}
