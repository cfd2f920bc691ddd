//! Text as a JSON string, without a copy in between.
//!
//! What is written depends on the text: JSON itself has a quote every few bytes, prose hardly any.

/// Shorter texts are not looked at twice.
const SHORT: usize = 64;
/// Texts are looked at, and written, in pieces of this size.
const PIECE: usize = 128;
/// With more quotes than one in so many bytes, looking for the next one takes longer than taking every byte by itself.
const DENSE: usize = 16;

/// What each byte becomes, and how much of that counts.
static WRITTEN: [([u8; 2], u8); 256] = {
    let mut written = [([0; 2], 1); 256];
    let mut byte = 0_u8;
    loop {
        written[byte as usize] = match byte {
            b'"' | b'\\' => ([b'\\', byte], 2),
            _ => ([byte, 0], 1),
        };
        if byte == u8::MAX {
            break written;
        }
        byte += 1;
    }
};

/// Appends the text.
pub(crate) fn quoted(out: &mut Vec<u8>, text: &str) {
    if text.len() < SHORT {
        // Writing to a `Vec` cannot fail.
        let _ = serde_json::to_writer(out, text);
    } else if is_dense(text.as_bytes()) {
        out.push(b'"');
        text.as_bytes().chunks(PIECE).for_each(|piece| all(out, piece));
        out.push(b'"');
    } else {
        json_escape_simd::escape_into(text, out);
    }
}

/// Whether nothing but quotes and backslashes is to be escaped, and many of them.
fn is_dense(text: &[u8]) -> bool {
    let (mut quotes, mut has_controls) = (0, false);
    for piece in text.chunks(PIECE) {
        // Sums of bytes are made many at once.
        let found = piece.iter().fold(0_u8, |sum, &byte| {
            sum + u8::from((byte == b'"') | (byte == b'\\'))
        });
        quotes += usize::from(found);
        has_controls |= piece.iter().fold(false, |any, &byte| any | (byte < b' '));
    }
    !has_controls && quotes > text.len() / DENSE
}

/// Two bytes are written for each, and the next place is where the ones that count end: no branch to be guessed wrong.
fn all(out: &mut Vec<u8>, piece: &[u8]) {
    let mut buffer = [0; 2 * PIECE + 1];
    let mut end = 0;
    for &byte in piece {
        let (pair, length) = WRITTEN[usize::from(byte)];
        buffer[end..end + 2].copy_from_slice(&pair);
        end += usize::from(length);
    }
    out.extend_from_slice(&buffer[..end]);
}

#[cfg(test)]
mod tests {
    use super::{is_dense, quoted};
    use proptest::prelude::*;

    fn written(text: &str) -> String {
        let mut out = b"[".to_vec();
        quoted(&mut out, text);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn json_is_dense_and_prose_is_not() {
        let json = r#"{"id":17,"name":"Ada \"the first\"","tags":["a","b"]}"#.repeat(9);
        assert!(is_dense(json.as_bytes()));
        assert!(!is_dense(
            "What people write has \"quotes\" here and there only. "
                .repeat(9)
                .as_bytes()
        ));
        assert!(
            !is_dense(format!("{json}\n").as_bytes()),
            "line breaks are escaped otherwise"
        );
    }

    proptest! {
        #[test]
        fn it_is_what_serde_json_writes(
            text in r#"["\\a-cü😀]{0,400}|[ -~]{0,400}|\PC{0,100}|["a-z\x00-\x1f\x7f\u2028]{0,300}"#,
        ) {
            let mut expected = b"[".to_vec();
            serde_json::to_writer(&mut expected, &text).unwrap();
            prop_assert_eq!(written(&text).into_bytes(), expected);
        }
    }
}
