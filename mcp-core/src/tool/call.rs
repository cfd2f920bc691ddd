//! The HTTP call behind a tool, compiled.

mod fixed;
mod placement;

use super::{Declared, InputSchema, Layout, Leaf, Origin, PathTemplate, Templates};
use http::{HeaderMap, HeaderName, Method};
use jsonschema::Validator;
use mcp_common::{definition::ToolDefinition, problem::Problem};
use std::{fmt, time::Duration};

/// Everything that the engine needs to make calls of one tool.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) origin: Origin,
    pub(crate) path: PathTemplate,
    pub(crate) layout: Layout,
    /// Arguments without a place of their own go to the query, or else into the body.
    pub(crate) rest_in_query: bool,
    /// A call without arguments for the body still has one (`{}`), because the schema speaks of them.
    pub(crate) has_body: bool,
    /// Header arguments that the schema declares; `None` where there is no such group.
    pub(crate) header_group: Option<Declared>,
    /// Sent with every call as they are.
    pub(crate) headers: HeaderMap,
    /// Names in `headers` and `header_leaves` that the definition gives.
    pub(crate) taken_headers: Vec<HeaderName>,
    /// Filled by each call: the header, its value, its field in the document.
    pub(crate) header_leaves: Vec<(HeaderName, Leaf, String)>,
    /// Sent with every call, encoded.
    pub(crate) query: String,
    /// Names that the definition gives in the query.
    pub(crate) taken_query: Vec<String>,
    /// Filled by each call: the name, its value, its field in the document.
    pub(crate) query_leaves: Vec<(String, Leaf, String)>,
    pub(crate) templates: Templates,
    pub(crate) required_anywhere: Vec<String>,
    pub(crate) required_in_group: Vec<(String, String)>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) max_request_bytes: Option<u64>,
    pub(crate) max_response_bytes: Option<u64>,
    /// `None` where the schema accepts every object.
    pub(crate) validator: Option<Validator>,
    pub(crate) output: Option<Validator>,
}

/// Without headers and query: definitions may carry credentials there.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("method", &self.method)
            .field("origin", &self.origin)
            .field("path", &self.path.parts)
            .field("layout", &self.layout)
            .finish_non_exhaustive()
    }
}

impl Call {
    pub(super) fn compile(
        definition: &ToolDefinition,
        input: &InputSchema,
        problems: &mut Vec<Problem>,
        warnings: &mut Vec<String>,
    ) -> Option<Self> {
        let binding = &definition.tds_ext_info;
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
        let path = path.unwrap_or_default();
        if !binding.path.trim().starts_with('/') {
            warnings.push("tds_ext_info.path: does not begin with `/`; it is used as if it did".to_owned());
        }
        let mut templates = Templates::new();
        let fixed = fixed::compile(binding, &path, input, &mut templates, problems);
        let header_group = placement::check(input, &path, &fixed, problems);
        let method = method?;
        let rest_in_query = method == Method::GET || method == Method::HEAD || method == Method::DELETE;
        let has_body = !rest_in_query && placement::speaks_of_body(input, &path, &templates.arguments);
        Some(Self {
            origin: origin?,
            layout: input.layout,
            rest_in_query,
            has_body,
            header_group,
            headers: fixed.headers,
            taken_headers: fixed.taken_headers,
            header_leaves: fixed.header_leaves,
            query: fixed.query,
            taken_query: fixed.taken_query,
            query_leaves: fixed.query_leaves,
            templates,
            required_anywhere: binding.required_params.anywhere.clone(),
            required_in_group: [&binding.required_params.grouped[..], &input.required].concat(),
            timeout: binding.timeout_ms.map(Duration::from_millis),
            max_request_bytes: binding.limits.max_request_bytes.map(|size| size.0),
            max_response_bytes: binding.limits.max_response_bytes.map(|size| size.0),
            method,
            path,
            validator: None,
            output: None,
        })
    }

    /// Whether a template of the definition places this argument; it then goes nowhere else.
    pub(crate) fn is_placed_by_template(&self, path: &[&str]) -> bool {
        self.templates.arguments.iter().any(|named| {
            let named = &named[..named.len().min(path.len())];
            named.len() == path.len() && named.iter().zip(path).all(|(a, b)| a == b)
        })
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
