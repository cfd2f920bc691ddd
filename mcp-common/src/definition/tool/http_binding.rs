//! How a tool maps onto an HTTP call (`tds_ext_info`).

use super::{
    AuthBinding, EgressBinding, ProxyBinding, RedirectBinding, ResponseBinding, RetryBinding, TlsBinding,
    body::BodyBinding, param::Param, required_params::RequiredParams,
};
use crate::{byte_size::ByteSize, problem::Problem};
use indexmap::IndexMap;
use schemars::{JsonSchema, Schema};
use serde::Deserialize;
use serde_json::{Map, Value, json, value::RawValue};

/// The longest call that a definition can ask for.
const MAX_TIMEOUT_MS: u64 = 3_600_000;

/// How a tool maps onto an HTTP call. Exactly one of `domain` and `base_url` is given.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(transform = one_origin)]
pub struct HttpBinding {
    /// Host, `host:port`, or an origin with scheme; without one: `https`, and `http` for loopback hosts.
    #[schemars(example = &"api.example.com", example = &"http://127.0.0.1:8000")]
    pub domain: Option<String>,
    /// Origin and path prefix, instead of `domain`.
    #[schemars(example = &"https://api.example.com/v1")]
    pub base_url: Option<String>,
    /// Any HTTP method, in any letter case.
    #[schemars(
        regex(pattern = r"^\s*[!#$%&'*+.^_`|~0-9A-Za-z-]+\s*$"),
        extend("patternErrorMessage" = "Not an HTTP method", "examples" = ["GET", "POST", "PUT", "PATCH", "DELETE"])
    )]
    pub method: String,
    /// `{name}` anywhere in a segment, or `:name` as a whole segment, is an argument.
    #[schemars(example = &"/v1/orders/{id}")]
    pub path: String,
    /// Which arguments must be there, beside what the schema says: `{}`, `{name: anything}`, or
    /// `{path: [..], query: [..], body: [..]}`.
    #[serde(default)]
    #[schemars(with = "Option<Map<String, Value>>")]
    pub required_params: RequiredParams,
    /// Headers that are sent with every call. Texts may be templates such as `{{ args.id }}`.
    #[serde(default)]
    #[schemars(extend("additionalProperties" = scalar()), example = json!({"Accept": "application/json"}))]
    pub headers: IndexMap<String, Value>,
    /// Parameters that are added to the query of every call. Texts may be templates such as `{{ args.id }}`.
    #[serde(default)]
    #[schemars(extend("additionalProperties" = scalars()), example = json!({"expand": "items"}))]
    pub query: IndexMap<String, Value>,
    /// Where arguments go that do not follow the general rule.
    #[serde(default)]
    pub params: Vec<Param>,
    /// What the body is made of.
    pub body: Option<BodyBinding>,
    /// What the gateway shows to the upstream.
    pub auth: Option<AuthBinding>,
    /// When a request is sent again.
    pub retry: Option<RetryBinding>,
    /// Where a redirect leads.
    pub redirect: Option<RedirectBinding>,
    /// How an answer becomes a result.
    pub response: Option<ResponseBinding>,
    /// Bound of the whole call in milliseconds, all attempts included.
    #[schemars(range(min = 1, max = MAX_TIMEOUT_MS))]
    pub timeout_ms: Option<u64>,
    /// Bound of name resolution, connecting and the TLS handshake together, in milliseconds.
    #[schemars(range(min = 1, max = MAX_TIMEOUT_MS))]
    pub connect_timeout_ms: Option<u64>,
    /// The authorities that connections believe, and the certificates that they show.
    pub tls: Option<TlsBinding>,
    /// Where connections lead through.
    pub proxy: Option<ProxyBinding>,
    /// Which hosts and addresses calls may reach, redirects and the token endpoint included.
    pub egress: Option<EgressBinding>,
    /// Bounds of size and number.
    #[serde(default)]
    pub limits: Limits,
    /// What is carried along for its author.
    #[serde(default, rename = "ext_info")]
    _ext_info: Option<Box<RawValue>>,

    // Reserved by the document format. Ignoring them would send something else than their author meant.
    /// A cache, which is not supported yet.
    #[schemars(with = "Option<()>", extend("doNotSuggest" = true, "errorMessage" = "Not supported yet"))]
    cache: Option<Box<RawValue>>,
    /// Pagination, which is not supported yet.
    #[schemars(with = "Option<()>", extend("doNotSuggest" = true, "errorMessage" = "Not supported yet"))]
    pagination: Option<Box<RawValue>>,
}

/// Bounds of one tool; the gateway has its own where nothing is said.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct Limits {
    /// The size that the request body may have.
    pub max_request_bytes: Option<ByteSize>,
    /// The size that the answer's body may have.
    pub max_response_bytes: Option<ByteSize>,
    /// Calls of this tool that are under way at once, in each gateway process.
    #[schemars(range(min = 1, max = 10_000))]
    pub concurrency: Option<u32>,
}

/// One of the two says where; both of them would be a question.
fn one_origin(schema: &mut Schema) {
    let given = |name: &str| json!({"required": [name], "properties": {name: {"type": "string"}}});
    let beside = "Stands beside `domain`; keep one of them";
    let neither = "`domain` is missing: name the host, or give `base_url`";
    let mut otherwise = given("base_url");
    otherwise["errorMessage"] = neither.into();
    schema.insert("if".to_owned(), given("domain"));
    schema.insert(
        "then".to_owned(),
        json!({"properties": {"base_url": {"type": "null", "errorMessage": beside, "doNotSuggest": true}}}),
    );
    schema.insert("else".to_owned(), otherwise);
}

/// What a header can be.
fn scalar() -> Value {
    json!({"type": ["string", "number", "boolean", "null"]})
}

/// What a query parameter can be.
fn scalars() -> Value {
    let items = json!({"type": ["string", "number", "boolean"]});
    json!({"type": ["string", "number", "boolean", "null", "array"], "items": items})
}

impl HttpBinding {
    /// Reports what is wrong independently of the schema.
    pub(super) fn check(&self, problems: &mut Vec<Problem>) {
        match (&self.domain, &self.base_url) {
            (None, None) => {
                problems.push(Problem::at(
                    "tds_ext_info.domain",
                    "is missing: name the host, or give `base_url`",
                ));
            }
            (Some(_), Some(_)) => {
                problems.push(Problem::at(
                    "tds_ext_info.base_url",
                    "is given together with `domain`; keep one of them",
                ));
            }
            _ => {}
        }
        for (name, time) in [
            ("timeout_ms", self.timeout_ms),
            ("connect_timeout_ms", self.connect_timeout_ms),
        ] {
            if time.is_some_and(|ms| ms == 0 || ms > MAX_TIMEOUT_MS) {
                let reason = format!("must be from 1 to {MAX_TIMEOUT_MS} milliseconds");
                problems.push(Problem::at(format!("tds_ext_info.{name}"), reason));
            }
        }
        if let Some(tls) = &self.tls {
            tls.check(problems);
        }
        if let Some(proxy) = &self.proxy {
            proxy.check(problems);
        }
        if let Some(retry) = &self.retry {
            retry.check(problems);
        }
        if let Some(redirect) = &self.redirect {
            redirect.check(problems);
        }
        if self
            .limits
            .concurrency
            .is_some_and(|most| most == 0 || most > 10_000)
        {
            let reason = "must be from 1 to 10000";
            problems.push(Problem::at("tds_ext_info.limits.concurrency", reason));
        }
        problems.extend(
            self.reserved()
                .map(|name| Problem::at(format!("tds_ext_info.{name}"), "not supported yet")),
        );
    }

    /// Members that are there and would have to do something that is not built yet.
    fn reserved(&self) -> impl Iterator<Item = &'static str> {
        [
            ("cache", self.cache.is_some()),
            ("pagination", self.pagination.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, there)| there.then_some(name))
    }
}
