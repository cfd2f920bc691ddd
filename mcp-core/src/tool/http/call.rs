//! The HTTP call behind a tool, compiled.

mod declared_names;
mod fixed;
mod placed;
mod placement;
mod refused;

use super::{body, param};
use crate::tool::{
    Body, Delivery, InputSchema, Leaf, Member, Origin, ParamValue, Params, PathTemplate, ResponseShape,
    Signature, TakenNames, Templates, ToolCompiler, UsedVar,
};
use declared_names::DeclaredNames;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header::ACCEPT_ENCODING};
use mcp_common::{
    definition::{
        ToolDefinition,
        tool::{BodyMode, HttpBinding},
    },
    problem::Problem,
};
use placed::Placed;
use std::{collections::BTreeSet, fmt, sync::Arc, time::Duration};

/// Everything that the engine needs to make calls of one tool.
pub(crate) struct Call {
    pub(crate) signature: Arc<Signature>,
    pub(crate) method: Method,
    pub(crate) origin: Origin,
    pub(crate) path: PathTemplate,
    /// Arguments without a place of their own go to the query, or else into the body.
    pub(crate) rest_in_query: bool,
    /// A call without arguments for the body still has one (`{}`), because the schema speaks of them.
    pub(crate) has_body: bool,
    /// Headers and cookies that clients may give without a parameter that places them.
    pub(crate) declared_names: DeclaredNames,
    /// Sent with every call as they are.
    pub(crate) headers: HeaderMap,
    /// Names in `headers` and `header_leaves` that the definition gives.
    pub(crate) taken_headers: Vec<HeaderName>,
    /// Filled by each call: the header, its value, its field in the document.
    pub(crate) header_leaves: Vec<(HeaderName, Leaf, String)>,
    /// Sent with every call, encoded.
    pub(crate) query: String,
    /// Names that the definition gives in the query.
    pub(crate) taken_query: TakenNames,
    /// Filled by each call: the name, its value, its field in the document.
    pub(crate) query_leaves: Vec<(String, Leaf, String)>,
    /// Names that the definition gives among the cookies.
    pub(crate) taken_cookies: TakenNames,
    pub(crate) templates: Templates,
    pub(crate) params: Params,
    pub(crate) body: Body,
    /// The media type of the body; a multipart body adds its boundary.
    pub(crate) content_type: HeaderValue,
    /// Arguments that the definition places itself.
    placed: Placed,
    /// Arguments of which the definition names a part, the outer ones first.
    pub(crate) looked_into: BTreeSet<Vec<String>>,
    pub(crate) required_anywhere: Vec<String>,
    pub(crate) required_in_group: Vec<(String, String)>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) max_request_bytes: Option<u64>,
    /// What the definition itself lets files add where it sets no bound for the whole request.
    pub(crate) extra_request_bytes: u64,
    pub(crate) max_response_bytes: Option<u64>,
    /// `None`: one plain exchange.
    pub(crate) delivery: Option<Box<Delivery>>,
    /// `None`: as the answer's `Content-Type` says.
    pub(crate) response: Option<Box<ResponseShape>>,
}

/// Leaves headers and query out: definitions may carry credentials there.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("method", &self.method)
            .field("origin", &self.origin)
            .field("path", &self.path.parts)
            .field("signature", &self.signature)
            .finish_non_exhaustive()
    }
}

impl Call {
    pub(crate) fn compile(
        definition: &ToolDefinition,
        binding: &HttpBinding,
        input: &InputSchema,
        signature: &Arc<Signature>,
        compiler: &ToolCompiler,
        problems: &mut Vec<Problem>,
        warnings: &mut Vec<String>,
    ) -> Option<Self> {
        let method = method(&binding.method)
            .map_err(|problem| problems.push(problem))
            .ok();
        let origin = Origin::compile(binding)
            .map_err(|problem| problems.push(problem))
            .ok();
        let prefix = origin.as_ref().map_or("", |origin| origin.prefix.as_str());
        let path = PathTemplate::compile(prefix, &binding.path)
            .map_err(|reason| problems.push(Problem::at("tds_ext_info.path", reason)))
            .ok();
        let mut path = path.unwrap_or_default();
        if !binding.path.trim().starts_with('/') {
            warnings.push("tds_ext_info.path: does not begin with `/`; it is used as if it did".to_owned());
        }
        let mut templates = Templates::new(compiler.request_headers.clone(), (&*compiler.bounds).into());
        let mut params = param::compile(&binding.params, input, &mut path, &mut templates, problems);
        let body = body::compile(binding, input, &path, &mut params, &mut templates, problems);
        let mut fixed = fixed::compile(binding, &path, input, &mut templates, problems);
        fixed.take_names_of(&params, problems);
        let placed = Placed::new(input.layout, &binding.params, &body.claimed, &templates.arguments);
        let named = body.claimed.iter().chain(&templates.arguments);
        let looked_into = named
            .flat_map(|path| (1..path.len()).map(|length| path[..length].to_vec()))
            .collect();
        warnings.extend(param::idle_defaults(&binding.params, input));
        Placed::check(&binding.params, &templates.arguments, input.layout, problems);
        placement::check(input, &path, &fixed, &placed, problems);
        let declared_names = DeclaredNames::new(input, &binding.required_params, warnings);
        let method = method?;
        let mode = binding.body.as_ref().map_or(BodyMode::Auto, |body| body.mode);
        let rest_in_query = match mode {
            BodyMode::None => true,
            BodyMode::Auto | BodyMode::Raw => {
                method == Method::GET || method == Method::HEAD || method == Method::DELETE
            }
            BodyMode::Json | BodyMode::Form | BodyMode::Multipart => false,
        };
        let is_optional = binding.body.as_ref().is_some_and(|body| body.optional);
        let has_body = !rest_in_query
            && !is_optional
            && (placement::speaks_of_body(input, &path, &placed)
                || placement::has_argument_in_body(&body.body));
        placement::check_rest(input, &path, &placed, &body.body, rest_in_query, problems);
        let has_value = |name: &str| {
            let mut declared = binding.params.iter().filter(|param| param.name == name);
            declared.any(|param| param.constant.is_some() || param.default.is_some())
        };
        let mut required_anywhere = binding.required_params.anywhere.clone();
        required_anywhere.retain(|name| !has_value(name));
        let mut required_in_group = [&binding.required_params.grouped[..], &input.required].concat();
        required_in_group.retain(|(_, name)| !has_value(name));
        let response = binding.response.as_ref().map(|binding| {
            let place = (Member::Response, "tds_ext_info.response");
            let promises = definition.output_schema.is_some();
            Box::new(ResponseShape::compile(
                place, binding, promises, input, compiler, problems,
            ))
        });
        let delivery = Delivery::compile(binding, &method, origin.as_ref(), problems);
        if let Some(auth) = delivery.as_ref().and_then(|delivery| delivery.auth.as_ref()) {
            fixed.take_names_of_auth(auth, problems);
        }
        if binding
            .response
            .as_ref()
            .is_some_and(|response| response.compressed)
        {
            let codings = HeaderValue::from_static("gzip, br, zstd, deflate");
            fixed.headers.entry(ACCEPT_ENCODING).or_insert(codings);
        }
        let call = Self {
            signature: signature.clone(),
            origin: origin?,
            rest_in_query,
            has_body,
            declared_names,
            headers: fixed.headers,
            taken_headers: fixed.taken_headers,
            header_leaves: fixed.header_leaves,
            query: fixed.query,
            taken_query: fixed.taken_query,
            query_leaves: fixed.query_leaves,
            taken_cookies: fixed.taken_cookies,
            templates,
            params,
            body: body.body,
            content_type: body.content_type,
            placed,
            looked_into,
            required_anywhere,
            required_in_group,
            timeout: binding.timeout_ms.map(Duration::from_millis),
            max_request_bytes: binding.limits.max_request_bytes.map(|size| size.0),
            extra_request_bytes: body.extra_bytes,
            max_response_bytes: binding.limits.max_response_bytes.map(|size| size.0),
            delivery,
            response,
            method,
            path,
        };
        warnings.extend(call.refused(&input.value, input.layout, false));
        Some(call)
    }

    /// The service whose endpoints it is made to; `origin` only stands for them then.
    pub(crate) fn upstream(&self) -> Option<&Arc<str>> {
        self.delivery.as_ref()?.upstream.as_ref()
    }

    /// What its templates need of an instance.
    pub(crate) fn used_vars(&self) -> impl Iterator<Item = &UsedVar> {
        let response = self.response.iter().flat_map(|response| &response.templates.vars);
        self.templates.vars.iter().chain(response)
    }

    /// Whether there is no request without the argument, though the schema may not say so.
    pub(crate) fn requires(&self, group: Option<&str>, name: &str) -> bool {
        let in_path = group.is_none_or(|group| group == "path");
        let by_placeholder = in_path && self.path.has(name)
            || self.params.path.iter().any(|param| {
                in_path && param.name == name && matches!(param.value, ParamValue::Argument(None))
            });
        let mut by_group = self.required_in_group.iter();
        let by_binding = group.is_none_or(|group| matches!(group, "path" | "query"))
            && self.required_anywhere.iter().any(|required| required == name)
            || by_group.any(|(of, required)| required == name && group.is_none_or(|group| of == group));
        by_placeholder || by_binding
    }

    /// Whether the definition itself places this argument; it then goes nowhere else.
    pub(crate) fn is_placed(&self, path: &[&str]) -> bool {
        self.placed.has(path)
    }
}

fn method(text: &str) -> Result<Method, Problem> {
    let at = |reason: String| Problem::at("tds_ext_info.method", reason);
    let name = text.trim().to_ascii_uppercase();
    let method =
        Method::from_bytes(name.as_bytes()).map_err(|_| at(format!("`{text}` is not an HTTP method")))?;
    if method == Method::CONNECT {
        return Err(at("CONNECT makes a tunnel, not a call".into()));
    }
    Ok(method)
}
