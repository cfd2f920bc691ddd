//! Values in the path: none can change which segments there are.

use super::{check_target, component};

/// Appends a piece of a path value, percent-encoded; one that climbs is refused, and so is one that makes the URL too long.
pub(crate) fn path_word(out: &mut Vec<u8>, text: &str) -> Result<(), String> {
    if climbs(text) {
        return Err("has a `.` or `..` segment, which cannot stand in a path".to_owned());
    }
    component(out, text);
    check_target(out)
}

/// Whether some upstream could read `.` or `..` out of the value, however often it decodes.
fn climbs(text: &str) -> bool {
    if text.contains('%') {
        has_dot_segment(&decoded_to_the_end(text))
    } else {
        text.contains('.') && has_dot_segment(text.as_bytes())
    }
}

fn has_dot_segment(text: &[u8]) -> bool {
    text.split(|byte| matches!(byte, b'/' | b'\\'))
        .any(|segment| matches!(segment, b"." | b".."))
}

/// What is left when decoding changes nothing any more, in one pass: a triplet that its last digit completes is decoded
/// at once, and what comes out may complete the next. Triplets never overlap, so the order makes no difference; and
/// dots and slashes are no part of any, so none is lost that was there after fewer rounds.
fn decoded_to_the_end(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for byte in text.bytes() {
        out.push(byte);
        while let [.., b'%', high, low] = out[..]
            && let (Some(high), Some(low)) = (digit(high), digit(low))
        {
            out.truncate(out.len() - 3);
            out.push(high << 4 | low);
        }
    }
    out
}

fn digit(hex: u8) -> Option<u8> {
    let digit = char::from(hex).to_digit(16)?;
    u8::try_from(digit).ok()
}

#[cfg(test)]
mod tests {
    use super::climbs;
    use crate::growth;

    #[test]
    fn looking_for_them_is_linear() {
        for text in ["25", "%", "%25", "%2", "/", "./", "%2e/", ".%", "%c3"] {
            let make = |size: usize| format!("%{}", text.repeat(size / text.len()));
            growth::is_linear(text, growth::ARGUMENTS, make, |text| {
                climbs(text);
            });
        }
    }

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
            "%25252525252e",
            "%%32e",
            "%2%35%32e",
            "a%25%32%66.%2e%255c",
            "..\\x",
        ];
        for text in climbing {
            assert!(climbs(text), "{text}");
        }
        for text in [
            "...", "a.b", "a..b", "1.10", "/", "a/b", "%", "%2", "100%", "%zz", "..a", "%ff", "%2525",
            "%25.", "%.2e", "%ff%252e",
        ] {
            assert!(!climbs(text), "{text}");
        }
    }
}
