//! Loops: a request that comes back to the gateway that sent it. Requests to upstreams name the gateway in `Via`
//! (RFC 9110 section 7.6.3), and one that arrives with that name, or after too many gateways, is refused. Without that one
//! call of a tool that calls its own gateway becomes thousands.

use http::{HeaderMap, HeaderValue, header::VIA};

/// How names of gateways begin.
const PREFIX: &str = "dynmcp-";

/// How many gateways a request may have passed where the configuration says nothing.
pub const MOST_GATEWAYS: usize = 4;

/// The name of this gateway, and how many of its kind a request may pass.
#[derive(Clone, Debug)]
pub struct Via {
    /// The name with its prefix.
    name: String,
    /// `1.1 dynmcp-…`.
    entry: HeaderValue,
    most: usize,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Loop {
    /// It left this gateway, or one that has its name, before.
    #[error(
        "Loop detected: this request left this gateway before (its `Via` names it), so a tool calls its own gateway"
    )]
    Own,
    /// It passed so many gateways.
    #[error(
        "Loop detected: this request passed {0} gateways (its `Via` names them), and `upstream.max_gateways` of the configuration lets no more through"
    )]
    Passed(usize),
}

impl Via {
    /// A gateway that is called `name`; `None` if that is no token of RFC 9110 section 5.6.2.
    pub fn named(name: &str, most: usize) -> Option<Self> {
        // The grammar of header names is that of tokens.
        http::HeaderName::from_bytes(name.as_bytes()).ok()?;
        let name = format!("{PREFIX}{}", name.to_ascii_lowercase());
        let entry = HeaderValue::try_from(format!("1.1 {name}")).ok()?;
        Some(Self { name, entry, most })
    }

    /// A name that nobody else has; `None` where the machine has no random numbers.
    pub fn random(most: usize) -> Option<Self> {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).ok()?;
        Self::named(&format!("{:016x}", u64::from_be_bytes(bytes)), most)
    }

    /// The same with a value that shares no memory with this one: a count of references that all workers share would
    /// bounce between their CPUs.
    pub(crate) fn apart(&self) -> Self {
        let copied = HeaderValue::from_bytes(self.entry.as_bytes());
        Self {
            entry: copied.unwrap_or_else(|_| self.entry.clone()),
            ..self.clone()
        }
    }

    /// What a request says that is made for one with these headers: the gateways that it passed, and this one. Nothing of
    /// others: which proxies a client uses is not for upstreams.
    pub(crate) fn value(&self, client: Option<&HeaderMap>) -> HeaderValue {
        let Some(headers) = client.filter(|headers| headers.contains_key(VIA)) else {
            return self.entry.clone();
        };
        let mut text = String::new();
        for gateway in gateways(headers).take(self.most) {
            text.extend(["1.1 ", gateway, ", "]);
        }
        text.extend(["1.1 ", &self.name]);
        HeaderValue::try_from(text).unwrap_or_else(|_| self.entry.clone())
    }

    /// Whether a request with these headers may be served.
    pub(crate) fn check(&self, headers: &HeaderMap) -> Result<(), Loop> {
        if !headers.contains_key(VIA) {
            return Ok(());
        }
        if gateways(headers).any(|gateway| gateway.eq_ignore_ascii_case(&self.name)) {
            return Err(Loop::Own);
        }
        match gateways(headers).count() {
            passed if passed >= self.most => Err(Loop::Passed(passed)),
            _ => Ok(()),
        }
    }

    /// Whether it comes from a gateway at all.
    pub(crate) fn is_passed_on(headers: &HeaderMap) -> bool {
        gateways(headers).next().is_some()
    }
}

/// `received-by` of each entry that is one of ours.
fn gateways(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(VIA).iter().filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| line.split(','))
        .filter_map(|entry| entry.split_ascii_whitespace().nth(1))
        .filter(|name| {
            name.get(..PREFIX.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[&'static str]) -> HeaderMap {
        lines
            .iter()
            .map(|line| (VIA, HeaderValue::from_static(line)))
            .collect()
    }

    #[test]
    fn what_left_here_or_passed_too_many_is_refused() {
        let via = Via::named("Here", 3).unwrap();
        let cases: [(&[&'static str], Result<(), Loop>); 8] = [
            (&[], Ok(())),
            (&["1.1 proxy.example, HTTP/2.0 cdn (dynmcp-here)"], Ok(())),
            (&["1.1 dynmcp-a, 1.1 proxy.example", "1.1 dynmcp-b"], Ok(())),
            (&["1.1 proxy.example, 1.1 dynmcp-here"], Err(Loop::Own)),
            (&["1.1 p,2.0 DYNMCP-HERE (a comment)"], Err(Loop::Own)),
            (&["1.1 dynmcp-hereafter"], Ok(())),
            (
                &["1.1 dynmcp-a", "1.1 dynmcp-b", "1.1 dynmcp-c"],
                Err(Loop::Passed(3)),
            ),
            (&["", ",", "1.1", " ,1.1 ,"], Ok(())),
        ];
        for (lines, expected) in cases {
            assert_eq!(via.check(&headers(lines)), expected, "{lines:?}");
        }
    }

    #[test]
    fn a_request_names_the_gateways_it_passed_and_nobody_else() {
        let via = Via::named("here", 3).unwrap();
        let value = |lines: &[&'static str]| via.value(Some(&headers(lines)));
        assert_eq!(via.value(None), "1.1 dynmcp-here");
        assert_eq!(value(&[]), "1.1 dynmcp-here");
        assert_eq!(value(&["1.1 proxy.example"]), "1.1 dynmcp-here");
        let passed = value(&["1.0 proxy.example, 2 dynmcp-a", "1.1 dynmcp-b (x)"]);
        assert_eq!(passed, "1.1 dynmcp-a, 1.1 dynmcp-b, 1.1 dynmcp-here");
    }

    #[test]
    fn names_are_tokens() {
        assert!(Via::named("group-1.eu", 1).is_some());
        for name in ["", "a b", "a,b", "ü", "a(b"] {
            assert!(Via::named(name, 1).is_none(), "{name:?}");
        }
        assert_ne!(
            Via::random(1).unwrap().value(None),
            Via::random(1).unwrap().value(None)
        );
    }
}
