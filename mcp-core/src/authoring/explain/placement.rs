//! Where the values of a request come from, one by one.

use serde::{Deserialize, Serialize};

/// One value and its place in the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// The arguments that it is made of, as JSON Pointers; none where the definition alone gives the value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<String>,
    /// What the value is.
    pub source: Source,
    /// The part of the request; absent where the value has none.
    #[serde(rename = "in", default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Part>,
    /// What it is called there: a placeholder, a parameter, a header, a JSON Pointer into the body.
    #[serde(rename = "as", default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What of the value the instance gives: IDS `support`: defaults, vars.region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_by: Option<String>,
    /// The member of the document that says so, or the general rule.
    pub rule: String,
    /// How it is written, where there is a choice: `form, exploded`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub style: Option<String>,
    /// The piece of the request, at most 200 bytes of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<String>,
    /// Why it is not sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<String>,
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// An argument of the call.
    Argument,
    /// The instance's value for an argument that was not given (`defaults` in its `tool_ids`).
    Instance,
    /// The definition's value for an argument that was not given.
    Default,
    /// The definition's own, always the same, which clients never see.
    Const,
    /// The same value, given as the `default` of a `hidden` parameter.
    Hidden,
    /// A value that a template makes.
    Template,
    /// A value that stands in the definition as it is sent.
    Fixed,
    /// The credential; never looked up to be shown.
    Credential,
}

/// A part of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// A placeholder.
    Path,
    /// A parameter.
    Query,
    /// A header field.
    Header,
    /// A cookie.
    Cookie,
    /// The body, a member or a field of it.
    Body,
}

impl Source {
    /// The word as in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Argument => "argument",
            Self::Instance => "instance",
            Self::Default => "default",
            Self::Const => "const",
            Self::Hidden => "hidden",
            Self::Template => "template",
            Self::Fixed => "fixed",
            Self::Credential => "credential",
        }
    }
}

impl Part {
    /// The word as in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
            Self::Cookie => "cookie",
            Self::Body => "body",
        }
    }
}

impl From<mcp_common::definition::tool::Place> for Part {
    fn from(place: mcp_common::definition::tool::Place) -> Self {
        use mcp_common::definition::tool::Place;
        match place {
            Place::Path => Self::Path,
            Place::Query => Self::Query,
            Place::Header => Self::Header,
            Place::Cookie => Self::Cookie,
            Place::Body => Self::Body,
        }
    }
}
