//! Two JSON texts, member by member. Own code, because the libraries for it compare `serde_json::Value`s, to which a
//! 30-digit number is the same as its neighbour, and say only what is new, not what was there.

use indexmap::IndexMap;
use serde_json::value::RawValue;

/// A place where two documents differ.
#[derive(Clone, Debug)]
pub struct Difference<'a> {
    /// The place as a JSON Pointer (RFC 6901); an empty one is the whole document. It leads into the later document, but for
    /// what was removed into the earlier one.
    pub pointer: String,
    /// The value before; absent for what was added.
    pub from: Option<&'a RawValue>,
    /// The value after; absent for what was removed.
    pub to: Option<&'a RawValue>,
}

type Members<'a> = IndexMap<String, &'a RawValue>;

/// The places where two documents differ. `None` is a document that is not there.
pub fn differences<'a>(from: Option<&'a RawValue>, to: Option<&'a RawValue>) -> Vec<Difference<'a>> {
    let mut found = Vec::new();
    pair(String::new(), from, to, &mut found);
    found
}

fn pair<'a>(
    pointer: String,
    from: Option<&'a RawValue>,
    to: Option<&'a RawValue>,
    out: &mut Vec<Difference<'a>>,
) {
    match (from, to) {
        (None, None) => {}
        (Some(from), Some(to)) if same(from, to) || inside(&pointer, from, to, out) => {}
        _ => out.push(Difference { pointer, from, to }),
    }
}

/// Looks inside if both are objects or both are arrays.
fn inside<'a>(pointer: &str, from: &'a RawValue, to: &'a RawValue, out: &mut Vec<Difference<'a>>) -> bool {
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

/// Whether two JSON texts say the same, however they are laid out: neither the order of members nor the spelling of
/// texts counts, and a number is what its author wrote. Documents are no deeper than their bound, so neither is this.
pub fn same(one: &RawValue, other: &RawValue) -> bool {
    if one.get() == other.get() {
        return true;
    }
    if let (Some(one), Some(other)) = (members(one), members(other)) {
        let is_held =
            |(name, value): (&String, &&RawValue)| other.get(name).is_some_and(|held| same(value, held));
        return one.len() == other.len() && one.iter().all(is_held);
    }
    if let (Some(one), Some(other)) = (items(one), items(other)) {
        return one.len() == other.len() && one.iter().zip(&other).all(|(one, other)| same(one, other));
    }
    let text = |value: &RawValue| serde_json::from_str::<String>(value.get()).ok();
    text(one).is_some_and(|one| text(other) == Some(one))
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

/// The pointer one member further.
fn member(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diff(from: &str, to: &str) -> Vec<String> {
        let raw = |text: &str| (!text.is_empty()).then(|| RawValue::from_string(text.to_owned()).unwrap());
        let text = |value: Option<&RawValue>| value.map_or("–".to_owned(), ToString::to_string);
        let line =
            |place: &Difference<'_>| format!("{}: {} → {}", place.pointer, text(place.from), text(place.to));
        differences(raw(from).as_deref(), raw(to).as_deref())
            .iter()
            .map(line)
            .collect()
    }

    #[test]
    fn each_place_that_differs_is_named_once() {
        let from = r#"{"a":1,"b":{"c/d":[1,2],"~":null},"gone":true}"#;
        let to = r#"{"b":{"~":0,"c/d":[1,2]},"a":2,"new":{"x":[]}}"#;
        let expected = [
            "/a: 1 → 2",
            "/b/~0: null → 0",
            "/gone: true → –",
            "/new: – → {\"x\":[]}",
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
        assert_eq!(diff(r#"{"a":1.10}"#, r#"{"a":1.1}"#), ["/a: 1.10 → 1.1"]);
        let (one, other) = ("123456789012345678901234567890", "123456789012345678901234567891");
        assert_eq!(diff(one, other), [format!(": {one} → {other}")]);
    }

    #[test]
    fn in_a_list_only_the_middle_counts() {
        assert_eq!(diff("[1,2,3]", "[1,9,2,3]"), ["/1: – → 9"]);
        assert_eq!(diff("[1,2,3]", "[1,3]"), ["/1: 2 → –"]);
        assert_eq!(diff("[1,{\"a\":1,\"b\":2}]", "[1,{\"a\":1}]"), ["/1/b: 2 → –"]);
        assert_eq!(diff("[]", "[1,2]"), ["/0: – → 1", "/1: – → 2"]);
    }

    #[test]
    fn what_is_not_there_or_of_another_kind_differs_as_a_whole() {
        assert_eq!(diff("", "{}"), [": – → {}"]);
        assert_eq!(diff("{}", ""), [": {} → –"]);
        assert_eq!(diff(r#"{"a":{}}"#, r#"{"a":[]}"#), ["/a: {} → []"]);
        assert_eq!(diff("\"text\"", "{}"), [": \"text\" → {}"]);
    }
}
