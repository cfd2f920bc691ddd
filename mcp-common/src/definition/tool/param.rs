//! Where one argument goes (`tds_ext_info.params`).

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// One declared parameter of the request.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Param {
    /// The argument.
    pub name: String,
    /// The part of the request that it goes to.
    #[serde(rename = "in")]
    pub place: Place,
    /// What it is called there; for the body a member's name or a JSON Pointer. The argument's name where it is absent.
    #[serde(rename = "as")]
    #[schemars(example = &"/comment/text")]
    pub wire_name: Option<String>,
    /// How lists and objects are written. Default: `form` for query and cookie, `simple` for path and header.
    pub style: Option<Style>,
    /// Whether items and members stand each for themselves. Default: `true` for `form` and `deepObject`.
    pub explode: Option<bool>,
    /// Query only: the characters `:/?@!$'()*,;` and triplets such as `%2F` in a value are sent as they are
    /// (OpenAPI's `allowReserved`). What would end the value stays encoded.
    #[serde(default)]
    pub allow_reserved: bool,
    /// A value that is always sent; texts in it may be templates. Clients neither see nor set it.
    #[serde(rename = "const", default, deserialize_with = "present")]
    pub constant: Option<Box<RawValue>>,
    /// The value where the client gives none; texts in it may be templates.
    #[serde(default, deserialize_with = "present")]
    pub default: Option<Box<RawValue>>,
    /// Clients neither see nor set it; needs `const` or `default`.
    #[serde(default)]
    pub hidden: bool,
    /// Which values are left out. In query, headers and cookies `null` always is.
    #[serde(default, deserialize_with = "word_or_null")]
    pub omit_if: Option<OmitIf>,
}

/// A part of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// A placeholder of the path.
    Path,
    /// A query parameter.
    Query,
    /// A header.
    Header,
    /// A cookie.
    Cookie,
    /// A member of the body.
    Body,
}

impl Place {
    /// The word that definitions write; also the group of arguments that are sorted by place.
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

/// OpenAPI's ways of writing a value, of 3.x and 2.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Style {
    /// `blue,black,brown`.
    Simple,
    /// `.blue,black,brown`.
    Label,
    /// `;color=blue,black,brown`.
    Matrix,
    /// `color=blue&color=black`.
    Form,
    /// `color=blue%20black`.
    SpaceDelimited,
    /// `color=blue%7Cblack`.
    PipeDelimited,
    /// `color=blue%09black` (Swagger 2.0's `tsv`).
    TabDelimited,
    /// `color[R]=100&color[G]=200`.
    DeepObject,
    /// The value's JSON text (OpenAPI's `content` with a JSON media type).
    Json,
}

impl Style {
    /// The word that definitions write.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::Label => "label",
            Self::Matrix => "matrix",
            Self::Form => "form",
            Self::SpaceDelimited => "spaceDelimited",
            Self::PipeDelimited => "pipeDelimited",
            Self::TabDelimited => "tabDelimited",
            Self::DeepObject => "deepObject",
            Self::Json => "json",
        }
    }
}

/// Which values of a parameter are left out of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OmitIf {
    /// `null`.
    Null,
    /// `null`, and texts, lists and objects without content.
    Empty,
    /// The value that stands in `default`.
    Default,
}

/// `null` is one of the words, and in YAML nobody puts it in quotes.
fn word_or_null<'de, D: Deserializer<'de>>(input: D) -> Result<Option<OmitIf>, D::Error> {
    let word = Option::deserialize(input)?;
    Ok(Some(word.unwrap_or(OmitIf::Null)))
}

/// Tells `null` from a member that is not there.
pub(super) fn present<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(input).map(Some)
}
