//! What a client wants to have most (RFC 9110, section 12.5.1).

use http::{HeaderMap, header};

/// Whether it asks for the one media type, and not less than for the other.
pub(super) fn prefers(headers: &HeaderMap, one: &str, other: &str) -> bool {
    let ranges = || {
        let values = headers.get_all(header::ACCEPT).iter();
        let values = values.filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).map(range)
    };
    let weight = |accepts: &dyn Fn(&str) -> bool| {
        let weights = ranges()
            .filter(|(name, _)| accepts(name))
            .map(|(_, weight)| weight);
        weights.max().unwrap_or(0)
    };
    // Only by its name: whoever takes anything has not asked for it.
    let wanted = weight(&|name| name.eq_ignore_ascii_case(one));
    wanted > 0 && wanted >= weight(&|name| name.eq_ignore_ascii_case(other))
}

/// A range and its weight in thousandths.
fn range(text: &str) -> (&str, u16) {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let weight = parts
        .filter_map(|part| part.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("q"))
        .and_then(|(_, weight)| weight.trim().parse::<f32>().ok());
    // A weight that cannot be read says nothing.
    let weight = weight.unwrap_or(1.0).clamp(0.0, 1.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "from 0 to 1000"
    )]
    (name, (weight * 1_000.0) as u16)
}

#[cfg(test)]
mod tests {
    use super::prefers;
    use http::{HeaderMap, HeaderValue, header};

    #[test]
    fn the_weights_decide() {
        for (accept, expected) in [
            (
                "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
                true,
            ),
            ("application/openmetrics-text, text/plain", true),
            ("text/plain;q=0.9,application/openmetrics-text;q=0.1", false),
            ("application/openmetrics-text;q=0, text/plain", false),
            ("Application/OpenMetrics-Text", true),
            ("*/*", false),
            ("text/html", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            let found = prefers(&headers, "application/openmetrics-text", "text/plain");
            assert_eq!(found, expected, "{accept}");
        }
    }
}
