//! The schema of what a definition says about its request: `params` and `body`.
#![expect(
    dead_code,
    reason = "described, never built: documents stay the text they are"
)]

use super::tool::ByteSize;
use serde_json::{Map, Value};
use std::collections::HashMap;
use utoipa::ToSchema;

/// Where one argument goes that does not follow the general rule, or a value that every call has.
#[derive(ToSchema)]
pub(super) struct Param {
    /// The argument.
    #[schema(example = "tags")]
    name: String,
    /// The part of the request.
    #[schema(rename = "in")]
    place: Place,
    /// What it is called there; for the body a member's name or a JSON Pointer such as `/comment/text`.
    #[schema(required = false, rename = "as", example = "tag")]
    wire_name: String,
    /// OpenAPI's styles; `json` is the value's JSON text. The default is `form` for query and cookie, `simple` for path
    /// and header.
    #[schema(required = false)]
    style: Style,
    /// The default is `true` for `form` and `deepObject`.
    #[schema(required = false)]
    explode: bool,
    /// Always this value; texts may be templates. Clients neither see nor set it.
    #[schema(required = false, rename = "const")]
    constant: Value,
    /// The value where the client gives none; texts may be templates.
    #[schema(required = false)]
    default: Value,
    /// Clients neither see nor set it; needs `const` or `default`.
    #[schema(required = false, default = false)]
    hidden: bool,
    /// Which values are left out; in query, headers and cookies `null` always is.
    #[schema(required = false)]
    omit_if: OmitIf,
}

/// A part of a request.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub(super) enum Place {
    Path,
    Query,
    Header,
    Cookie,
    Body,
}

/// OpenAPI's ways of writing a value.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) enum Style {
    Simple,
    Label,
    Matrix,
    Form,
    SpaceDelimited,
    PipeDelimited,
    DeepObject,
    Json,
}

/// Which values are left out.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub(super) enum OmitIf {
    Null,
    Empty,
    Default,
}

/// What the body is made of.
#[derive(ToSchema)]
pub(super) struct Body {
    /// `auto` is JSON, unless `content_type` or `parts` say something else.
    #[schema(required = false)]
    mode: BodyMode,
    /// JSON Pointer of the argument whose value is the whole body.
    #[schema(required = false, example = "/items")]
    root: String,
    /// The body; its texts are typed templates.
    #[schema(required = false)]
    template: Value,
    /// Files and other parts of a multipart body.
    #[schema(required = false)]
    parts: Vec<Part>,
    /// How single properties of a form or multipart body are written.
    #[schema(required = false)]
    encoding: HashMap<String, Encoding>,
    /// The body's media type.
    #[schema(required = false, example = "application/json")]
    content_type: String,
}

/// Kinds of bodies.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub(super) enum BodyMode {
    Auto,
    None,
    Json,
    Form,
    Multipart,
    Raw,
}

/// One part of a multipart body, or several of one name where the argument is a list.
#[derive(ToSchema)]
pub(super) struct Part {
    /// The part's name.
    #[schema(min_length = 1)]
    name: String,
    /// JSON Pointer of the argument; the argument of the part's name by default.
    #[schema(required = false, example = "/document")]
    from: String,
    /// `auto`: `base64` where the schema says `contentEncoding: base64`, otherwise `text`.
    #[schema(required = false)]
    source: PartSource,
    /// May be a template; a list names several files.
    #[schema(required = false, example = "{{ args.filename }}")]
    filename: String,
    /// May be a template; `contentMediaType` of the schema by default.
    #[schema(required = false, example = "application/pdf")]
    content_type: String,
    /// Bound of the content of one file.
    #[schema(required = false)]
    max_bytes: ByteSize,
    /// Further headers of the part, with templates.
    #[schema(required = false, value_type = Object)]
    headers: Map<String, Value>,
}

/// How an argument holds the content of a part.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub(super) enum PartSource {
    Auto,
    Text,
    Base64,
}

/// How one property is written; OpenAPI's Encoding Object.
#[derive(ToSchema)]
pub(super) struct Encoding {
    /// `form`, `spaceDelimited`, `pipeDelimited`, `deepObject` or `json`.
    #[schema(required = false)]
    style: Style,
    /// The default is `true` for `form` and `deepObject`.
    #[schema(required = false)]
    explode: bool,
    /// Of the property's parts; a JSON type writes the value as JSON.
    #[schema(required = false)]
    content_type: String,
    /// Further headers of the property's parts, with templates.
    #[schema(required = false, value_type = Object)]
    headers: Map<String, Value>,
}
