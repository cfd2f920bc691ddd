//! Why a query cannot be read, with the parameter and what it says.

use axum::extract::{Query, rejection::QueryRejection};
use http::Uri;

/// Longer values are cut.
const MOST_SHOWN: usize = 80;

pub(super) fn reason(uri: &Uri, rejection: &QueryRejection) -> String {
    let text = rejection.body_text();
    let said = text
        .strip_prefix("Failed to deserialize query string: ")
        .unwrap_or(&text);
    let (name, reason) = match said.split_once(": ") {
        Some((name, reason)) if !name.contains(' ') => (Some(name), reason),
        _ => (None, said),
    };
    if let Some((unknown, known)) = reason
        .strip_prefix("unknown field `")
        .and_then(|rest| rest.split_once("`, "))
    {
        return format!("there is no parameter `{unknown}`; {known}");
    }
    if let Some(missing) = reason.strip_prefix("missing field ") {
        return format!("the parameter {missing} is missing");
    }
    let Some(name) = name else {
        return format!("the query cannot be read: {reason}");
    };
    let expected = match reason {
        "provided string was not `true` or `false`" => "expected `true` or `false`".into(),
        "invalid digit found in string" | "cannot parse integer from empty string" => {
            "expected a whole number, 0 or more".into()
        }
        "number too large to fit in target type" => "expected a smaller number".into(),
        reason => reason.to_owned(),
    };
    match value(uri, name) {
        Some(value) => format!("the parameter `{name}` is `{value}`: {expected}"),
        None => format!("the parameter `{name}`: {expected}"),
    }
}

/// What the request says, as far as it is shown.
fn value(uri: &Uri, name: &str) -> Option<String> {
    let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri).ok()?;
    let mut value = pairs.into_iter().find(|(own, _)| own == name)?.1;
    if value.len() > MOST_SHOWN {
        value.truncate(value.floor_char_boundary(MOST_SHOWN));
        value.push('…');
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Parameters {
        #[serde(default, rename = "strict")]
        _strict: bool,
        #[serde(default, rename = "limit")]
        _limit: u32,
    }

    #[test]
    fn a_refusal_names_the_parameter_its_value_and_what_is_expected() {
        for (query, expected) in [
            (
                "strict=maybe",
                "the parameter `strict` is `maybe`: expected `true` or `false`",
            ),
            (
                "strict=",
                "the parameter `strict` is ``: expected `true` or `false`",
            ),
            (
                "limit=x%20y",
                "the parameter `limit` is `x y`: expected a whole number, 0 or more",
            ),
            (
                "limit=99999999999",
                "the parameter `limit` is `99999999999`: expected a smaller number",
            ),
            (
                "strct=true",
                "there is no parameter `strct`; expected `strict` or `limit`",
            ),
        ] {
            let uri: Uri = format!("/admin?{query}").parse().unwrap();
            let rejection = Query::<Parameters>::try_from_uri(&uri).unwrap_err();
            assert_eq!(reason(&uri, &rejection), expected);
        }
    }
}
