//! What the caller says about an import.

use super::{GivenAuth, GivenHeader, ImportError, Pattern, Progress, Rename, Room};
use crate::tool::ToolCompiler;
use mcp_common::{
    bounds::{Bounds, JsonBounds},
    definition::name::check_id,
};
use std::str::FromStr;

/// What the text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// OpenAPI 3.0 and 3.1, Swagger 2.0; JSON or YAML.
    OpenApi,
    /// One curl command line.
    Curl,
    /// A Postman collection v2.1 (or v2.0).
    Postman,
    /// An HTTP archive.
    Har,
}

impl Format {
    /// The word as it stands in commands, paths and `source.type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenApi => "openapi",
            Self::Curl => "curl",
            Self::Postman => "postman",
            Self::Har => "har",
        }
    }
}

impl FromStr for Format {
    type Err = ImportError;

    fn from_str(text: &str) -> Result<Self, ImportError> {
        [Self::OpenApi, Self::Curl, Self::Postman, Self::Har]
            .into_iter()
            .find(|format| format.as_str() == text)
            .ok_or_else(|| {
                ImportError::Option(format!(
                    "there is no import `{text}`; there are openapi, curl, postman and har"
                ))
            })
    }
}

/// Which operations become which tools.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// The instance that gets the tools; made if it is not there.
    pub instance: String,
    /// What the description is known by from one import to the next: its URL or file name. Without one: its title.
    pub source: Option<String>,
    /// The address of the API, instead of what the description says.
    pub base_url: Option<String>,
    /// The credential of every tool, instead of what the description says.
    pub auth: Option<GivenAuth>,
    /// Headers of every call.
    pub headers: Vec<GivenHeader>,
    /// The patterns that select operations; empty for all.
    pub include: Vec<Pattern>,
    /// The patterns of operations that are left out, whatever includes them.
    pub exclude: Vec<Pattern>,
    /// Other names for tools; the first one that fits counts.
    pub rename: Vec<Rename>,
    /// Delete tools of this source whose operation is gone.
    pub prune: bool,
    /// Bounds.
    pub limits: Limits,
    /// Every definition is compiled before it is planned, as the gateway would.
    pub compiler: ToolCompiler,
    /// The memory that it may take.
    pub room: Room,
    /// Who is told how far it is.
    pub progress: Progress,
}

impl ImportOptions {
    /// The same with the bounds of a gateway, which compiles the definitions by `compiler`.
    pub fn compiled_by(self, compiler: ToolCompiler) -> Self {
        Self {
            limits: Limits::from(&**compiler.bounds()),
            compiler,
            ..self
        }
    }

    pub(super) fn check(&self) -> Result<(), ImportError> {
        check_id(&self.instance).map_err(|problem| {
            let reason = problem.reason;
            ImportError::Option(format!(
                "the instance `{}` cannot be used: its id {reason}",
                self.instance
            ))
        })?;
        let is_url = |url: &String| url.starts_with("http://") || url.starts_with("https://");
        match &self.base_url {
            Some(url) if !is_url(url) => Err(ImportError::Option(format!(
                "the base URL `{url}` must begin with http:// or https://"
            ))),
            _ => Ok(()),
        }
    }

    /// Whether this operation was asked for.
    pub(super) fn selects(&self, operation: &super::pattern::Operation<'_>) -> bool {
        let is_in = self.include.is_empty() || self.include.iter().any(|pattern| pattern.selects(operation));
        is_in && !self.exclude.iter().any(|pattern| pattern.selects(operation))
    }
}

/// Bounds of an import.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The bytes of the text.
    pub max_bytes: usize,
    /// The operations in one document.
    pub max_operations: usize,
    /// The bounds of the text as JSON or YAML: levels and values.
    pub text: JsonBounds,
    /// The bytes of one tool's input schema, as JSON.
    pub max_input_schema: usize,
    /// The bytes of one tool's output schema; larger ones are left out, because every client pays for them in `tools/list`.
    pub max_output_schema: usize,
}

impl From<&Bounds> for Limits {
    fn from(bounds: &Bounds) -> Self {
        Self {
            max_bytes: bounds.description_bytes.most,
            max_operations: bounds.description_operations.most,
            text: bounds.description(),
            max_input_schema: 128 * 1024,
            max_output_schema: 4 * 1024,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::from(&Bounds::default())
    }
}
