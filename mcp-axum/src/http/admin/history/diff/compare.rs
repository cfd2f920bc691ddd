//! Two JSON texts, member by member. Own code, because the libraries for it compare `serde_json::Value`s, to which a
//! 30-digit number is the same as its neighbour, and say only what is new, not what was there.

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// What happened at one place.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http::admin) struct Change {
    /// JSON Pointer (RFC 6901); an empty one is the whole document. Into the later document, but of what was
    /// removed into the earlier one.
    #[schema(example = "/tds_ext_info/path")]
    pointer: String,
    /// What happened.
    change: What,
    /// Before; absent for what was added.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>, required = false)]
    from: Option<Box<RawValue>>,
    /// After; absent for what was removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>, required = false)]
    to: Option<Box<RawValue>>,
}

/// The three things that can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::http::admin) enum What {
    /// It was not there before.
    Added,
    /// It is not there any more.
    Removed,
    /// It has another value.
    Changed,
}

type Members<'a> = IndexMap<String, &'a RawValue>;

/// `None` is a definition that is not there.
pub(super) fn documents(from: Option<&RawValue>, to: Option<&RawValue>) -> Vec<Change> {
    let mut changes = Vec::new();
    pair(String::new(), from, to, &mut changes);
    changes
}

fn pair(pointer: String, from: Option<&RawValue>, to: Option<&RawValue>, out: &mut Vec<Change>) {
    let change = match (from, to) {
        (None, None) => return,
        (None, Some(_)) => What::Added,
        (Some(_), None) => What::Removed,
        (Some(from), Some(to)) => {
            if same(from, to) || inside(&pointer, from, to, out) {
                return;
            }
            What::Changed
        }
    };
    let owned = |value: Option<&RawValue>| value.map(RawValue::to_owned);
    let (from, to) = (owned(from), owned(to));
    out.push(Change {
        pointer,
        change,
        from,
        to,
    });
}

/// Looks inside if both are objects or both are arrays.
fn inside(pointer: &str, from: &RawValue, to: &RawValue, out: &mut Vec<Change>) -> bool {
    if let (Some(from), Some(to)) = (members(from), members(to)) {
        for (name, before) in &from {
            pair(member(pointer, name), Some(before), to.get(name).copied(), out);
        }
        for (name, after) in to.iter().filter(|(name, _)| !from.contains_key(*name)) {
            pair(member(pointer, name), None, Some(after), out);
        }
        return true;
    }
    let (Some(from), Some(to)) = (items(from), items(to)) else {
        return false;
    };
    // What both begin and end with is left out, so that one inserted tool id is one change.
    let start = from.iter().zip(&to).take_while(|(a, b)| same(a, b)).count();
    let (from, to) = (&from[start..], &to[start..]);
    let end = from
        .iter()
        .rev()
        .zip(to.iter().rev())
        .take_while(|(a, b)| same(a, b))
        .count();
    let (from, to) = (&from[..from.len() - end], &to[..to.len() - end]);
    for index in 0..from.len().max(to.len()) {
        let place = format!("{pointer}/{}", start + index);
        pair(place, from.get(index).copied(), to.get(index).copied(), out);
    }
    true
}

/// Whether both say the same, however they are laid out.
fn same(a: &RawValue, b: &RawValue) -> bool {
    if a.get() == b.get() {
        return true;
    }
    if let (Some(a), Some(b)) = (members(a), members(b)) {
        let is_same = |(name, a): (&String, &&RawValue)| b.get(name).is_some_and(|b| same(a, b));
        return a.len() == b.len() && a.iter().all(is_same);
    }
    if let (Some(a), Some(b)) = (items(a), items(b)) {
        return a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| same(a, b));
    }
    // The same text may be written with escapes or without; a number is what its author wrote.
    let text = |value: &RawValue| serde_json::from_str::<String>(value.get()).ok();
    text(a).is_some_and(|a| text(b) == Some(a))
}

fn members(value: &RawValue) -> Option<Members<'_>> {
    value
        .get()
        .starts_with('{')
        .then(|| serde_json::from_str(value.get()).ok())?
}

fn items(value: &RawValue) -> Option<Vec<&RawValue>> {
    value
        .get()
        .starts_with('[')
        .then(|| serde_json::from_str(value.get()).ok())?
}

fn member(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diff(from: &str, to: &str) -> Vec<String> {
        let raw = |text: &str| (!text.is_empty()).then(|| RawValue::from_string(text.to_owned()).unwrap());
        let text = |value: &Option<Box<RawValue>>| value.as_ref().map_or("–".to_owned(), ToString::to_string);
        let changes = documents(raw(from).as_deref(), raw(to).as_deref());
        let line = |change: &Change| {
            format!(
                "{:?} {}: {} → {}",
                change.change,
                change.pointer,
                text(&change.from),
                text(&change.to)
            )
        };
        changes.iter().map(line).collect()
    }

    #[test]
    fn each_place_that_differs_is_named_once() {
        let from = r#"{"a":1,"b":{"c/d":[1,2],"~":null},"gone":true}"#;
        let to = r#"{"b":{"~":0,"c/d":[1,2]},"a":2,"new":{"x":[]}}"#;
        let expected = [
            "Changed /a: 1 → 2",
            "Changed /b/~0: null → 0",
            "Removed /gone: true → –",
            "Added /new: – → {\"x\":[]}",
        ];
        assert_eq!(diff(from, to), expected);
    }

    #[test]
    fn layout_order_and_escapes_are_no_difference_but_digits_are() {
        assert!(
            diff(
                r#"{"a": [1, {"b":"\u0041"}] ,"c":{}}"#,
                r#"{"c":{},"a":[1,{"b":"A"}]}"#
            )
            .is_empty()
        );
        assert_eq!(diff(r#"{"a":1.10}"#, r#"{"a":1.1}"#), ["Changed /a: 1.10 → 1.1"]);
        let (one, other) = ("123456789012345678901234567890", "123456789012345678901234567891");
        assert_eq!(diff(one, other), [format!("Changed : {one} → {other}")]);
    }

    #[test]
    fn in_a_list_only_the_middle_counts() {
        assert_eq!(diff("[1,2,3]", "[1,9,2,3]"), ["Added /1: – → 9"]);
        assert_eq!(diff("[1,2,3]", "[1,3]"), ["Removed /1: 2 → –"]);
        assert_eq!(
            diff("[1,{\"a\":1,\"b\":2}]", "[1,{\"a\":1}]"),
            ["Removed /1/b: 2 → –"]
        );
        assert_eq!(diff("[]", "[1,2]"), ["Added /0: – → 1", "Added /1: – → 2"]);
    }

    #[test]
    fn what_is_not_there_or_of_another_kind_differs_as_a_whole() {
        assert_eq!(diff("", "{}"), ["Added : – → {}"]);
        assert_eq!(diff("{}", ""), ["Removed : {} → –"]);
        assert_eq!(diff(r#"{"a":{}}"#, r#"{"a":[]}"#), ["Changed /a: {} → []"]);
        assert_eq!(diff("\"text\"", "{}"), ["Changed : \"text\" → {}"]);
    }
}
