//! Base64 becomes bytes where they are needed.

use base64::{Engine as _, alphabet, engine};
use std::borrow::Cow;

/// Appends the bytes that the text stands for: in both alphabets, with padding or without, also in lines.
pub(super) fn append(out: &mut Vec<u8>, text: &str) -> Result<(), String> {
    // Nearly all texts are of this form, and large ones are files.
    let usual = if text.ends_with('=') {
        base64_simd::STANDARD
    } else {
        base64_simd::STANDARD_NO_PAD
    };
    let start = out.len();
    if usual.decode_append(text, out).is_ok() {
        return Ok(());
    }
    out.truncate(start);
    append_any(out, text)
}

/// The same for every other form, saying what is wrong.
fn append_any(out: &mut Vec<u8>, text: &str) -> Result<(), String> {
    let config =
        engine::GeneralPurposeConfig::new().with_decode_padding_mode(engine::DecodePaddingMode::Indifferent);
    let is_url_safe = text.contains(['-', '_']);
    let alphabet = if is_url_safe {
        &alphabet::URL_SAFE
    } else {
        &alphabet::STANDARD
    };
    let engine = engine::GeneralPurpose::new(alphabet, config);
    let bare: Cow<'_, str> = if text.contains(|c: char| c.is_ascii_whitespace()) {
        text.chars().filter(|c| !c.is_ascii_whitespace()).collect()
    } else {
        Cow::Borrowed(text)
    };
    engine
        .decode_vec(bare.as_bytes(), out)
        .map_err(|error| format!("is not base64: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &str) -> Result<Vec<u8>, String> {
        let mut out = b"before".to_vec();
        append(&mut out, text)?;
        Ok(out.split_off(6))
    }

    #[test]
    fn base64_is_read_in_all_its_forms() {
        for text in ["+/8=", "+/8", "-_8=", "-_8", "+/\r\n8= "] {
            assert_eq!(decoded(text).unwrap(), [0xfb, 0xff], "{text}");
        }
        assert_eq!(decoded("").unwrap(), b"");
        assert!(decoded("ü").is_err());
    }

    proptest::proptest! {
        #[test]
        fn the_fast_way_takes_what_the_exact_one_takes(text in "[A-Da+/=_\n-]{0,40}|[A-Da+/]{0,70}={0,2}") {
            let mut exact = Vec::new();
            let expected = append_any(&mut exact, &text).map(|()| exact);
            proptest::prop_assert_eq!(decoded(&text), expected);
        }
    }
}
