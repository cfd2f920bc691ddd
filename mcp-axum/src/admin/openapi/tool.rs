//! The schema of a tool definition. A test holds it to what the gateway reads.
#![expect(
    dead_code,
    reason = "described, never built: documents stay the text they are"
)]

use super::request::{Body, Param};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A tool definition: identity, input schema, how it maps onto an HTTP call.
#[derive(ToSchema)]
#[schema(example = json!({
    "id": "get_order",
    "name": "get_order",
    "description": "Looks up one order.",
    "input_schema": {
        "type": "object",
        "properties": {"id": {"type": "string", "description": "The order's number"}},
        "required": ["id"]
    },
    "tds_ext_info": {"domain": "api.example.com", "method": "GET", "path": "/v1/orders/{id}"}
}))]
pub(super) struct ToolDocument {
    /// The id in the URL wins.
    #[schema(required = false, max_length = 256)]
    id: String,
    /// What clients call it.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_.-]+$")]
    name: String,
    /// For people.
    #[schema(required = false)]
    title: String,
    /// For the model, which chooses by it.
    #[schema(min_length = 1)]
    description: String,
    /// JSON Schema of the arguments (2020-12 or draft-07); `{}` accepts anything.
    #[schema(required = false, value_type = Object)]
    input_schema: Map<String, Value>,
    /// JSON Schema of `structuredContent`.
    #[schema(required = false, value_type = Object)]
    output_schema: Map<String, Value>,
    /// Hints for clients; missing ones are derived from the HTTP method.
    #[schema(required = false, value_type = Object, example = json!({"readOnlyHint": true}))]
    annotations: Map<String, Value>,
    /// Free labels, by which instances can include tools.
    #[schema(required = false)]
    tags: Vec<String>,
    /// Listed as they are.
    #[schema(required = false, value_type = Vec<Object>)]
    icons: Vec<Value>,
    /// Listed as it is.
    #[schema(required = false, rename = "_meta", value_type = Object)]
    meta: Map<String, Value>,
    /// `false`: kept, but in no instance.
    #[schema(required = false, default = true)]
    enabled: bool,
    /// Who maintains it; plans of others leave it alone.
    #[schema(required = false, example = "team-a")]
    managed_by: String,
    /// Calls that are known to be right; run as contract tests.
    #[schema(required = false, value_type = Vec<Object>, example = json!([{
        "arguments": {"id": 7}, "mock": {"status": 200, "body": {"id": 7}}, "expect": {"status": 200, "jq": ".id == 7"}
    }]))]
    examples: Vec<Value>,
    /// The HTTP call behind it.
    tds_ext_info: HttpBinding,
    /// Written by the server; what is sent is left out.
    #[schema(required = false, read_only)]
    revision: u64,
    /// Written by the server; what is sent is left out.
    #[schema(required = false, read_only, format = DateTime)]
    updated_at: String,
}

/// How a tool maps onto an HTTP call. Exactly one of `domain` and `base_url` is given.
#[derive(ToSchema)]
pub(super) struct HttpBinding {
    /// Host, `host:port`, or an origin with scheme; without one: `https`, and `http` for loopback hosts.
    #[schema(required = false, example = "api.example.com")]
    domain: String,
    /// Origin and path prefix, instead of `domain`.
    #[schema(required = false, example = "https://api.example.com/v1")]
    base_url: String,
    /// Any HTTP method.
    #[schema(example = "GET")]
    method: String,
    /// `{name}` anywhere in a segment, or `:name` as a whole segment.
    #[schema(example = "/v1/orders/{id}")]
    path: String,
    /// Which arguments must be there beside what the schema says: `{}`, `{name: anything}`, or
    /// `{path: [..], query: [..], body: [..]}`.
    #[schema(required = false, value_type = Object)]
    required_params: Map<String, Value>,
    /// Sent with every call. `{{ args.name }}` and other templates are typed and checked when the document is stored.
    #[schema(required = false, value_type = Object, example = json!({"Accept": "application/json"}))]
    headers: Map<String, Value>,
    /// Query parameters of every call, with templates like `headers`.
    #[schema(required = false, value_type = Object, example = json!({"expand": "items"}))]
    query: Map<String, Value>,
    /// Where arguments go that do not follow the general rule, and values that every call has.
    #[schema(required = false)]
    params: Vec<Param>,
    /// What the body is made of.
    #[schema(required = false)]
    body: Body,
    /// The credential that the upstream gets; secrets only as `${env:NAME}` or `${file:/path}`.
    #[schema(required = false, value_type = Object, example = json!({"type": "bearer", "credential": "${env:BILLING_TOKEN}"}))]
    auth: Map<String, Value>,
    /// When a request is sent again.
    #[schema(required = false, value_type = Object, example = json!({"max": 2, "on": ["connect", 429, 502, 503, 504]}))]
    retry: Map<String, Value>,
    /// Where a redirect leads.
    #[schema(required = false, value_type = Object, example = json!({"follow": 1, "same_origin_only": true}))]
    redirect: Map<String, Value>,
    /// How an answer becomes a result.
    #[schema(required = false, value_type = Object, example = json!({"jq": ".data | map({id, name})", "max_bytes": "64KiB"}))]
    response: Map<String, Value>,
    /// Whom connections believe, and what they show: `ca`, `certificate`, `key`, `server_name`.
    #[schema(required = false, value_type = Object, example = json!({"ca": "${file:/run/secrets/ca.pem}"}))]
    tls: Map<String, Value>,
    /// A forward proxy that `egress.proxies` of the configuration names: `http://host:port`, or `{url, username, password}`.
    #[schema(required = false, example = "http://proxy.corp:3128")]
    proxy: Value,
    /// Bound of the whole call.
    #[schema(required = false, minimum = 1)]
    timeout_ms: u64,
    /// Bound of name resolution, connecting and the TLS handshake together.
    #[schema(required = false, minimum = 1)]
    connect_timeout_ms: u64,
    /// Size bounds.
    #[schema(required = false)]
    limits: Limits,
    /// Carried along for its author.
    #[schema(required = false)]
    ext_info: Value,
}

/// Size bounds: bytes as a number, or a text such as `1MiB`.
#[derive(ToSchema)]
pub(super) struct Limits {
    /// Of the request body.
    #[schema(required = false)]
    max_request_bytes: ByteSize,
    /// Of the answer's body.
    #[schema(required = false)]
    max_response_bytes: ByteSize,
    /// Calls under way at once, in each gateway process; the others wait.
    #[schema(required = false, minimum = 1, maximum = 10000)]
    concurrency: u32,
}

/// Bytes.
#[derive(ToSchema)]
#[serde(untagged)]
pub(super) enum ByteSize {
    /// As a number.
    Bytes(u64),
    /// With a unit.
    #[schema(example = "1MiB")]
    Text(String),
}
