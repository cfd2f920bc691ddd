//! What etcd's errors mean for us.

use std::error::Error;
use tonic::{Code, ConnectError, Status};

/// Why a request was not answered as wished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// No answer from this member.
    Unreachable {
        /// It may have been carried out.
        maybe_done: bool,
        reason: String,
    },
    /// The member answered that it cannot now.
    Passing(String),
    /// The store's quota is used up: it takes nothing more, and an administrator has to do something.
    Full(String),
    /// The revision is no longer there.
    Compacted,
    /// The server, or our bound for answers, does not take a message of this size.
    TooLarge { answer: bool },
    /// The user lacks a right.
    Denied,
    /// The token has expired, or authentication was switched on or off: log in again.
    StaleLogin(String),
    /// Trying again does not help.
    Refused(String),
}

impl Trouble {
    /// Whether the request may have been carried out all the same.
    pub(super) fn is_maybe_done(&self) -> bool {
        matches!(self, Self::Unreachable { maybe_done: true, .. })
    }

    /// No answer in time.
    pub(super) fn timeout() -> Self {
        Self::Unreachable {
            maybe_done: true,
            reason: "no answer in time".to_owned(),
        }
    }

    /// The reason that a watch was cancelled for.
    pub(super) fn cancelled(reason: &str) -> Self {
        status(Code::Cancelled, reason, || (true, reason.to_owned()))
    }
}

impl From<Status> for Trouble {
    fn from(error: Status) -> Self {
        status(error.code(), error.message(), || {
            transport(&error, error.message())
        })
    }
}

/// The meaning of a status, by its text where one code means several things (https://github.com/etcd-io/etcd/blob/main/api/v3rpc/rpctypes/error.go).
fn status(code: Code, message: &str, transport: impl Fn() -> (bool, String)) -> Trouble {
    let says = |text: &str| message.contains(text);
    if says("has been compacted") {
        return Trouble::Compacted;
    }
    if says("request is too large") || says("received message larger than max") {
        return Trouble::TooLarge { answer: false };
    }
    if says("decoded message length too large") {
        return Trouble::TooLarge { answer: true };
    }
    if says("permission denied") {
        return Trouble::Denied;
    }
    if says("authentication failed") {
        return Trouble::Refused(
            "the user name or the password is wrong; check data_source.etcd.username and .password"
                .to_owned(),
        );
    }
    if says("user name is empty") {
        return Trouble::StaleLogin(
            "the server wants a user; set data_source.etcd.username and .password".to_owned(),
        );
    }
    if code == Code::Unauthenticated || says("invalid auth token") || says("revision of auth store is old") {
        return Trouble::StaleLogin("the login has expired".to_owned());
    }
    if says("database space exceeded") {
        return Trouble::Full(
            "its database is full; compact and defragment it, then `etcdctl alarm disarm`".to_owned(),
        );
    }
    // From the middle of the cluster's agreement on a write: it may still be carried out.
    if [
        "request timed out",
        "leader changed",
        "server stopped",
        "request cancelled",
    ]
    .iter()
    .any(|text| says(text))
    {
        let reason = message.to_owned();
        return Trouble::Unreachable {
            maybe_done: true,
            reason,
        };
    }
    match code {
        Code::Unimplemented => Trouble::Refused(format!("this is no etcd with the API v3 ({message})")),
        Code::InvalidArgument | Code::FailedPrecondition => Trouble::Refused(message.to_owned()),
        // What etcd itself says, in contrast to what the connection says.
        _ if message.starts_with("etcdserver: ") => Trouble::Passing(message.to_owned()),
        _ => {
            let (maybe_done, reason) = transport();
            unreachable(maybe_done, reason)
        }
    }
}

fn unreachable(maybe_done: bool, reason: String) -> Trouble {
    let certificate = reason.contains("certificate") || reason.contains("CertificateRequired");
    let certificate = certificate || reason.contains("UnknownCA") || reason.contains("BadCertificate");
    if certificate {
        return Trouble::Refused(format!(
            "TLS: {reason}; check data_source.etcd.ca_file, .server_name, .cert_file and .key_file"
        ));
    }
    if reason.contains("corrupt message") || reason.contains("InvalidContentType") {
        return Trouble::Refused(format!("TLS: {reason}; the server may speak plain HTTP there"));
    }
    let reason = if reason.contains("tls handshake eof") {
        format!("{reason}; the server may speak plain HTTP there")
    } else {
        reason
    };
    Trouble::Unreachable { maybe_done, reason }
}

/// Whether the request may have reached the server, and the innermost reason, which says most.
fn transport(error: &(dyn Error + 'static), message: &str) -> (bool, String) {
    let mut maybe_done = true;
    let mut innermost = message.to_owned();
    let mut source = error.source();
    while let Some(error) = source {
        maybe_done &= !error.is::<ConnectError>();
        innermost = error.to_string();
        source = error.source();
    }
    (maybe_done, innermost.replace('\n', " "))
}
