//! Definitions that are kept as files, for the document.
#![expect(dead_code, reason = "described here, served by the handlers of `admin`")]

use super::refusal::{Always, Reading, Writing};
use crate::http::admin::{envelope::Success, export::ExportQuery, plan::ApplyQuery, verify::VerifyQuery};
use serde_json::Value;
use utoipa::ToSchema;

/// Definitions as their author keeps them.
#[derive(ToSchema)]
#[schema(example = json!({
    "definitions": [{"kind": "ids", "id": "support", "place": "support.yaml:1",
                     "document": {"name": "Support desk", "tool_ids": ["get_order"]}}],
    "options": {"owner": "team-a", "prune": "owned"}
}))]
pub(super) struct PlanRequest {
    /// The definitions, in any order, each once.
    definitions: Vec<DesiredDefinition>,
    /// What may be done, and to what.
    #[schema(required = false)]
    options: PlanOptions,
}

/// One definition.
#[derive(ToSchema)]
pub(super) struct DesiredDefinition {
    /// `tds` or `ids`.
    kind: String,
    /// Wins over the document's own.
    id: String,
    /// Where it comes from, for messages.
    #[schema(required = false, example = "orders.yaml:3")]
    place: String,
    /// The document.
    #[schema(value_type = Object)]
    document: Value,
}

/// What a plan may do.
#[derive(ToSchema)]
pub(super) struct PlanOptions {
    /// Who maintains the definitions: they get it as `managed_by`, and what somebody else maintains is not touched.
    #[schema(required = false)]
    owner: String,
    /// What becomes of stored definitions that are not sent.
    #[schema(required = false)]
    prune: Prune,
    /// What somebody else maintains may be changed, and is the owner's then.
    #[schema(required = false, default = false)]
    take_over: bool,
    /// The report shows what changes as it is stored and as it will be.
    #[schema(required = false, default = false)]
    diff: bool,
}

/// `no`: they stay; `owned`: the owner's are deleted; `all`: also those that nobody maintains.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub(super) enum Prune {
    No,
    Owned,
    All,
}

/// What a plan comes to. Definitions are named `tds/ID` and `ids/ID`.
#[derive(ToSchema)]
pub(super) struct PlanReport {
    /// What is not stored yet.
    created: Vec<String>,
    /// What is stored with other members.
    changed: Vec<String>,
    /// What is stored like this.
    unchanged: Vec<String>,
    /// What is to be deleted.
    removed: Vec<String>,
    /// What is left alone, and why.
    skipped: Vec<SkippedDefinition>,
    /// The members that differ.
    changes: Vec<ChangedMembers>,
    /// Why nothing can be written.
    problems: Vec<PlanFinding>,
    /// What is odd without being wrong.
    warnings: Vec<PlanFinding>,
    /// What clients will notice, by instance.
    clients: Vec<InstanceNotice>,
    /// Who gains and who loses tools, by key and role and instance. At most 100 of them.
    access: Vec<HolderNotice>,
    /// How many more there are.
    access_left_out: usize,
    /// Something that works for a client today will not.
    breaking: bool,
    /// The text for `apply?plan=`: it stands for exactly these changes to exactly what is stored now.
    fingerprint: String,
    /// The revision of the last write.
    #[schema(required = false)]
    revision: u64,
}

/// What the holder of a key or a role gains and loses in one instance.
#[derive(ToSchema)]
pub(super) struct HolderNotice {
    /// `keys/ID`; `roles/ID` for whoever has no other role.
    holder: String,
    /// What the key is called.
    #[schema(required = false)]
    name: String,
    /// The instance's id.
    instance: String,
    /// Tools that the holder sees then and not now.
    gains: Vec<String>,
    /// Tools that the holder sees now and not then.
    loses: Vec<String>,
}

/// A definition that is left alone.
#[derive(ToSchema)]
pub(super) struct SkippedDefinition {
    /// The operation that is meant.
    operation: String,
    /// The reason.
    reason: String,
}

/// One changed definition.
#[derive(ToSchema)]
pub(super) struct ChangedMembers {
    /// The definition that is meant.
    definition: String,
    /// `description`, `tds_ext_info.path`.
    members: Vec<String>,
    /// With `diff`.
    #[schema(required = false)]
    values: Vec<ChangedValue>,
}

/// One value that differs.
#[derive(ToSchema)]
pub(super) struct ChangedValue {
    /// Where.
    #[schema(example = "input_schema.properties.limit.maximum")]
    place: String,
    /// The JSON text of what is stored; absent where nothing is.
    #[schema(required = false, example = "10")]
    old: String,
    /// The JSON text of what is wanted; absent where nothing is.
    #[schema(required = false, example = "20")]
    new: String,
}

/// About one place of one definition.
#[derive(ToSchema)]
pub(super) struct PlanFinding {
    /// The definition that is meant.
    definition: String,
    /// The place as it was sent.
    #[schema(required = false)]
    place: String,
    /// The member; empty for the whole.
    field: String,
    /// What is wrong and what would be right.
    reason: String,
    /// It is right in itself, but not together with what others have.
    conflict: bool,
}

/// What the clients of one instance will notice.
#[derive(ToSchema)]
pub(super) struct InstanceNotice {
    /// Its id.
    instance: String,
    /// `stays`, `appears` or `disappears`.
    change: String,
    /// New names of tools.
    appear: Vec<String>,
    /// Names that are gone.
    disappear: Vec<String>,
    /// Tools that are the same under another name.
    renamed: Vec<Renamed>,
    /// Tools that are listed differently.
    changed: Vec<ToolNotice>,
    /// The tools that stay are listed in another order.
    reordered: bool,
    /// What changes of the instance itself.
    other: Vec<Notice>,
    /// The list now.
    before: ListSize,
    /// The list then.
    after: ListSize,
    /// Something that works today will not.
    breaking: bool,
}

/// A tool's two names.
#[derive(ToSchema)]
pub(super) struct Renamed {
    /// The name now.
    from: String,
    /// The name then.
    to: String,
}

/// What changes of one tool.
#[derive(ToSchema)]
pub(super) struct ToolNotice {
    /// Its name then.
    name: String,
    /// The changes, one by one.
    changes: Vec<Notice>,
}

/// One thing to notice.
#[derive(ToSchema)]
pub(super) struct Notice {
    /// The text for people.
    #[schema(example = "argument `region`: new, and required")]
    text: String,
    /// It breaks what is right today.
    breaking: bool,
}

/// How large a list of tools is.
#[derive(ToSchema)]
pub(super) struct ListSize {
    /// Listed tools.
    tools: u64,
    /// The bytes of the array `tools` in `tools/list`.
    bytes: u64,
    /// About as many tokens for a model.
    tokens: u64,
}

/// Stored definitions; can be kept as a file.
#[derive(ToSchema)]
pub(super) struct ExportedDefinitions {
    /// Tools, by id.
    #[schema(value_type = Vec<Object>)]
    tds: Vec<Value>,
    /// Instances, by id.
    #[schema(value_type = Vec<Object>)]
    ids: Vec<Value>,
    /// What cannot stand in a file.
    skipped: Vec<SkippedDefinition>,
}

/// Compares definitions with what is stored: what would be written, and what clients would notice.
///
/// Every definition is checked as a `PUT` would check it, all of them together. Problems are part of the report.
/// Nothing is written. At most 64 MiB.
#[utoipa::path(
    post, path = "/admin/plan", tag = "tools", request_body = PlanRequest,
    responses((status = 200, description = "The plan", body = Success<PlanReport>), Always, TooLarge)
)]
pub(super) fn plan() {}

/// Writes what `plan` reports: tools, instances, then deletions; each only if nobody changed it since.
///
/// Refused as a whole if there is a problem: 409 if all of them are about what others have, 400 otherwise. A store has
/// no transaction over definitions; what was stopped half-way is finished by sending it again.
#[utoipa::path(
    post, path = "/admin/apply", tag = "tools", params(ApplyQuery), request_body = PlanRequest,
    responses(
        (status = 200, description = "What was done", body = Success<PlanReport>, headers(("ETag" = String))),
        Always, Writing
    )
)]
pub(super) fn apply() {}

/// Everything that is stored, or one instance with its tools, to be kept in files.
#[utoipa::path(
    get, path = "/admin/export", tag = "tools", params(ExportQuery),
    responses(
        (status = 200, description = "From the data source", body = Success<ExportedDefinitions>, headers(("ETag" = String))),
        Always, Reading
    )
)]
pub(super) fn export() {}

/// What came of one example.
#[derive(ToSchema)]
pub(super) struct ExampleRun {
    /// The tool's id.
    tool: String,
    /// Where it stands.
    #[schema(example = "examples[0]")]
    example: String,
    /// The description as the example has it.
    #[schema(required = false)]
    description: String,
    /// `passed`, `failed` or `skipped`.
    verdict: String,
    /// What is not as expected, or why it was not run.
    details: Vec<String>,
}

/// Runs the examples of one stored tool definition.
#[utoipa::path(
    post, path = "/admin/tds/{id}/verify", tag = "tools",
    params(("id" = String, Path, description = "Percent-encoded"), VerifyQuery),
    responses(
        (status = 200, description = "One for each example", body = Success<Vec<ExampleRun>>, headers(("ETag" = String))),
        Always, Reading
    )
)]
pub(super) fn verify() {}

/// Runs the examples that an upstream's document has of calls of its tools (`tools.overrides`).
#[utoipa::path(
    post, path = "/admin/uds/{id}/verify", tag = "upstreams",
    params(("id" = String, Path, description = "The upstream's id"), VerifyQuery),
    responses(
        (status = 200, description = "One for each example", body = Success<Vec<ExampleRun>>, headers(("ETag" = String))),
        (status = 404, description = "There is no such upstream", body = super::refusal::Failure),
        Always
    )
)]
pub(super) fn verify_upstream() {}

/// What reading a large body may answer.
#[derive(utoipa::IntoResponses)]
pub(super) enum TooLarge {
    /// The definitions are too large.
    #[response(status = 413)]
    TooLarge(super::refusal::Failure),
}
