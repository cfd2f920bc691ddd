//! What of a tool is approved when it is approved: everything that models and clients go by.

use crate::json::{canonical::canonical, members::Members};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

/// The members that say what a tool does and takes.
const SAYING: [&str; 6] = [
    "name",
    "title",
    "description",
    "inputSchema",
    "outputSchema",
    "annotations",
];

/// The members of `_meta` that name a page (`ui://`).
const PAGE: [&str; 2] = ["ui", "ui/resourceUri"];

/// `sha256:` and the digest of an entry of `tools/list`, whatever the order of its members.
pub(super) fn of_tool(members: &Members<'_>) -> Box<str> {
    let mut sum = Sha256::new();
    for member in SAYING {
        let mut text = String::new();
        canonical(members.get(member).map_or("null", RawValue::get), &mut text);
        sum.update(text.as_bytes());
        sum.update([0]);
    }
    // The page that shows its results; where there is none nothing is added, as it was before pages counted.
    if let Some(meta) = members
        .get("_meta")
        .and_then(|meta| Members::read(meta.get()).ok())
    {
        for member in PAGE {
            let Some(page) = meta.get(member) else { continue };
            let mut text = member.to_owned();
            canonical(page.get(), &mut text);
            sum.update(text.as_bytes());
            sum.update([0]);
        }
    }
    format!("sha256:{}", hex(&sum.finalize())).into()
}

/// In small letters.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_models_go_by_counts_and_nothing_else() {
        let of = |text: &str| of_tool(&Members::read(text).unwrap());
        let tool = r#"{"name":"a","description":"d","inputSchema":{"type":"object","properties":{"x":{}}}}"#;
        assert!(of(tool).starts_with("sha256:") && of(tool).len() == 7 + 64);
        let laid_out_otherwise = r#"{"inputSchema": {"properties":{"x":{}}, "type":"object"}, "name":"a","description":"d","icons":[]}"#;
        assert_eq!(of(tool), of(laid_out_otherwise));
        let with_meta = tool.replace("\"name\":\"a\"", "\"name\":\"a\",\"_meta\":{\"n\":1}");
        assert_eq!(of(tool), of(&with_meta));
        for (from, to) in [
            ("\"d\"", "\"D\""),
            ("{\"x\":{}}", "{\"y\":{}}"),
            (
                "\"name\":\"a\"",
                "\"name\":\"a\",\"annotations\":{\"readOnlyHint\":true}",
            ),
            ("\"name\":\"a\"", "\"name\":\"a\",\"title\":\"t\""),
            (
                "\"name\":\"a\"",
                "\"name\":\"a\",\"_meta\":{\"ui\":{\"resourceUri\":\"ui://a\"}}",
            ),
        ] {
            assert_ne!(of(tool), of(&tool.replace(from, to)), "{to}");
        }
    }
}
