//! Pages as text: no script, nothing from elsewhere, and whatever comes from somebody is escaped.

use crate::http::browser;
use axum::response::{Html, IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use std::fmt::{self, Write as _};

/// A form may lead on to an authorization server, wherever that is: `form-action` would keep it from there.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";
/// `same-origin`: with `no-referrer` browsers would not say where the forms come from.
const MANNERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

const STYLE: &str = include_str!("../../../assets/front.css");
const MORE_STYLE: &str = "label { display: block; margin: 0 0 14px; } input { width: 100%; padding: 9px 12px; font: inherit; color: inherit; \
    background: var(--bg); border: 1px solid var(--line); border-radius: 8px; } button { font: inherit; font-weight: 600; padding: 9px 18px; \
    border: 1px solid var(--line); border-radius: 8px; background: var(--surface); color: var(--text); cursor: pointer; } \
    button.main { background: var(--accent); color: var(--surface); border-color: var(--accent); } form { display: inline-block; margin: 0 8px 14px 0; } \
    form.wide { display: block; } strong { color: var(--text); } li form { float: right; margin: 0; }";

/// A page; `body` is HTML.
pub(super) fn page(status: StatusCode, title: &str, body: &str) -> Response {
    let title = Escaped(title);
    let text = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{STYLE}\n{MORE_STYLE}\n</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n{body}</main>\n</body>\n</html>\n"
    );
    with_manners((status, Html(text)).into_response())
}

/// The same for what leads elsewhere.
pub(super) fn leading_to(address: &str) -> Response {
    with_manners(browser::leading_to(address))
}

pub(super) fn with_manners(mut response: Response) -> Response {
    for (name, value) in MANNERS {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

/// A form that does one thing.
pub(super) fn button(action: &str, label: &str, is_main: bool, fields: &[(&str, &str)]) -> String {
    let mut out = format!("<form method=\"post\" action=\"{}\">", Escaped(action));
    for (name, value) in fields {
        let _ = write!(
            out,
            "<input type=\"hidden\" name=\"{}\" value=\"{}\">",
            Escaped(name),
            Escaped(value)
        );
    }
    let class = if is_main { " class=\"main\"" } else { "" };
    let _ = writeln!(out, "<button{class}>{}</button></form>", Escaped(label));
    out
}

/// Text in a page, or in a quoted attribute.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                // What would turn the rest of a line around, or is seen by nobody.
                c if c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') => {}
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_somebody_is_no_markup() {
        let text = Escaped("<script>\"a\"&'b'\u{202e}\n</script>").to_string();
        assert_eq!(text, "&lt;script&gt;&quot;a&quot;&amp;&#39;b&#39;&lt;/script&gt;");
        let form = button("/connect/\"x", "<b>", true, &[("do", "\"><img>")]);
        assert!(!form.contains("<img>") && !form.contains("<b>"), "{form}");
    }
}
