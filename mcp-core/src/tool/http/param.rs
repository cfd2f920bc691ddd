//! Declared parameters (`tds_ext_info.params`), compiled.

mod check;

use super::header_name;
use crate::{
    encode::Spelling,
    tool::{InputSchema, Layout, PathTemplate, Template, Templates, is_hidden},
};
pub(super) use check::{check_explode, idle_defaults};
use http::HeaderName;
use mcp_common::{
    definition::tool::{OmitIf, Param as Declaration, Place, Style},
    problem::Problem,
};
use serde_json::Value;

/// One argument, or one value of the definition, and its place.
#[derive(Debug)]
pub(crate) struct Param {
    /// The argument.
    pub(crate) name: String,
    pub(crate) place: Place,
    /// What it is called in its place.
    pub(crate) wire: String,
    pub(crate) spelling: Spelling,
    pub(crate) value: ParamValue,
    /// The value of the definition is `const`, not `default`.
    pub(crate) is_const: bool,
    pub(crate) omit: Omit,
    /// The place in the document.
    pub(crate) field: String,
}

/// Where the value comes from.
#[derive(Debug)]
pub(crate) enum ParamValue {
    /// The value comes from the definition alone.
    Own(Template),
    /// The value comes from the argument, or else the default.
    Argument(Option<Template>),
}

/// What is left out.
#[derive(Debug, PartialEq)]
pub(crate) enum Omit {
    Nothing,
    Null,
    Empty,
    /// This value, and null.
    Value(Value),
}

/// All parameters of a tool, by place.
#[derive(Debug, Default)]
pub(crate) struct Params {
    pub(crate) path: Vec<Param>,
    pub(crate) query: Vec<Param>,
    pub(crate) header: Vec<(HeaderName, Param)>,
    pub(crate) cookie: Vec<Param>,
    pub(crate) body: Vec<Param>,
}

/// Compiles all declarations; those of the path take over their placeholders.
pub(super) fn compile(
    declarations: &[Declaration],
    input: &InputSchema,
    path: &mut PathTemplate,
    templates: &mut Templates,
    problems: &mut Vec<Problem>,
) -> Params {
    let mut params = Params::default();
    for (index, declaration) in declarations.iter().enumerate() {
        let field = format!("tds_ext_info.params[{index}]");
        let mut found = Vec::new();
        check::declaration(declaration, &declarations[..index], &field, input, &mut found);
        let param = read(declaration, field, input, templates, &mut found);
        if found.is_empty() {
            found.extend(check::own_value(&param).err());
        }
        if found.is_empty() {
            found.extend(params.add(param, path).err());
        }
        problems.append(&mut found);
    }
    params.check_placeholders(path, input, problems);
    params
}

impl Params {
    fn add(&mut self, param: Param, path: &mut PathTemplate) -> Result<(), Problem> {
        match param.place {
            Place::Path => {
                if !path.declare(&param.wire, self.path.len()) {
                    let reason = format!("the path has no placeholder `{}`", param.wire);
                    return Err(Problem::at(format!("{}.in", param.field), reason));
                }
                self.path.push(param);
            }
            Place::Query => self.query.push(param),
            Place::Header => {
                let header = header_name::read(&param.wire).map_err(|reason| {
                    Problem::at(param.name_field(), format!("`{}` {reason}", param.wire))
                })?;
                self.header.push((header, param));
            }
            Place::Cookie => {
                // The grammar of cookie names is that of header names.
                if HeaderName::from_bytes(param.wire.as_bytes()).is_err() {
                    let reason = format!("`{}` cannot be a cookie's name", param.wire);
                    return Err(Problem::at(param.name_field(), reason));
                }
                self.cookie.push(param);
            }
            Place::Body => self.body.push(param),
        }
        Ok(())
    }

    /// In a flat schema a placeholder takes the argument of its name; that argument cannot go elsewhere too.
    fn check_placeholders(&self, path: &PathTemplate, input: &InputSchema, problems: &mut Vec<Problem>) {
        if input.layout == Layout::Grouped {
            return;
        }
        for param in self.all().filter(|param| path.has(&param.name)) {
            let reason = format!(
                "puts `{0}` into the {1}, but `{0}` is a placeholder of the path",
                param.name,
                param.place.as_str()
            );
            problems.push(Problem::at(format!("{}.in", param.field), reason));
        }
    }

    /// All parameters, in no particular order.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Param> {
        let headers = self.header.iter().map(|(_, param)| param);
        let others = [&self.path, &self.query, &self.cookie, &self.body];
        others.into_iter().flatten().chain(headers)
    }
}

impl Param {
    /// Whether clients neither see nor set it.
    pub(crate) fn is_own(&self) -> bool {
        matches!(self.value, ParamValue::Own(_))
    }

    fn name_field(&self) -> String {
        let member = if self.wire == self.name { "name" } else { "as" };
        format!("{}.{member}", self.field)
    }
}

pub(super) fn spelling(style: Style, explode: Option<bool>, allow_reserved: bool) -> Spelling {
    let by_default = matches!(style, Style::Form | Style::DeepObject);
    Spelling {
        style,
        explode: explode.unwrap_or(by_default),
        allow_reserved,
    }
}

fn default_style(place: Place) -> Style {
    match place {
        Place::Path | Place::Header | Place::Body => Style::Simple,
        Place::Query | Place::Cookie => Style::Form,
    }
}

/// Member names from the root of the arguments.
pub(super) fn argument_path(is_grouped: bool, place: Place, name: &str) -> Vec<String> {
    let group = is_grouped.then(|| place.as_str().to_owned());
    group.into_iter().chain([name.to_owned()]).collect()
}

fn read(
    declaration: &Declaration,
    field: String,
    input: &InputSchema,
    templates: &mut Templates,
    found: &mut Vec<Problem>,
) -> Param {
    let is_own = is_hidden(declaration);
    let omit = match declaration.omit_if {
        None if declaration.place == Place::Body => Omit::Nothing,
        None | Some(OmitIf::Null) => Omit::Null,
        Some(OmitIf::Empty) => Omit::Empty,
        Some(OmitIf::Default) => {
            let default = declaration.default.as_ref();
            let value = default.and_then(|raw| serde_json::from_str(raw.get()).ok());
            Omit::Value(value.unwrap_or_default())
        }
    };
    let mut template = |member: &str, json: &str| {
        let field = format!("{field}.{member}");
        Template::compile(templates, &field, json, input, found)
    };
    let constant = declaration
        .constant
        .as_ref()
        .map(|raw| template("const", raw.get()));
    let default = declaration
        .default
        .as_ref()
        .map(|raw| template("default", raw.get()));
    let value = match (constant, default) {
        (Some(constant), _) => ParamValue::Own(constant),
        (None, Some(default)) if is_own => ParamValue::Own(default),
        (None, default) => ParamValue::Argument(default),
    };
    let style = declaration.style.unwrap_or(default_style(declaration.place));
    Param {
        name: declaration.name.clone(),
        place: declaration.place,
        wire: declaration
            .wire_name
            .as_ref()
            .unwrap_or(&declaration.name)
            .clone(),
        spelling: spelling(style, declaration.explode, declaration.allow_reserved),
        value,
        is_const: declaration.constant.is_some(),
        omit,
        field,
    }
}

/// Names that the value of the definition brings into the query beside its own.
pub(super) fn member_names(param: &Param) -> Vec<String> {
    let (ParamValue::Own(template) | ParamValue::Argument(Some(template))) = &param.value else {
        return Vec::new();
    };
    let is_exploded = param.spelling.style == Style::Form && param.spelling.explode;
    template.names().filter(|_| is_exploded).unwrap_or_default()
}
