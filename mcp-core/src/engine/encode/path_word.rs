//! Values in the path: none can change which segments there are.

use super::component;
use percent_encoding::percent_decode_str;

/// Appends a piece of a path value, percent-encoded; one that climbs is refused.
pub(crate) fn path_word(out: &mut Vec<u8>, text: &str) -> Result<(), String> {
    if climbs(text) {
        return Err("has a `.` or `..` segment, which cannot stand in a path".to_owned());
    }
    component(out, text);
    Ok(())
}

/// Whether some upstream could read `.` or `..` out of the value, however often it decodes.
fn climbs(text: &str) -> bool {
    if !text.contains(['.', '%']) {
        return false;
    }
    let mut text = std::borrow::Cow::Borrowed(text);
    loop {
        if text
            .split(['/', '\\'])
            .any(|segment| matches!(segment, "." | ".."))
        {
            return true;
        }
        let decoded = percent_decode_str(&text).decode_utf8_lossy().into_owned();
        if decoded.len() == text.len() {
            return false;
        }
        text = decoded.into();
    }
}

#[cfg(test)]
mod tests {
    use super::climbs;

    #[test]
    fn values_that_climb_are_found_however_they_are_written() {
        let climbing = [
            "..",
            ".",
            "../..",
            "a/../b",
            "a/..",
            "./a",
            "%2e%2e",
            ".%2E",
            "a%2f..%2fb",
            "%252e%252e",
            "..\\x",
        ];
        for text in climbing {
            assert!(climbs(text), "{text}");
        }
        for text in [
            "...", "a.b", "a..b", "1.10", "/", "a/b", "%", "%2", "100%", "%zz", "..a", "%ff",
        ] {
            assert!(!climbs(text), "{text}");
        }
    }
}
