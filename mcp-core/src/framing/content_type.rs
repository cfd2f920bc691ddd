//! What an answer says that it is, also where it says so twice.

use http::{HeaderMap, header};

/// The media type with its parameters. Of several (a framework's default and the application's own) it is the last one that is a
/// media type, as browsers read it.
pub(crate) fn content_type(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(header::CONTENT_TYPE).iter();
    let said = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','));
    said.map(str::trim).rfind(|said| is_media_type(essence(said)))
}

/// The media type without its parameters.
pub(crate) fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

fn is_media_type(text: &str) -> bool {
    let is_token = |part: &str| {
        let is_sign = |b: u8| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b);
        !part.is_empty() && part.bytes().all(is_sign)
    };
    text.split_once('/')
        .is_some_and(|(kind, rest)| is_token(kind) && is_token(rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn of_several_it_is_the_last_one_that_is_a_media_type() {
        let table: [(&[&str], Option<&str>); 7] = [
            (&["application/json"], Some("application/json")),
            (
                &["text/html", "application/json; charset=utf-8"],
                Some("application/json; charset=utf-8"),
            ),
            (&["application/json, application/json"], Some("application/json")),
            (
                &["text/plain; charset=latin1, json"],
                Some("text/plain; charset=latin1"),
            ),
            (
                &["application/problem+json, */*"],
                Some("application/problem+json"),
            ),
            (&["", "json"], None),
            (&[], None),
        ];
        for (lines, expected) in table {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::CONTENT_TYPE, HeaderValue::from_str(line).unwrap());
            }
            assert_eq!(content_type(&headers), expected, "{lines:?}");
        }
    }
}
