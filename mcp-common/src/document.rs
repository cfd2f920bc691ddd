//! A stored JSON document, member for member as it was written.
//!
//! The document stays the text it is. So `1.10`, a 30-digit integer or an unknown member come out as they went in,
//! and a schema is listed to clients as its author wrote it. A clone shares the text.

mod strict;

use crate::problem::Problem;
use bytes::Bytes;
use bytestring::ByteString;
use indexmap::IndexMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::Error as _};
use serde_json::value::RawValue;

/// Nesting that no definition needs; deeper ones would cost stack in everything that walks them.
pub const MAX_DEPTH: usize = 64;

/// A JSON object with its members in order.
///
/// Kept as one text and taken apart when somebody asks, because a catalog holds a hundred thousand of them and asks
/// each of them once.
#[derive(Clone, Debug)]
pub struct Document {
    text: ByteString,
}

type Members = IndexMap<String, Box<RawValue>>;

impl Document {
    /// Reads one JSON object. Refused: invalid UTF-8 or JSON, anything but an object, a member that stands twice in
    /// one object (at any depth), more than [`MAX_DEPTH`] levels.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        Self::take(Bytes::copy_from_slice(body))
    }

    /// The same; the document is the body, not a copy: of a hundred thousand loaded records none is held twice.
    pub fn take(body: Bytes) -> Result<Self, Problem> {
        let text = std::str::from_utf8(&body)
            .map_err(|error| Problem::whole(format!("not UTF-8 after byte {}", error.valid_up_to())))?;
        let text = bare(text);
        strict::check(text)?;
        let text = ByteString::try_from(body.slice_ref(text.as_bytes()))
            .map_err(|error| Problem::whole(format!("not UTF-8: {error}")))?;
        Ok(Self { text })
    }

    /// The member's JSON text.
    pub fn get(&self, name: &str) -> Option<&RawValue> {
        let members: IndexMap<String, &RawValue> = serde_json::from_str(self.as_json()).unwrap_or_default();
        members.get(name).copied()
    }

    /// Replaces the member in its place, or adds it at the end.
    pub fn set(&mut self, name: &str, value: &impl Serialize) {
        let mut members = self.members();
        members.insert(name.to_owned(), raw(value));
        self.write(&members);
    }

    /// Puts the member first (an id reads best there), or replaces it where it stands.
    pub fn set_first(&mut self, name: &str, value: &impl Serialize) {
        let mut members = self.members();
        let (index, old) = members.insert_full(name.to_owned(), raw(value));
        if old.is_none() {
            members.move_index(index, 0);
        }
        self.write(&members);
    }

    /// Takes the member out.
    pub fn remove(&mut self, name: &str) -> Option<Box<RawValue>> {
        let mut members = self.members();
        let removed = members.shift_remove(name)?;
        self.write(&members);
        Some(removed)
    }

    /// The document as JSON text.
    pub fn as_json(&self) -> &str {
        &self.text
    }

    /// The document as an owned JSON text.
    pub fn to_json(&self) -> String {
        self.as_json().to_owned()
    }

    /// Whether the stored body is this document, byte for byte.
    pub fn is_text(&self, body: &[u8]) -> bool {
        std::str::from_utf8(body).is_ok_and(|text| bare(text) == self.as_json())
    }

    fn members(&self) -> Members {
        // The text was read as an object when the document was made.
        serde_json::from_str(self.as_json()).unwrap_or_default()
    }

    fn write(&mut self, members: &Members) {
        self.text = text(members);
    }
}

/// The text without the blanks that may stand around JSON.
fn bare(text: &str) -> &str {
    text.strip_prefix('\u{feff}')
        .unwrap_or(text)
        .trim_matches([' ', '\t', '\r', '\n'])
}

fn text(members: &Members) -> ByteString {
    let text: Box<str> = raw(members).into();
    String::from(text).into()
}

fn raw(value: &impl Serialize) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// The empty object.
impl Default for Document {
    fn default() -> Self {
        Self {
            text: ByteString::from_static("{}"),
        }
    }
}

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Anything else would write the object as a string.
        let object: &RawValue = serde_json::from_str(&self.text).map_err(S::Error::custom)?;
        object.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Members::deserialize(deserializer).map(|members| Self { text: text(&members) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Document {
        Document::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn values_stay_the_text_they_are() {
        let text = r#"{"b":1.10,"a":123456789012345678901234567890,"z":{"k":[1e300]}}"#;
        let document = parse(&format!("\u{feff} {text}\r\n"));
        assert_eq!(document.as_json(), text);
        assert_eq!(serde_json::to_string(&[&document]).unwrap(), format!("[{text}]"));
        assert_eq!(document.get("b").unwrap().get(), "1.10");
        assert_eq!(document.get("c").map(|value| value.get().to_owned()), None);
    }

    #[test]
    fn members_are_changed_in_their_place() {
        let mut document = parse("{\"name\": \"n\",\n \"x\": 1.10}");
        let before = document.clone();
        document.set_first("id", &"t");
        document.set("name", &"m");
        document.set("revision", &7);
        assert_eq!(
            document.as_json(),
            r#"{"id":"t","name":"m","x":1.10,"revision":7}"#
        );
        document.set_first("name", &"l");
        assert_eq!(document.remove("x").unwrap().get(), "1.10");
        assert!(document.remove("x").is_none());
        assert_eq!(document.as_json(), r#"{"id":"t","name":"l","revision":7}"#);
        assert_eq!(
            before.as_json(),
            "{\"name\": \"n\",\n \"x\": 1.10}",
            "clones are not touched"
        );
    }

    #[test]
    fn a_name_may_be_written_with_escapes() {
        assert_eq!(parse(r#"{"n\u0061me":1}"#).get("name").unwrap().get(), "1");
        assert!(Document::parse(br#"{"n\u0061me":1,"name":2}"#).is_err());
    }

    #[test]
    fn the_same_text_is_recognised() {
        let document = parse(r#"{"a":1}"#);
        assert!(document.is_text(b" {\"a\":1}\n"));
        assert!(!document.is_text(b"{\"a\": 1}"));
        assert!(!document.is_text(b"\xff"));
    }

    #[test]
    fn refusals_name_the_place() {
        let reason = |text: &[u8]| {
            Document::parse(text)
                .err()
                .map(|p| p.to_string())
                .unwrap_or_default()
        };
        assert!(
            reason(b"{\"a\":1,\"a\":2}").contains("`a` appears twice"),
            "{}",
            reason(b"{\"a\":1,\"a\":2}")
        );
        assert!(reason(b"{\"a\":{\"b\":[{\"c\":1,\"c\":2}]}}").starts_with("a.b[0]: "));
        assert!(reason(b"[1]").contains("expected a JSON object"));
        assert!(reason(b"{\"a\":").contains("line 1 column 5"));
        assert!(reason(b"\xff").contains("UTF-8"));
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(100), "]".repeat(100));
        assert!(reason(deep.as_bytes()).contains("64 levels"));
    }
}
