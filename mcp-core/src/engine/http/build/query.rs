//! The query of one call: what is declared in its style, everything else in OpenAPI's `form` style, exploded.

use super::{
    arguments::Arguments,
    leaf::{Filled, Scope},
    param,
};
use crate::{
    encode::{self, Plain, check_target, item, pair},
    engine::failure::Failure,
    tool::Call,
};
use mcp_common::definition::tool::Style;

pub(super) fn write(
    out: &mut Vec<u8>,
    call: &Call,
    arguments: &Arguments<'_>,
    scope: &Scope<'_>,
) -> Result<(), Failure> {
    let mut query = Query { out, is_first: true };
    if !call.query.is_empty() {
        query.separate();
        query.out.extend_from_slice(call.query.as_bytes());
    }
    for (name, leaf, field) in &call.query_leaves {
        let filled = scope.fill(leaf, field)?;
        let done = match &filled {
            Filled::Nothing => Ok(()),
            Filled::Text(text) => query.add(name, text),
            // The definition's own value may use the definition's own names.
            Filled::Json(json) => query.value(name, json, None),
        };
        done.map_err(|reason| Failure::argument(field, &reason))?;
    }
    for index in 0..call.params.query.len() {
        query.param(index, call, arguments, scope)?;
    }
    if let Some(groups) = &arguments.groups {
        for (name, raw) in groups.query.iter() {
            if !call.is_placed(&["query", name]) {
                query
                    .value(name, raw.get(), Some((call, arguments.is_guarded)))
                    .map_err(|reason| Failure::argument(&format!("/query/{name}"), &reason))?;
            }
        }
    } else if call.rest_in_query {
        for (name, raw) in arguments.root.iter() {
            if !call.path.has(name) && !call.is_placed(&[name]) {
                query
                    .value(name, raw.get(), Some((call, arguments.is_guarded)))
                    .map_err(|reason| Failure::argument(&format!("/{name}"), &reason))?;
            }
        }
    }
    Ok(())
}

struct Query<'a> {
    out: &'a mut Vec<u8>,
    is_first: bool,
}

impl Query<'_> {
    fn separate(&mut self) {
        self.out.push(if self.is_first { b'?' } else { b'&' });
        self.is_first = false;
    }

    fn add(&mut self, name: &str, value: &str) -> Result<(), String> {
        self.separate();
        pair(self.out, name, value);
        check_target(self.out)
    }

    fn param(
        &mut self,
        index: usize,
        call: &Call,
        arguments: &Arguments<'_>,
        scope: &Scope<'_>,
    ) -> Result<(), Failure> {
        let param = &call.params.query[index];
        let given = arguments.given(param.place, &param.name);
        let Some(json) = param::value(param, arguments, given, scope)? else {
            return Ok(());
        };
        let is_deep = param.spelling.style == Style::DeepObject;
        let has_names_of_its_own = !param.is_own() && (is_deep || param.spelling.style == Style::Form);
        encode::pairs(&param.wire, &json, param.spelling, &mut |name, words| {
            // That something else is given inside of the parameter's own name is the definition's business, except
            // where the parameter leads there too.
            let is_checked = has_names_of_its_own && (is_deep || name != param.wire);
            let giver = call.taken_query.gives(name, Some(index), arguments.is_guarded);
            if let Some(giver) = giver.filter(|_| is_checked) {
                return Err(giver.refusal(name));
            }
            self.separate();
            encode::component(self.out, name);
            self.out.push(b'=');
            words.encode(self.out);
            check_target(self.out)
        })
        .map_err(|reason| param::blame(param, arguments, &reason))
    }

    /// Names that the call gives are refused: a second value could win over the definition's own. The call comes with
    /// whether the instance's arguments are guarded.
    fn value(&mut self, name: &str, json: &str, call: Option<(&Call, bool)>) -> Result<(), String> {
        let check = |name: &str| {
            let giver = call.and_then(|(call, is_guarded)| call.taken_query.gives(name, None, is_guarded));
            giver.map_or(Ok(()), |giver| Err(giver.refusal(name)))
        };
        match Plain::read(json)? {
            Plain::Null => {}
            Plain::Text(text) => {
                check(name)?;
                self.add(name, &text)?;
            }
            Plain::List(items) => {
                check(name)?;
                for raw in items {
                    if let Some(text) = item(raw.get())? {
                        self.add(name, &text)?;
                    }
                }
            }
            Plain::Object(members) => {
                for (name, raw) in members.iter() {
                    check(name)?;
                    if let Some(text) = item(raw.get())? {
                        self.add(name, &text)?;
                    }
                }
            }
        }
        Ok(())
    }
}
