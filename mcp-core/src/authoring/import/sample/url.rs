//! A URL that was called, taken apart; segments that name one thing become placeholders.

use super::Field;
use crate::authoring::import::{ImportOptions, name};
use percent_encoding::percent_decode_str;

/// More than servers take.
const MAX_URL: usize = 16 << 10;

#[derive(Debug, Default)]
pub(super) struct Address {
    pub(super) origin: String,
    segments: Vec<String>,
    pub(super) placeholders: Vec<Field>,
    pub(super) query: Vec<Field>,
}

impl Address {
    pub(super) fn read(url: &str, options: &ImportOptions) -> Result<Self, String> {
        let url = url.trim().split('#').next().unwrap_or_default();
        if url.len() > MAX_URL {
            return Err(format!("its URL has more than {MAX_URL} bytes"));
        }
        let (whole, query) = url.split_once('?').unwrap_or((url, ""));
        let (origin, path) = match whole.split_once("://") {
            Some((scheme, rest)) => {
                let scheme = scheme.to_ascii_lowercase();
                let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                // A password in a URL is a credential that must not be stored.
                let host = host.rsplit('@').next().unwrap_or(host);
                (format!("{scheme}://{host}"), path)
            }
            None if whole.starts_with("{{") => {
                let (host, path) = whole.split_at(whole.find('/').unwrap_or(whole.len()));
                (host.to_owned(), path)
            }
            None => {
                let (host, path) = whole.split_at(whole.find('/').unwrap_or(whole.len()));
                (format!("http://{host}"), path)
            }
        };
        let origin = match &options.base_url {
            Some(base) => base.trim_end_matches('/').to_owned(),
            None if origin.contains("{{") || origin.ends_with("://") => {
                return Err(format!("`{origin}` is no host; give the base URL (--base-url)"));
            }
            None => origin,
        };
        let mut address = Self {
            origin,
            query: pairs(query),
            ..Self::default()
        };
        for segment in path.split('/').skip(1) {
            address.segment(segment);
        }
        Ok(address)
    }

    pub(super) fn path(&self) -> String {
        self.segments
            .iter()
            .map(|segment| format!("/{segment}"))
            .collect()
    }

    fn segment(&mut self, segment: &str) {
        let variable = segment
            .strip_prefix("{{")
            .and_then(|rest| rest.strip_suffix("}}"))
            .or_else(|| segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')))
            .or_else(|| segment.strip_prefix(':').filter(|rest| !rest.is_empty()));
        let (wanted, value) = match variable {
            Some(name) => (name.to_owned(), String::new()),
            None if is_identifier(segment) => (self.named_by_the_one_before(), decode(segment, false)),
            // Braces that are no placeholder would be read as one.
            None => {
                return self
                    .segments
                    .push(segment.replace('{', "%7B").replace('}', "%7D"));
            }
        };
        let mut name = wanted.clone();
        let mut number = 2;
        while self.placeholders.iter().any(|other| other.name == name) {
            name = format!("{wanted}_{number}");
            number += 1;
        }
        self.segments.push(format!("{{{name}}}"));
        self.placeholders.push(Field::new(name, value));
    }

    /// `order_id` after `orders`.
    fn named_by_the_one_before(&self) -> String {
        let before = self.segments.last().filter(|segment| !segment.starts_with('{'));
        let before = before.map(|segment| name::argument(segment)).unwrap_or_default();
        let one = before.strip_suffix("ies").map(|stem| format!("{stem}y"));
        let one = one.unwrap_or_else(|| before.strip_suffix('s').unwrap_or(&before).to_owned());
        if one.is_empty() {
            "id".to_owned()
        } else {
            format!("{one}_id")
        }
    }
}

/// A number, a UUID, a long hexadecimal text: the name of one thing.
fn is_identifier(segment: &str) -> bool {
    let is_number = !segment.is_empty() && segment.bytes().all(|b| b.is_ascii_digit());
    let is_hexadecimal = segment.len() >= 16
        && segment.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
        && segment.bytes().any(|b| b.is_ascii_digit());
    is_number || is_hexadecimal
}

/// The names and values of a query or form.
pub(crate) fn pairs(text: &str) -> Vec<Field> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    let field = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Field::new(decode(name, true), decode(value, true))
    };
    pairs.map(field).collect()
}

/// Percent-decoded; in queries and forms `+` is a blank.
pub(crate) fn decode(text: &str, is_form: bool) -> String {
    let text = if is_form {
        text.replace('+', " ")
    } else {
        text.to_owned()
    };
    percent_decode_str(&text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_one_thing_is_a_placeholder() {
        let read = |url: &str| Address::read(url, &ImportOptions::default());
        let address = read("https://u:p@api.example.com/v1/categories/12/orders/0f8fad5b-d9cd-469f-a165-70867728950e?a=1&b=x+y%21#z").unwrap();
        assert_eq!(address.origin, "https://api.example.com");
        assert_eq!(address.path(), "/v1/categories/{category_id}/orders/{order_id}");
        assert_eq!(address.query, [Field::new("a", "1"), Field::new("b", "x y!")]);
        assert_eq!(
            read("api.example.com/:id/{{x}}/{y}").unwrap().path(),
            "/{id}/{x}/{y}"
        );
        assert_eq!(read("http://h").unwrap().path(), "");
        assert!(read("{{base}}/x").unwrap_err().contains("--base-url"));
    }
}
