//! JSON text in one form, whatever order its members have and however it is laid out: for digests. Numbers and texts stay as
//! they were written, since a reader that turns them into others of its own would take two for one.

use super::{members::Members, one_line::compact};
use serde_json::{json, value::RawValue};

/// The text without blanks, members in the order of their names.
pub(crate) fn canonical(json: &str, out: &mut String) {
    let json = json.trim();
    if json.starts_with('{')
        && let Ok(members) = Members::read(json)
    {
        let mut members: Vec<_> = members.iter().collect();
        members.sort_by_key(|(name, _)| *name);
        out.push('{');
        for (at, (name, value)) in members.into_iter().enumerate() {
            out.extend([if at == 0 { "" } else { "," }, &*json!(name).to_string(), ":"]);
            canonical(value.get(), out);
        }
        out.push('}');
    } else if json.starts_with('[')
        && let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(json)
    {
        out.push('[');
        for (at, item) in items.into_iter().enumerate() {
            out.push_str(if at == 0 { "" } else { "," });
            canonical(item.get(), out);
        }
        out.push(']');
    } else {
        out.push_str(&compact(json));
    }
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn only_the_order_of_members_and_blanks_go() {
        let of = |json: &str| {
            let mut out = String::new();
            canonical(json, &mut out);
            out
        };
        let one = of(r#" {"b": [1.10, {"d":1,"c":"x y"}], "a":12345678901234567890123} "#);
        assert_eq!(
            one,
            r#"{"a":12345678901234567890123,"b":[1.10,{"c":"x y","d":1}]}"#
        );
        assert_eq!(one, of(&one));
        let other = one.replace("0123,", "0124,");
        assert_ne!(one, of(&other));
        assert_ne!(of("[1,2]"), of("[2,1]"));
    }
}
