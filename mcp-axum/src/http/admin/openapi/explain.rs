//! Explaining a call, for the document.
#![expect(dead_code, reason = "described here, served by the handlers of `admin`")]

use super::{
    documents::ToolDocument,
    refusal::{Always, Reading, Writing},
};
use crate::http::admin::envelope::Success;
use serde_json::{Map, Value};
use std::collections::HashMap;
use utoipa::ToSchema;

/// Which call to explain; every member may be left out.
#[derive(ToSchema)]
#[schema(example = json!({"arguments": {"id": "7"}}))]
pub(super) struct ExplainRequest {
    /// The arguments as in `tools/call`.
    #[schema(required = false, value_type = Object)]
    arguments: Map<String, Value>,
    /// The instance that the call comes through, with its `defaults` and `hide` for the tool; "" for none. By default the first that has
    /// the tool gives its values to templates.
    #[schema(required = false)]
    instance: String,
    /// Make the call too, whatever its method does, and show the answer.
    #[schema(required = false, default = false)]
    send: bool,
    /// Who calls, for templates; the administrator by default.
    #[schema(required = false)]
    principal: Caller,
    /// Headers of the client's request, for `auth.type: passthrough` and for templates that name `request.headers`.
    #[schema(required = false)]
    headers: HashMap<String, String>,
    /// Explained instead of what is stored; refused as PUT would refuse it.
    #[schema(required = false)]
    definition: ToolDocument,
}

/// Who calls.
#[derive(ToSchema)]
pub(super) struct Caller {
    /// `principal.sub` of templates; the administrator's own by default.
    #[schema(required = false)]
    sub: String,
    /// `principal.roles` of templates.
    #[schema(required = false)]
    roles: Vec<String>,
    /// `principal.claims` of templates: names and JSON values.
    #[schema(required = false, value_type = Object)]
    claims: Map<String, Value>,
}

/// One call, explained.
#[derive(ToSchema)]
pub(super) struct Explanation {
    /// The instance that the call comes through.
    #[schema(required = false)]
    instance: String,
    /// `http`, or `static`: nothing is sent, the definition holds the answer.
    #[schema(example = "http")]
    target: String,
    /// The HTTP method; absent where nothing is sent.
    #[schema(required = false, example = "GET")]
    method: String,
    /// The URL with its placeholders; absent where nothing is sent.
    #[schema(required = false, example = "https://api.example.com/v1/orders/{id}")]
    endpoint: String,
    /// Whether a call with these arguments is made.
    valid: bool,
    /// Everything that is wrong with the arguments.
    problems: Vec<ArgumentProblem>,
    /// Absent where it cannot be made of these arguments.
    #[schema(required = false)]
    request: ShownRequest,
    /// The same as a command for a POSIX shell.
    #[schema(required = false)]
    curl: Curl,
    /// Which rule placed what.
    placements: Vec<Placement>,
    /// `timeout_ms`, `connect_timeout_ms`, `max_request_bytes`, `max_response_bytes`, `max_result_bytes` as `{value, set_by}`;
    /// `concurrency`, `retry`, `redirects`. Absent where nothing is sent.
    #[schema(required = false, value_type = Object)]
    limits: Value,
    /// `{host, addresses, allowed, reason, own}`; `own` is what the definition itself narrows it to, `{allow, deny}`. Absent where
    /// nothing is sent.
    #[schema(required = false, value_type = Object)]
    egress: Value,
    /// What such a call is answered, where the definition holds the answer: `content`, `structuredContent` and the like.
    #[schema(required = false, value_type = Object)]
    answer: Value,
    /// What came of sending it, where `send` asked for that.
    #[schema(required = false)]
    sent: Sent,
}

/// One thing that is wrong with the arguments.
#[derive(ToSchema)]
pub(super) struct ArgumentProblem {
    /// JSON Pointer of the argument; `(root)` for all of them.
    #[schema(example = "/id")]
    path: String,
    /// What is wrong.
    #[schema(example = "is required, but missing")]
    reason: String,
}

/// The request as it leaves; credentials are `***`.
#[derive(ToSchema)]
pub(super) struct ShownRequest {
    method: String,
    url: String,
    headers: Vec<ShownHeader>,
    #[schema(required = false)]
    body: ShownBody,
}

/// One header line.
#[derive(ToSchema)]
pub(super) struct ShownHeader {
    #[schema(example = "Authorization")]
    name: String,
    #[schema(example = "Bearer ***")]
    value: String,
}

/// What is in a body; `truncated` where more of it is there than is shown.
#[derive(ToSchema)]
pub(super) struct ShownBody {
    /// The bytes of all of it.
    bytes: u64,
    /// An estimate: four ASCII characters, or one other, are a token.
    #[schema(required = false)]
    tokens: u64,
    #[schema(required = false)]
    text: String,
    /// The beginning of what is no text.
    #[schema(required = false)]
    base64: String,
    /// The parts of a multipart body: `{headers, bytes, text}`.
    #[schema(required = false, value_type = Vec<Object>)]
    parts: Vec<Value>,
    truncated: bool,
}

/// For a POSIX shell, to be pasted.
#[derive(ToSchema)]
pub(super) struct Curl {
    /// The command; `$NAME` for credentials.
    #[schema(
        example = "curl https://api.example.com/v1/orders/7 \\\n  -H \"Authorization: Bearer $BILLING_TOKEN\""
    )]
    line: String,
    /// The variables that have to be set before: `{name, from, set}`.
    #[schema(required = false, value_type = Vec<Object>)]
    variables: Vec<Value>,
    /// What has to be known about the line.
    #[schema(required = false)]
    note: String,
}

/// One value and its place in the request.
#[derive(ToSchema)]
pub(super) struct Placement {
    /// JSON Pointers; none where the definition alone gives the value.
    #[schema(required = false)]
    arguments: Vec<String>,
    /// `argument`, `instance`, `default`, `const`, `hidden`, `template`, `fixed` or `credential`.
    #[schema(example = "argument")]
    source: String,
    /// `path`, `query`, `header`, `cookie` or `body`; absent for none.
    #[schema(required = false, rename = "in", example = "path")]
    place: String,
    /// What it is called there.
    #[schema(required = false, rename = "as", example = "{id}")]
    name: String,
    /// What of the value the instance gives.
    #[schema(required = false, example = "IDS `support`: defaults")]
    given_by: String,
    /// The member of the document that says so, or the general rule.
    #[schema(example = "tds_ext_info.params[0]")]
    rule: String,
    /// How it is written, where there is a choice.
    #[schema(required = false, example = "form, exploded")]
    style: String,
    /// The piece of the request.
    #[schema(required = false)]
    written: String,
    /// Why it is not sent.
    #[schema(required = false)]
    left_out: String,
}

/// What came of the call.
#[derive(ToSchema)]
pub(super) struct Sent {
    /// The answer as the upstream sent it, unpacked; absent where there was no complete answer.
    #[schema(required = false)]
    answer: ShownAnswer,
    /// What the client is given: `content`, `structuredContent`, `isError`, `outcome`, `mismatch` (where it is not what
    /// `output_schema` promises), `content_cost` and `structured_cost` as `{bytes, tokens}`.
    #[schema(value_type = Object)]
    result: Value,
    /// `upstream_ms`, `shape_ms`.
    #[schema(value_type = Object)]
    timings: Value,
}

/// An upstream's answer; credentials are `***`.
#[derive(ToSchema)]
pub(super) struct ShownAnswer {
    status: u16,
    headers: Vec<ShownHeader>,
    body: ShownBody,
}

/// What a call of the tool would send, and which rule places each argument; with `send` what comes back.
///
/// Arguments that do not fit are no error here: `valid` is false, `problems` names all of them, and the request is
/// shown as far as it can be made. Credentials are neither looked up nor shown.
#[utoipa::path(
    post, path = "/admin/tds/{id}/explain", tag = "tools",
    params(("id" = String, Path, description = "Percent-encoded")),
    request_body = ExplainRequest,
    responses(
        (status = 200, description = "Explained; sent only with `send`", body = Success<Explanation>, headers(("ETag" = String))),
        Always, Reading, Writing
    )
)]
pub(super) fn explain_tool() {}
