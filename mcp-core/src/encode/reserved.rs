//! Reserved expansion (RFC 6570 section 3.2.3), what OpenAPI calls `allowReserved`, for values in queries and forms.
//!
//! The specification leaves to "applications" what may not stand in a query (`[`, `]`, `#`) and what ends or changes a
//! value in a form (`&`, `=`, `+`): OpenAPI 3.1.1, appendices C and E. This is the application; these stay encoded.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What has to be encoded in a value all the same.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b':')
    .remove(b'/')
    .remove(b'?')
    .remove(b'@')
    .remove(b'!')
    .remove(b'$')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b',')
    .remove(b';');
/// The same where a comma separates values.
const ENCODED_AND_COMMA: &AsciiSet = &ENCODED.add(b',');

/// Appends the text; triplets (`%2F`) pass unchanged, any other `%` is encoded.
pub(super) fn reserved(out: &mut Vec<u8>, text: &str, encode_comma: bool) {
    let set = if encode_comma { ENCODED_AND_COMMA } else { ENCODED };
    let push = |out: &mut Vec<u8>, text: &str| {
        for chunk in utf8_percent_encode(text, set) {
            out.extend_from_slice(chunk.as_bytes());
        }
    };
    let mut rest = text;
    while let Some((before, triplet, after)) = split_at_triplet(rest) {
        push(out, before);
        out.extend_from_slice(triplet.as_bytes());
        rest = after;
    }
    push(out, rest);
}

fn split_at_triplet(text: &str) -> Option<(&str, &str, &str)> {
    let is_triplet = |at: usize| {
        let digits = text.as_bytes().get(at + 1..at + 3);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    let (at, _) = text.match_indices('%').find(|(at, _)| is_triplet(*at))?;
    let (before, rest) = text.split_at(at);
    let (triplet, after) = rest.split_at(3);
    Some((before, triplet, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let mut out = Vec::new();
        reserved(&mut out, text, false);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_has_no_meaning_in_a_query_stays_bare() {
        assert_eq!(shown(":/?@!$'()*,;-._~aZ9"), ":/?@!$'()*,;-._~aZ9");
        assert_eq!(
            shown("[]#&=+ \"<>\\^`{|}ü\0"),
            "%5B%5D%23%26%3D%2B%20%22%3C%3E%5C%5E%60%7B%7C%7D%C3%BC%00"
        );
    }

    #[test]
    fn triplets_pass_and_other_percent_signs_do_not() {
        for (text, expected) in [
            ("a%2Fb%2f", "a%2Fb%2f"),
            ("100%", "100%25"),
            ("%2", "%252"),
            ("%zz%41", "%25zz%41"),
            ("%%26", "%25%26"),
            ("%2é", "%252%C3%A9"),
        ] {
            assert_eq!(shown(text), expected);
        }
    }
}
