//! How a tool maps onto an HTTP call (`tds_ext_info`).

use super::{
    AuthBinding, EgressBinding, ProxyBinding, RedirectBinding, ResponseBinding, RetryBinding, TlsBinding,
    body::BodyBinding, param::Param, required_params::RequiredParams,
};
use crate::{byte_size::ByteSize, definition::upstream::is_id as is_upstream_id, problem::Problem};
use indexmap::IndexMap;
use schemars::{JsonSchema, Schema};
use serde::Deserialize;
use serde_json::{Map, Value, json, value::RawValue};
use std::sync::Arc;

/// The longest call that a definition can ask for.
const MAX_TIMEOUT_MS: u64 = 3_600_000;

/// How a tool maps onto an HTTP call. Exactly one of `domain`, `base_url` and `upstream` is given.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(transform = one_origin)]
pub struct HttpBinding {
    /// Host, `host:port`, or an origin with scheme; without one: `https`, and `http` for loopback hosts.
    #[schemars(example = &"api.example.com", example = &"http://127.0.0.1:8000")]
    pub domain: Option<String>,
    /// Origin and path prefix, instead of `domain`.
    #[schemars(example = &"https://api.example.com/v1")]
    pub base_url: Option<String>,
    /// The upstream (UDS document with `protocol: http`) that the tool is called at, instead of `domain`: its address or addresses, headers, credential,
    /// and how connections are made. Until there is one of this id the tool is not shown.
    #[schemars(example = &"billing", regex(pattern = "^[a-z0-9][a-z0-9-]{0,31}$"))]
    pub upstream: Option<Arc<str>>,
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

/// Which of these says where; two of them would be a question.
const WHERE: [&str; 3] = ["domain", "base_url", "upstream"];
/// What belongs to an upstream where one is named.
const OF_UPSTREAM: [&str; 4] = ["connect_timeout_ms", "tls", "proxy", "egress"];
const NOWHERE: &str = "is missing: name the host, or give `base_url` or `upstream`";

fn one_origin(schema: &mut Schema) {
    let given = |name: &str| json!({"required": [name], "properties": {name: {"type": "string"}}});
    let absent = |name: &str, message: String| json!({name: {"type": "null", "errorMessage": message, "doNotSuggest": true}});
    let without = |names: &[&str], message: String| {
        let all = names.iter().map(|name| absent(name, message.clone()));
        let all: Vec<_> = all.map(|properties| json!({"properties": properties})).collect();
        json!({"allOf": all})
    };
    let beside = |of: &str| format!("Stands beside `{of}`; keep one of them");
    let mut nowhere = given("upstream");
    nowhere["errorMessage"] = format!("`domain` {NOWHERE}").into();
    let mut of_upstream = WHERE[..2].to_vec();
    of_upstream.extend(OF_UPSTREAM);
    let rules = json!([
        {"if": given("domain"), "then": without(&["base_url"], beside("domain"))},
        {"if": given("upstream"), "then": without(&of_upstream, "Belongs to the upstream that `upstream` names".to_owned())},
        {"if": {"not": {"anyOf": [given("domain"), given("base_url")]}}, "then": nowhere},
    ]);
    schema.insert("allOf".to_owned(), rules);
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
        self.check_where(problems);
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
            tls.check("tds_ext_info.", problems);
        }
        if let Some(proxy) = &self.proxy {
            proxy.check("tds_ext_info.", problems);
        }
        match &self.auth {
            Some(AuthBinding::AwsSigV4(binding)) => binding.check("tds_ext_info.auth.", problems),
            Some(AuthBinding::Hmac(binding)) => binding.check("tds_ext_info.auth.", problems),
            _ => {}
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

    fn check_where(&self, problems: &mut Vec<Problem>) {
        let given = [
            self.domain.is_some(),
            self.base_url.is_some(),
            self.upstream.is_some(),
        ];
        let mut given = WHERE
            .into_iter()
            .zip(given)
            .filter_map(|(name, is_there)| is_there.then_some(name));
        let Some(first) = given.next() else {
            problems.push(Problem::at("tds_ext_info.domain", NOWHERE));
            return;
        };
        problems.extend(given.map(|other| {
            let reason = format!("is given together with `{first}`; keep one of them");
            Problem::at(format!("tds_ext_info.{other}"), reason)
        }));
        let Some(upstream) = &self.upstream else { return };
        if !is_upstream_id(upstream) {
            let reason = format!(
                "`{upstream}` is not the id of an upstream: 1 to 32 of a-z 0-9 - that begin with a letter or digit"
            );
            problems.push(Problem::at("tds_ext_info.upstream", reason));
        }
        let own = [
            self.connect_timeout_ms.is_some(),
            self.tls.is_some(),
            self.proxy.is_some(),
            self.egress.is_some(),
        ];
        for (member, _) in OF_UPSTREAM.into_iter().zip(own).filter(|(_, is_there)| *is_there) {
            let reason = format!(
                "belongs to the upstream: write it into the document of `{upstream}`, or give `base_url` instead of `upstream`"
            );
            problems.push(Problem::at(format!("tds_ext_info.{member}"), reason));
        }
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
