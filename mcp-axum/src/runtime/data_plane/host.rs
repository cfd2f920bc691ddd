//! Which host a request is for: said once, and the same everywhere it is said.

use crate::http::error::Error;
use http::{HeaderValue, Request, Version, header::HOST};

/// Refuses a request that names no host, several ones, or different ones (RFC 9112, 3.2; RFC 9113, 8.3.1). Afterwards the
/// `Host` header has the name, wherever it stood, so that whoever checks it looks at one place.
pub(super) fn settle<B>(request: &mut Request<B>) -> Result<(), Error> {
    let mut named = request.headers().get_all(HOST).iter();
    let host = named.next();
    if named.next().is_some() {
        return Err(Error::bad_request("the request has more than one Host header"));
    }
    let Some(authority) = request.uri().authority() else {
        return match host {
            Some(_) => Ok(()),
            None if request.version() <= Version::HTTP_10 => Ok(()),
            None => Err(Error::bad_request("the request has no Host header")),
        };
    };
    let authority = authority.as_str();
    if authority.contains('@') {
        return Err(Error::bad_request("the request's target has credentials"));
    }
    let differs = |host: &HeaderValue| !host.as_bytes().eq_ignore_ascii_case(authority.as_bytes());
    match host {
        None if request.version() == Version::HTTP_11 => {
            return Err(Error::bad_request("the request has no Host header"));
        }
        Some(host) if differs(host) => {
            return Err(Error::bad_request(
                "the Host header and the request's target name different hosts",
            ));
        }
        _ => {}
    }
    let host = HeaderValue::from_str(authority)
        .map_err(|_| Error::bad_request("the request's target has no host name"))?;
    request.headers_mut().insert(HOST, host);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(version: Version, uri: &str, hosts: &[&str]) -> Option<String> {
        let mut request = Request::builder().version(version).uri(uri);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        let mut request = request.body(()).unwrap();
        settle(&mut request).ok()?;
        let host = request.headers().get(HOST);
        Some(host.map_or_else(String::new, |host| host.to_str().unwrap().to_owned()))
    }

    #[test]
    fn one_host_and_the_same_everywhere() {
        const H1: Version = Version::HTTP_11;
        const H2: Version = Version::HTTP_2;
        for (version, uri, hosts, expected) in [
            (H1, "/", &["a:1"][..], Some("a:1")),
            (H1, "/", &[], None),
            (H1, "/", &["a", "a"], None),
            (Version::HTTP_10, "/", &[], Some("")),
            (Version::HTTP_10, "/", &["a", "b"], None),
            (H1, "http://a:1/", &["A:1"], Some("a:1")),
            (H1, "http://a:1/", &["b"], None),
            (H1, "http://a:1/", &[], None),
            (H2, "http://a/", &[], Some("a")),
            (H2, "http://a/", &["a"], Some("a")),
            (H2, "http://a/", &["b"], None),
            (H2, "http://user@a/", &[], None),
            (H2, "/", &[], None),
        ] {
            assert_eq!(
                settled(version, uri, hosts).as_deref(),
                expected,
                "{uri} {hosts:?}"
            );
        }
    }
}
