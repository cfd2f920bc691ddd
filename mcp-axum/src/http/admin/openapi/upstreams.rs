//! What can be done about upstreams, for the document.
#![expect(dead_code, reason = "described here, served by the handlers of `admin`")]

use super::refusal::{Always, Failure};
use crate::http::admin::{
    discovery::DiscoveryState,
    envelope::Success,
    pin::{Approval, DriftedTool},
    upstream_login::{LoginBegun, UpstreamLogin},
    upstreams::{Searched, UpstreamCheck, UpstreamInventory, UpstreamLine, UpstreamState},
};
use utoipa::ToSchema;

/// How all upstreams that are switched on are doing.
#[utoipa::path(
    get, path = "/admin/upstreams", tag = "upstreams", params(Searched),
    responses((status = 200, description = "By id", body = Success<Vec<UpstreamState>>), Always)
)]
pub(super) fn upstreams() {}

/// What the discoveries of the configuration have found, and how they are doing.
#[utoipa::path(
    get, path = "/admin/discovery", tag = "upstreams",
    responses((status = 200, description = "In the order of the configuration", body = Success<Vec<DiscoveryState>>), Always)
)]
pub(super) fn discovery() {}

/// What happens, as a stream of server-sent events: upstreams that come, go and change, endpoints that are let alone, definitions that change.
#[utoipa::path(
    get, path = "/admin/events", tag = "upstreams",
    params(
        ("types" = Option<String>, Query, description = "Types with commas between; `*` at the end of one stands for any text. All where nothing is said"),
        ("since" = Option<u64>, Query, description = "The id of the last event that is known; of these come those that are kept. `Last-Event-ID` says the same")
    ),
    responses(
        (status = 200, description = "`id`, `event` and `data`, a JSON object; `missed` says how many are not kept any more", content_type = "text/event-stream", body = String),
        (status = 400, description = "There is no such type", body = Failure),
        (status = 503, description = "Too many streams are open", body = Failure),
        Always
    )
)]
pub(super) fn events() {}

/// How an upstream is doing, and each of its endpoints.
#[utoipa::path(
    get, path = "/admin/uds/{id}/status", tag = "upstreams", params(("id" = String, Path, description = "The upstream's id")),
    responses(
        (status = 200, description = "As this replica sees it", body = Success<UpstreamState>),
        (status = 404, description = "There is no such upstream, or it is switched off", body = Failure),
        Always
    )
)]
pub(super) fn upstream_status() {}

/// Connects to an upstream beside the connection that is in use, and says how long each step took; asks the endpoints of an HTTP service how they are. `/admin/upstreams/{id}/check` is the same.
#[utoipa::path(
    post, path = "/admin/uds/{id}/check", tag = "upstreams", params(("id" = String, Path, description = "The upstream's id")),
    responses(
        (status = 200, description = "It answered", body = Success<UpstreamCheck>),
        (status = 404, description = "There is no such upstream, or it is switched off", body = Failure),
        (status = 502, description = "It did not, and why", body = Failure),
        Always
    )
)]
pub(super) fn check_upstream() {}

/// Takes the lists of an upstream anew; connects at once where it is not connected.
#[utoipa::path(
    post, path = "/admin/uds/{id}/refresh", tag = "upstreams", params(("id" = String, Path, description = "The upstream's id")),
    responses(
        (status = 200, description = "They are taken", body = Success<UpstreamState>),
        (status = 404, description = "There is no such upstream, or it is switched off", body = Failure),
        (status = 409, description = "It is an HTTP service, which has none", body = Failure),
        (status = 502, description = "They are not, and why", body = Failure),
        Always
    )
)]
pub(super) fn refresh_upstream() {}

/// Makes a new connection to an upstream, or starts its program anew.
#[utoipa::path(
    post, path = "/admin/uds/{id}/restart", tag = "upstreams", params(("id" = String, Path, description = "The upstream's id")),
    responses(
        (status = 200, description = "It is connected", body = Success<UpstreamState>),
        (status = 404, description = "There is no such upstream, or it is switched off", body = Failure),
        (status = 409, description = "It is an HTTP service, which has none", body = Failure),
        (status = 502, description = "It is not, and why", body = Failure),
        Always
    )
)]
pub(super) fn restart_upstream() {}

/// Begins a login to an upstream (`auth.type: oauth2_authorization_code`): the address that somebody has to open.
#[utoipa::path(
    post, path = "/admin/uds/{id}/login", tag = "upstreams", params(("id" = String, Path, description = "The upstream's id")),
    responses(
        (status = 200, description = "It goes on in a browser", body = Success<LoginBegun>),
        (status = 404, description = "There is no such upstream, or it is switched off", body = Failure),
        (status = 409, description = "Nobody logs in to it, or nobody could come back from there", body = Failure),
        (status = 502, description = "The upstream or its authorization server does not let anybody log in, and why", body = Failure),
        Always
    )
)]
pub(super) fn begin_login() {}

/// How the login to an upstream is doing, or what it gets by itself.
#[utoipa::path(
    get, path = "/admin/uds/{id}/login", tag = "upstreams", params(("id" = String, Path, description = "The upstream's id")),
    responses(
        (status = 200, description = "As this replica sees it", body = Success<UpstreamLogin>),
        (status = 404, description = "There is no such upstream, it is switched off, or it gets no tokens", body = Failure),
        Always
    )
)]
pub(super) fn login_state() {}

/// Forgets the login to an upstream, on this replica, and has the authorization server revoke it where it can (RFC 7009); `warnings` say if that failed.
#[utoipa::path(
    delete, path = "/admin/uds/{id}/login", tag = "upstreams", params(("id" = String, Path, description = "The upstream's id")),
    responses(
        (status = 200, description = "It is forgotten", body = Success<UpstreamLogin>),
        (status = 404, description = "There is no such upstream, or it is switched off", body = Failure),
        (status = 409, description = "Nobody logs in to it", body = Failure),
        Always
    )
)]
pub(super) fn forget_login() {}

/// What an upstream offered last; `null` before it was connected for the first time.
#[utoipa::path(
    get, path = "/admin/uds/{id}/inventory", tag = "upstreams", params(("id" = String, Path, description = "The upstream's id")),
    responses(
        (status = 200, description = "From memory", body = Success<Option<UpstreamInventory>>),
        (status = 404, description = "There is no such upstream, or it is switched off", body = Failure),
        (status = 409, description = "It is an HTTP service, which has none", body = Failure),
        Always
    )
)]
pub(super) fn upstream_inventory() {}

/// The last lines that an upstream's program wrote beside messages.
#[utoipa::path(
    get, path = "/admin/uds/{id}/logs", tag = "upstreams", params(("id" = String, Path, description = "The upstream's id")),
    responses(
        (status = 200, description = "The oldest first", body = Success<Vec<UpstreamLine>>),
        (status = 404, description = "There is no such upstream, or it is switched off", body = Failure),
        (status = 409, description = "It is an HTTP service, which has none", body = Failure),
        Always
    )
)]
pub(super) fn upstream_logs() {}

/// The tools of an upstream that are not as they were approved (`pin`), with what differs.
#[utoipa::path(
    get, path = "/admin/uds/{id}/drift", tag = "upstreams", params(("id" = String, Path, description = "The upstream's id")),
    responses(
        (status = 200, description = "In the server's order, those that are gone last", body = Success<Vec<DriftedTool>>),
        (status = 404, description = "There is no such upstream, or it is switched off", body = Failure),
        (status = 409, description = "It is an HTTP service, which has none", body = Failure),
        Always
    )
)]
pub(super) fn upstream_drift() {}

/// Approves tools of an upstream as they are: their digests are written into its document (`pin.tools`).
#[utoipa::path(
    post, path = "/admin/uds/{id}/approve", tag = "upstreams", params(("id" = String, Path, description = "The upstream's id")),
    request_body = Option<Approval>,
    responses(
        (status = 200, description = "What is stored now", body = Success<Object>),
        (status = 404, description = "There is no such upstream, or it is switched off", body = Failure),
        (status = 409, description = "A tool is another one by now than what was looked at, or the document was changed meanwhile", body = Failure),
        Always
    )
)]
pub(super) fn approve_upstream() {}

/// A call of an upstream's tool, as it goes to [`explain_upstream`].
#[derive(ToSchema)]
struct RemoteRequest {
    /// The tool, by the server's own name.
    #[schema(example = "get_forecast")]
    tool: String,
    /// Arguments of the call.
    #[schema(value_type = Option<Object>)]
    arguments: Option<()>,
    /// The instance that the call comes through, for arguments that it hides or gives.
    instance: Option<String>,
}

/// Which server would get which message.
#[derive(ToSchema)]
struct RemoteExplanation {
    /// The upstream that would be called.
    upstream: String,
    /// Its URL, or its program and arguments.
    server: String,
    /// How messages travel.
    #[schema(example = "stdio")]
    transport: String,
    /// The revision that it is spoken to in.
    #[schema(example = "2025-11-25")]
    protocol: String,
    /// Whether there is a connection now.
    connected: bool,
    /// Whether the tool is held back (`pin`).
    held_back: bool,
    /// Why a call with these arguments is refused before anything is sent.
    problem: Option<String>,
    /// The message that would be sent; its id is another one each time.
    #[schema(value_type = Option<Object>)]
    message: Option<()>,
    /// The headers of its HTTP request, with `***` for credentials.
    headers: std::collections::BTreeMap<String, String>,
    /// How the answer is shaped; absent where it is the server's own.
    output: Option<ExplainedOutput>,
    /// How many bytes of text, and of structured content, the answer has at the most.
    max_result_bytes: u64,
}

/// How an answer is shaped.
#[derive(ToSchema)]
struct ExplainedOutput {
    /// Where it is written: `upstream` or `instance`.
    #[schema(example = "upstream")]
    said_by: String,
    /// The jq program over the structured content, or over the JSON that the text is.
    jq: Option<String>,
    /// The template of the text.
    template: Option<String>,
}

/// Which message a call of an upstream's tool would send. Nothing is sent.
#[utoipa::path(
    post, path = "/admin/uds/{id}/explain", tag = "upstreams", params(("id" = String, Path, description = "The upstream's id")),
    request_body = RemoteRequest,
    responses(
        (status = 200, description = "From memory", body = Success<RemoteExplanation>),
        (status = 404, description = "There is no such upstream, tool or instance", body = Failure),
        Always
    )
)]
pub(super) fn explain_upstream() {}
