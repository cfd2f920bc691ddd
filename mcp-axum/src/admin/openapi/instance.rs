//! The schema of an instance. A test holds it to what the gateway reads.
#![expect(
    dead_code,
    reason = "described, never built: documents stay the text they are"
)]

use std::collections::BTreeMap;
use utoipa::ToSchema;

/// An instance: which tools, under which names, for whom.
#[derive(ToSchema)]
#[schema(example = json!({
    "id": "support",
    "name": "Support desk",
    "description": "Look up orders before you answer.",
    "tool_ids": ["get_order", {"id": "search", "name": "find_order", "defaults": {"region": "eu"}, "hide": ["region"]}]
}))]
pub(super) struct InstanceDocument {
    /// The id in the URL wins.
    #[schema(required = false, max_length = 256)]
    id: String,
    /// For people.
    name: String,
    /// Becomes `instructions` for the client.
    #[schema(required = false)]
    description: String,
    /// In the order in which they are listed. Unknown ids are kept and reported in `warnings`.
    #[schema(required = false)]
    tool_ids: Vec<ToolReference>,
    /// Tools by tag, after `tool_ids`, in the order of ids.
    #[schema(required = false)]
    include: Include,
    /// Taken out again.
    #[schema(required = false)]
    exclude: Exclude,
    /// Values that the templates of its tools name as `instance.vars.<name>`: any JSON.
    #[schema(required = false, example = json!({"base": "https://eu.example.com"}))]
    vars: BTreeMap<String, serde_json::Value>,
    /// How the instance speaks: an object, or its JSON text.
    #[schema(required = false)]
    metadata: Metadata,
    /// `inherit`: the gateway's authenticators guard it; `none`: everybody may use it.
    #[schema(required = false)]
    auth: InstanceAuth,
    /// `false`: kept, but unknown to clients.
    #[schema(required = false, default = true)]
    enabled: bool,
    /// Who maintains it; plans of others leave it alone.
    #[schema(required = false, example = "team-a")]
    managed_by: String,
    /// Written by the server; what is sent is left out.
    #[schema(required = false, read_only)]
    revision: u64,
    /// Written by the server; what is sent is left out.
    #[schema(required = false, read_only, format = DateTime)]
    updated_at: String,
}

/// A tool's id, or an object that says more.
#[derive(ToSchema)]
#[serde(untagged)]
pub(super) enum ToolReference {
    /// As the tool defines itself.
    Id(String),
    /// As this instance has it.
    Entry(ToolEntry),
}

/// A tool as one instance has it.
#[derive(ToSchema)]
pub(super) struct ToolEntry {
    /// The tool's id.
    id: String,
    /// Its name in this instance.
    #[schema(
        required = false,
        min_length = 1,
        max_length = 64,
        pattern = "^[A-Za-z0-9_.-]+$"
    )]
    name: String,
    /// Its description in this instance.
    #[schema(required = false)]
    description: String,
    /// Values of arguments that the client does not send. An argument is written by its name, or as a JSON Pointer
    /// where arguments are grouped: `/query/region`.
    #[schema(required = false, example = json!({"region": "eu"}))]
    defaults: BTreeMap<String, serde_json::Value>,
    /// Arguments that are neither listed nor accepted. What the tool requires needs a value in `defaults`.
    #[schema(required = false, example = json!(["region"]))]
    hide: Vec<String>,
}

/// Tools by label.
#[derive(ToSchema)]
pub(super) struct Include {
    /// A tool with one of these is in.
    tags: Vec<String>,
}

/// Tools by id.
#[derive(ToSchema)]
pub(super) struct Exclude {
    /// These are out.
    tool_ids: Vec<String>,
}

/// An object, or its JSON text.
#[derive(ToSchema)]
#[serde(untagged)]
pub(super) enum Metadata {
    /// Spelled out.
    Object(MetadataMembers),
    /// As the first version wrote it.
    #[schema(example = "{\"proto_type\":\"streamable-stateless\"}")]
    Text(String),
}

/// How an instance speaks.
#[derive(ToSchema)]
pub(super) struct MetadataMembers {
    /// The transport flavour.
    #[schema(required = false)]
    proto_type: ProtoType,
}

/// The transport flavour.
#[derive(ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ProtoType {
    /// Any replica answers any request.
    StreamableStateless,
    /// With sessions.
    StreamableStateful,
    /// HTTP+SSE of 2024-11-05.
    #[serde(rename = "legacy")]
    Legacy,
}

/// Who guards an instance.
#[derive(ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum InstanceAuth {
    /// The gateway's authenticators.
    Inherit,
    /// Nobody.
    None,
}
