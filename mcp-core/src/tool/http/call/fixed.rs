//! Headers and query parameters that the definition itself gives.

use crate::{
    encode,
    tool::{
        Auth, Giver, InputSchema, Leaf, Params, PathTemplate, Place, TakenNames, Templates,
        http::{header_name, param},
    },
};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use mcp_common::{
    definition::{
        self,
        tool::{HttpBinding, Param},
    },
    problem::Problem,
};
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// What the definition gives, as far as it is known before a call.
#[derive(Debug, Default)]
pub(super) struct Fixed {
    pub(super) headers: HeaderMap,
    pub(super) taken_headers: Vec<HeaderName>,
    pub(super) header_leaves: Vec<(HeaderName, Leaf, String)>,
    pub(super) query: String,
    pub(super) taken_query: TakenNames,
    pub(super) query_leaves: Vec<(String, Leaf, String)>,
    pub(super) taken_cookies: TakenNames,
}

pub(super) fn compile(
    binding: &HttpBinding,
    path: &PathTemplate,
    input: &InputSchema,
    templates: &mut Templates,
    problems: &mut Vec<Problem>,
) -> Fixed {
    let mut fixed = Fixed {
        query: path.query.clone(),
        ..Fixed::default()
    };
    let in_path = path
        .query
        .split('&')
        .filter_map(|pair| pair.split('=').next())
        .filter(|name| !name.is_empty());
    for name in in_path {
        fixed.taken_query.add(decoded(name));
    }
    let agent = concat!("dynmcp/", env!("CARGO_PKG_VERSION"));
    fixed
        .headers
        .insert(header::USER_AGENT, HeaderValue::from_static(agent));
    fixed.headers.insert(
        header::ACCEPT,
        HeaderValue::from_static("application/json, */*;q=0.8"),
    );
    let in_header = |param: &&Param| param.place == definition::tool::Place::Header;
    let count = binding.headers.len() + binding.params.iter().filter(in_header).count();
    if count > encode::MAX_HEADERS {
        let reason = format!(
            "has {count} headers with those of `params`, at most {} are sent",
            encode::MAX_HEADERS
        );
        problems.push(Problem::at("tds_ext_info.headers", reason));
        return fixed;
    }
    for (name, value) in &binding.headers {
        let field = format!("tds_ext_info.headers.{name}");
        if let Err(problem) = fixed.header(name, value, &field, input, templates) {
            problems.push(problem);
        }
    }
    for (name, value) in &binding.query {
        let field = format!("tds_ext_info.query.{name}");
        if let Err(problem) = fixed.parameter(name, value, &field, input, templates) {
            problems.push(problem);
        }
    }
    fixed
}

impl Fixed {
    /// What declared parameters fill, nothing else may.
    pub(super) fn take_names_of(&mut self, params: &Params, problems: &mut Vec<Problem>) {
        let mut clash = |param: &param::Param, with: &str| {
            let reason = format!("`{}` is also given by {with}; keep one of them", param.wire);
            problems.push(Problem::at(&param.field, reason));
        };
        for (header, param) in &params.header {
            if self.taken_headers.contains(header) {
                clash(param, "tds_ext_info.headers");
            }
            self.taken_headers.push(header.clone());
        }
        for (index, param) in params.query.iter().enumerate() {
            let giver = giver(param);
            let names = std::iter::once(param.wire.clone()).chain(param::member_names(param));
            for name in names {
                if self.taken_query.has(&name) {
                    clash(param, "the query of the definition");
                }
                self.taken_query.add_param(name, index, giver);
            }
        }
        let line = self.headers.get(header::COOKIE);
        let line = line.and_then(|line| line.to_str().ok()).unwrap_or_default();
        let in_line = line.split(';').filter_map(|pair| pair.split('=').next());
        for name in in_line.map(str::trim).filter(|name| !name.is_empty()) {
            self.taken_cookies.add(name);
        }
        for (index, param) in params.cookie.iter().enumerate() {
            let giver = giver(param);
            let names = std::iter::once(param.wire.clone()).chain(param::member_names(param));
            for name in names {
                if self.taken_cookies.has(&name) {
                    clash(param, "the cookies of the definition");
                }
                self.taken_cookies.add_param(name, index, giver);
            }
        }
    }

    /// What the credential fills, nothing else may. In a header it replaces what is there.
    pub(super) fn take_names_of_auth(&mut self, auth: &Auth, problems: &mut Vec<Problem>) {
        for place in auth.places() {
            self.take_name_of(place, problems);
        }
    }

    fn take_name_of(&mut self, place: Place, problems: &mut Vec<Problem>) {
        let taken = match place {
            Place::Header(name) => (self.taken_headers.contains(&name)).then(|| format!("header `{name}`")),
            Place::Query(name) => {
                let is_taken = self.taken_query.has(&name);
                self.taken_query.add(name.as_str());
                is_taken.then(|| format!("query parameter `{name}`"))
            }
            Place::Cookie(name) => {
                let is_taken = self.taken_cookies.has(&name);
                self.taken_cookies.add(name.as_str());
                is_taken.then(|| format!("cookie `{name}`"))
            }
        };
        if let Some(taken) = taken {
            let reason = format!("the {taken} is given elsewhere in the definition too; keep one of them");
            problems.push(Problem::at("tds_ext_info.auth", reason));
        }
    }

    fn header(
        &mut self,
        name: &str,
        value: &Value,
        field: &str,
        input: &InputSchema,
        templates: &mut Templates,
    ) -> Result<(), Problem> {
        let header = header_name::read(name).map_err(|reason| Problem::at(field, reason))?;
        if self.taken_headers.contains(&header) {
            return Err(Problem::at(field, "appears twice (letter case does not count)"));
        }
        self.taken_headers.push(header.clone());
        match templates.compile(field, value, input)? {
            Leaf::Fixed(Value::Null) => {}
            Leaf::Fixed(value) => {
                let text =
                    scalar(&value).ok_or_else(|| Problem::at(field, "must be a text, number or boolean"))?;
                let value =
                    encode::header_value(text.as_bytes()).map_err(|reason| Problem::at(field, reason))?;
                self.headers.insert(header, value);
            }
            leaf => self.header_leaves.push((header, leaf, field.to_owned())),
        }
        Ok(())
    }

    fn parameter(
        &mut self,
        name: &str,
        value: &Value,
        field: &str,
        input: &InputSchema,
        templates: &mut Templates,
    ) -> Result<(), Problem> {
        if self.taken_query.has(name) {
            return Err(Problem::at(field, "stands in the path's query already"));
        }
        self.taken_query.add(name);
        let values = match templates.compile(field, value, input)? {
            Leaf::Fixed(Value::Null) => return Ok(()),
            Leaf::Fixed(Value::Array(values)) => values,
            Leaf::Fixed(value) => vec![value],
            leaf => {
                self.query_leaves.push((name.to_owned(), leaf, field.to_owned()));
                return Ok(());
            }
        };
        for value in &values {
            let reason = "must be a text, number or boolean, or a list of them";
            let text = scalar(value).ok_or_else(|| Problem::at(field, reason))?;
            let mut pair = Vec::new();
            encode::pair(&mut pair, name, &text);
            if !self.query.is_empty() {
                self.query.push('&');
            }
            self.query.push_str(&String::from_utf8_lossy(&pair));
        }
        Ok(())
    }
}

fn giver(param: &param::Param) -> Giver {
    match param.is_own() {
        true => Giver::Definition,
        false => Giver::Argument,
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A name as servers read it.
fn decoded(name: &str) -> String {
    let name = name.replace('+', " ");
    percent_decode_str(&name).decode_utf8_lossy().into_owned()
}
