//! Declared parameters (`tds_ext_info.params`).

use super::{
    Trace,
    template::arguments_of,
    written::{self, Written},
};
use crate::{
    authoring::explain::{Part, Placement, Source, telling},
    engine::http::build::param,
    json::pointer::pointer_of,
    tool::{Omit, Param, ParamValue, Template},
};
use mcp_common::definition::tool::Place;
use serde_json::value::RawValue;

impl Trace<'_> {
    /// `None` for an optional argument that was not given.
    pub(super) fn param(&self, param: &Param) -> Option<Placement> {
        let given = self.arguments.given(param.place, &param.name);
        self.param_given(param, given)
    }

    /// The same, where the argument was looked up already.
    pub(super) fn param_given(&self, param: &Param, given: Option<&RawValue>) -> Option<Placement> {
        let (source, template) = match (&param.value, given) {
            (ParamValue::Own(template), _) if param.is_const => (Source::Const, Some(template)),
            (ParamValue::Own(template), _) => (Source::Hidden, Some(template)),
            (ParamValue::Argument(_), Some(_)) => (Source::Argument, None),
            (ParamValue::Argument(Some(template)), None) => (Source::Default, Some(template)),
            (ParamValue::Argument(None), None) => return None,
        };
        let arguments = match template {
            None => vec![self.pointer(param)],
            Some(template) => arguments_of(template, self.call),
        };
        let name = match param.place {
            Place::Path => format!("{{{}}}", param.wire),
            Place::Body if !param.wire.starts_with('/') => pointer_of(&[&param.wire]),
            _ => param.wire.clone(),
        };
        let mut placement = Placement {
            arguments,
            source,
            place: Some(param.place.into()),
            name,
            rule: param.field.clone(),
            style: None,
            written: None,
            left_out: None,
            given_by: None,
        };
        match param::value(param, self.arguments, given, self.scope) {
            Ok(Some(json)) => {
                // A single value is written alike in all styles.
                let is_styled = json.starts_with(['[', '{']) || param.spelling.allow_reserved;
                let has_style = is_styled && param.place != Place::Body;
                placement.style = has_style.then(|| written::style(param.spelling));
                written(param, &json)
            }
            Ok(None) => Written::Nothing(reason(param).to_owned()),
            Err(failure) => Written::Nothing(failure.reason().to_owned()),
        }
        .note(&mut placement);
        let is_literal = matches!(template, Some(Template::Fixed(_)));
        if is_literal && param.is_own() && telling::is_credential(&param.wire) {
            placement.written = placement.written.map(|_| telling::HIDDEN.to_owned());
        }
        Some(placement)
    }

    fn pointer(&self, param: &Param) -> String {
        match self.arguments.groups {
            Some(_) => pointer_of(&[param.place.as_str(), &param.name]),
            None => pointer_of(&[&param.name]),
        }
    }
}

fn written(param: &Param, json: &str) -> Written {
    match param.place {
        Place::Path => written::path(&param.wire, json, param.spelling),
        Place::Query => written::pairs(&param.wire, json, param.spelling, "&"),
        Place::Header => written::header(json, param.spelling),
        Place::Cookie => written::pairs(&param.wire, json, param.spelling, "; "),
        Place::Body => Written::Text(json.to_owned()),
    }
}

fn reason(param: &Param) -> &'static str {
    match (&param.omit, Part::from(param.place)) {
        (Omit::Empty, _) => "omit_if: empty",
        (Omit::Value(_), _) => "omit_if: default",
        (Omit::Null, Part::Body) => "omit_if: null",
        _ => "null is not sent here",
    }
}
