//! Questions about rights, for the document.
#![expect(dead_code, reason = "described here, served by the handlers of `admin`")]

use super::refusal::{Always, Failure};
use crate::http::admin::{
    envelope::Success,
    own_access::{OwnAccess, OwnAccessQuery},
};
use utoipa::ToSchema;

/// What is asked for. Nothing is called.
#[derive(ToSchema)]
pub(super) struct AccessQuestion {
    /// The key, by its id or by a name that no other key has.
    #[schema(example = "claude-support")]
    key: Option<String>,
    /// Instead of a key: somebody who has this role, and no other.
    role: Option<String>,
    /// The instance whose tools are meant.
    #[schema(example = "support")]
    instance: Option<String>,
    /// A tool of the instance, by the name that it has there.
    #[schema(example = "refund_order")]
    tool: Option<String>,
    /// What it would be called with.
    #[schema(example = json!({"amount": 2000}))]
    arguments: Option<serde_json::Value>,
    /// Something in `/admin`.
    #[schema(example = "admin/tds/write")]
    action: Option<String>,
}

/// What the holder of a key may do.
#[derive(ToSchema)]
pub(super) struct AccessAnswer {
    /// The key's id; absent where a role was asked about.
    key: Option<String>,
    /// The roles that its document names.
    roles: Vec<String>,
    /// Why it opens nothing; absent where nothing is wrong.
    broken: Option<String>,
    /// How many calls the holder may make, and who says so; absent where nothing limits them. What tools, upstreams, the instance and the gateway say is
    /// about all callers together.
    #[schema(example = json!(["the key: 20/s", "the instance `support`: 50000 a day, all callers together"]))]
    limits: Option<Vec<String>>,
    /// About the instance that was asked for.
    instance: Option<InstanceAccess>,
    /// About the call that was asked for.
    tool: Option<Verdict>,
    /// About what was asked for in `/admin`.
    action: Option<Verdict>,
}

/// What is seen of an instance.
#[derive(ToSchema)]
pub(super) struct InstanceAccess {
    /// Whether it may be used.
    open: bool,
    /// The tools that are listed, by name.
    tools: Vec<String>,
    /// How many tools are not.
    hidden: usize,
}

/// Whether something is allowed.
#[derive(ToSchema)]
pub(super) struct Verdict {
    /// Whether it is.
    allowed: bool,
    /// The rule that allows it.
    rule: Option<String>,
    /// Why it is not.
    reason: Option<String>,
    /// What the policy service says, where the gateway's own rules allow it and there is one: `allow`, `refuse`, `fail_open`, `fail_closed`.
    external: Option<String>,
}

/// What the holder of a key, or of a role, may do, and which rule says so.
#[utoipa::path(
    post, path = "/admin/access/explain", tag = "roles", request_body = AccessQuestion,
    responses(
        (status = 200, description = "As roles and keys are now", body = Success<AccessAnswer>),
        (status = 400, description = "What is wrong, with its place", body = Failure),
        (status = 404, description = "There is no such key or role", body = Failure),
        (status = 409, description = "Several keys have this name", body = Failure),
        Always
    )
)]
pub(super) fn explain_access() {}

/// What whoever asks may do in `/admin`, for pages that offer nothing which would be refused.
#[utoipa::path(
    get, path = "/admin/access", tag = "roles", params(OwnAccessQuery),
    responses(
        (status = 200, description = "As the caller's roles are now; a policy service is not asked", body = Success<OwnAccess>),
        (status = 400, description = "No actions are named, or too many", body = Failure),
        Always
    )
)]
pub(super) fn own_access() {}
