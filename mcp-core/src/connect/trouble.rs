//! Says plainly why an exchange failed: which host, what happened, never a credential.

use super::{
    connector::ConnectError,
    hop::HopError,
    policy::{Forbidden, Unresolved},
};
use http::{Uri, uri::Scheme};
use hyper_util::client::legacy;
use mcp_common::problem::{innermost_cause, other_scheme};
use std::{error::Error as StdError, io};

/// What went wrong, and what people are told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) kind: TroubleKind,
    pub(crate) text: String,
    /// There was no connection, so certainly nothing was sent.
    pub(crate) is_unsent: bool,
}

/// What kind of thing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TroubleKind {
    /// No connection, or it broke.
    Connect,
    /// No connection in time.
    Timeout,
    /// The TLS handshake failed.
    Tls,
    /// The gateway does not call there.
    Refused,
    /// The answer is not HTTP.
    BadAnswer,
}

impl Trouble {
    fn unsent(self) -> Self {
        Self {
            is_unsent: true,
            ..self
        }
    }

    fn new(kind: TroubleKind, text: impl Into<String>) -> Self {
        Self {
            kind,
            text: text.into(),
            is_unsent: false,
        }
    }
}

/// No answer's head arrived.
pub(crate) fn sending(uri: &Uri, error: &legacy::Error) -> Trouble {
    let host = uri
        .authority()
        .map_or("the upstream", |authority| authority.as_str());
    let cause = error.source();
    if let Some(error) = cause.and_then(|cause| cause.downcast_ref::<ConnectError>()) {
        return connecting(uri, host, error).unsent();
    }
    if error.is_connect() {
        let text = format!("Cannot connect to {host}: {}.", innermost_cause(error));
        return Trouble::new(TroubleKind::Connect, text).unsent();
    }
    match cause.and_then(|cause| cause.downcast_ref::<hyper::Error>()) {
        // TLS 1.3: a server that wants (another) client certificate says so after the handshake.
        Some(error) if tls_alert(error).is_some() => Trouble::new(
            TroubleKind::Tls,
            format!(
                "{host} ended the TLS connection before it answered: {}.",
                tls_alert(error).unwrap_or_default()
            ),
        ),
        Some(error) if error.is_parse_too_large() => Trouble::new(
            TroubleKind::BadAnswer,
            format!(
                "The head of {host}'s answer is larger than the gateway reads: more than 100 header lines, or 64 KiB."
            ),
        ),
        Some(error) if error.is_parse() => Trouble::new(
            TroubleKind::BadAnswer,
            format!(
                "{host} answered something that is not HTTP: {error}{}",
                end(uri, &error.to_string())
            ),
        ),
        _ => {
            let text = format!(
                "The connection to {host} broke before it answered: {}.",
                innermost_cause(error)
            );
            Trouble::new(TroubleKind::Connect, text)
        }
    }
}

/// The answer's body did not arrive completely.
pub(crate) fn receiving(uri: &Uri, error: &hyper::Error) -> Trouble {
    let host = uri
        .authority()
        .map_or("the upstream", |authority| authority.as_str());
    let text = format!(
        "The connection to {host} broke in the middle of its answer: {}.",
        innermost_cause(error)
    );
    Trouble::new(TroubleKind::Connect, text)
}

fn connecting(uri: &Uri, host: &str, error: &ConnectError) -> Trouble {
    let cause = match error {
        ConnectError::Timeout(limit) => {
            return Trouble::new(
                TroubleKind::Timeout,
                format!("No connection to {host} within {limit:?}."),
            );
        }
        ConnectError::Forbidden(forbidden) => return refused(host, forbidden),
        ConnectError::Other(cause) => cause,
    };
    if let Some(error) = chain(&**cause).find_map(|error| error.downcast_ref::<HopError>()) {
        return proxy(error);
    }
    if let Some(forbidden) = chain(&**cause).find_map(|error| error.downcast_ref::<Forbidden>()) {
        return refused(host, forbidden);
    }
    // The TLS layer reports `io::Error`, the TCP layer an error of its own.
    if let Some(error) = cause.downcast_ref::<io::Error>() {
        let is_tls = uri.scheme() == Some(&Scheme::HTTPS);
        // Who only breaks the connection off says nothing about TLS.
        let outcome = if is_tls && !is_break(error) {
            TroubleKind::Tls
        } else {
            TroubleKind::Connect
        };
        let what = if is_tls {
            "The TLS handshake with"
        } else {
            "Connecting to"
        };
        let end = end(uri, &error.to_string());
        return Trouble::new(outcome, format!("{what} {host} failed: {error}{end}"));
    }
    let reason = innermost_cause(&**cause);
    let text = if chain(&**cause).any(|error| error.is::<Unresolved>()) {
        format!("The host name of {host} cannot be resolved: {reason}.")
    } else if let Some(io::ErrorKind::ConnectionRefused) = io_kind(&**cause) {
        format!("{host} refused the connection.")
    } else {
        format!("Cannot connect to {host}: {reason}.")
    };
    Trouble::new(TroubleKind::Connect, text)
}

/// The end of a sentence that names this cause: with what may be done about it.
fn end(uri: &Uri, cause: &str) -> String {
    let is_https = uri.scheme() == Some(&Scheme::HTTPS);
    other_scheme(is_https, cause).map_or_else(|| ".".to_owned(), |hint| format!("; {hint}"))
}

fn is_break(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    // The TLS layer puts the connection's error into one of its own.
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    let kind = inner.unwrap_or(error).kind();
    matches!(
        kind,
        BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof
    )
}

/// The proxy on the way is the trouble.
pub(crate) fn proxy(error: &HopError) -> Trouble {
    let outcome = match error {
        HopError::Forbidden(..) | HopError::Login(_) => TroubleKind::Refused,
        HopError::Unreachable(..) | HopError::Refused(..) | HopError::Broken(..) => TroubleKind::Connect,
    };
    Trouble::new(outcome, error.to_string())
}

fn refused(host: &str, forbidden: &Forbidden) -> Trouble {
    Trouble::new(
        TroubleKind::Refused,
        format!("{host} is not called: {forbidden}."),
    )
}

fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}

/// The alert of the other side's TLS. On the way through HTTP/2 the error becomes its text.
fn tls_alert(error: &hyper::Error) -> Option<String> {
    Some(innermost_cause(error)).filter(|reason| reason.starts_with("received fatal alert"))
}

fn io_kind(error: &(dyn StdError + 'static)) -> Option<io::ErrorKind> {
    chain(error)
        .filter_map(|error| error.downcast_ref::<io::Error>())
        .map(io::Error::kind)
        .last()
}
