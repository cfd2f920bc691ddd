//! Headers and query parameters that the definition gives.

use super::{Trace, template::of_leaf, written::Written};
use crate::{
    authoring::explain::{Part, Placement, Source, telling},
    encode,
    engine::http::build::leaf::Filled,
    tool::Leaf,
};
use percent_encoding::percent_decode_str;

impl Trace<'_> {
    pub(super) fn fixed_query(&self, out: &mut Vec<Placement>) {
        for pair in self.call.query.split('&').filter(|pair| !pair.is_empty()) {
            let name = pair.split('=').next().unwrap_or_default();
            let name = percent_decode_str(name).decode_utf8_lossy();
            let in_path = self.call.path.query.split('&').any(|other| other == pair);
            let rule = if in_path {
                "the query in tds_ext_info.path".to_owned()
            } else {
                format!("tds_ext_info.query.{name}")
            };
            out.push(fixed(Part::Query, &name, rule, pair));
        }
        for (name, leaf, field) in &self.call.query_leaves {
            let written = match self.scope.fill(leaf, field) {
                Ok(Filled::Nothing) => nothing(),
                Ok(Filled::Text(text)) => {
                    let mut pair = Vec::new();
                    encode::pair(&mut pair, name, &text);
                    Written::Text(String::from_utf8_lossy(&pair).into_owned())
                }
                Ok(Filled::Json(json)) => super::written::pairs(name, &json, crate::encode::FORM, "&"),
                Err(failure) => Written::Nothing(failure.reason().to_owned()),
            };
            out.push(self.templated(Part::Query, name, leaf, field, written));
        }
    }

    pub(super) fn headers(&self, out: &mut Vec<Placement>) {
        for (name, value) in &self.call.headers {
            // The others are what every request of the gateway has.
            if self.call.taken_headers.contains(name) {
                let name = title_case(name.as_str());
                let text = String::from_utf8_lossy(value.as_bytes());
                let rule = format!("tds_ext_info.headers.{name}");
                out.push(fixed(Part::Header, &name, rule, &text));
            }
        }
        for (name, leaf, field) in &self.call.header_leaves {
            let written = match self.scope.fill(leaf, field) {
                Ok(Filled::Nothing) => nothing(),
                Ok(Filled::Text(text)) => Written::Text(text.into_owned()),
                Ok(Filled::Json(json)) => super::written::header(&json, crate::encode::SIMPLE),
                Err(failure) => Written::Nothing(failure.reason().to_owned()),
            };
            let name = title_case(name.as_str());
            out.push(self.templated(Part::Header, &name, leaf, field, written));
        }
    }

    /// A value that a template makes of the call.
    pub(super) fn templated(
        &self,
        part: Part,
        name: &str,
        leaf: &Leaf,
        field: &str,
        written: Written,
    ) -> Placement {
        let mut placement = Placement {
            arguments: of_leaf(leaf, self.call),
            source: Source::Template,
            place: Some(part),
            name: name.to_owned(),
            rule: field.to_owned(),
            style: None,
            written: None,
            left_out: None,
            given_by: None,
        };
        written.note(&mut placement);
        placement
    }
}

pub(super) fn nothing() -> Written {
    Written::Nothing("the argument was not given".to_owned())
}

fn fixed(part: Part, name: &str, rule: String, text: &str) -> Placement {
    let mut placement = Placement {
        arguments: Vec::new(),
        source: Source::Fixed,
        place: Some(part),
        name: name.to_owned(),
        rule,
        style: None,
        written: None,
        left_out: None,
        given_by: None,
    };
    let text = if telling::is_credential(name) {
        telling::HIDDEN.to_owned()
    } else {
        text.to_owned()
    };
    Written::Text(text).note(&mut placement);
    placement
}

/// The header's name as people write it.
fn title_case(name: &str) -> String {
    crate::authoring::explain::title_case(name)
}
