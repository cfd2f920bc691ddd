//! Charsets in media types. Whatever a description says, texts are sent as UTF-8, and their type says so.

/// The type as it is sent, and the charset that it named instead.
pub(super) fn as_utf8(media: &str) -> (String, Option<String>) {
    let mut other = None;
    let parts = media.split(';').enumerate().map(|(index, part)| {
        let Some((name, charset)) = part.split_once('=').filter(|_| index > 0) else {
            return part.to_owned();
        };
        let charset = charset.trim().trim_matches('"');
        let is_utf8 = ["utf-8", "utf8"]
            .iter()
            .any(|utf8| charset.eq_ignore_ascii_case(utf8));
        if !name.trim().eq_ignore_ascii_case("charset") || is_utf8 {
            return part.to_owned();
        }
        other = Some(charset.to_owned());
        format!("{name}=utf-8")
    });
    let media = parts.collect::<Vec<_>>().join(";");
    (media, other)
}

/// What the report says of it.
pub(super) fn note(what: &str, charset: &str) -> String {
    let charset: String = charset.chars().take(40).collect();
    format!("{what} is sent as UTF-8, and says so: the description names the charset `{charset}`")
}

#[cfg(test)]
mod tests {
    use super::as_utf8;

    #[test]
    fn another_charset_is_not_promised() {
        for (media, expected, other) in [
            ("text/csv", "text/csv", None),
            ("text/csv; charset=UTF-8", "text/csv; charset=UTF-8", None),
            ("text/csv;charset=\"utf-8\"", "text/csv;charset=\"utf-8\"", None),
            (
                "text/csv; Charset=ISO-8859-1; header=present",
                "text/csv; Charset=utf-8; header=present",
                Some("ISO-8859-1"),
            ),
            (
                "application/json;charset=\"utf-16\"",
                "application/json;charset=utf-8",
                Some("utf-16"),
            ),
        ] {
            assert_eq!(
                as_utf8(media),
                (expected.to_owned(), other.map(str::to_owned)),
                "{media}"
            );
        }
    }
}
