//! What is asked for, as far as rights, limits and records tell requests apart.

use super::Trace;
use crate::spec::Method;
use http::{HeaderMap, HeaderValue, StatusCode};
use mcp_common::{
    authenticator::{CommonLimits, Principal},
    key::Revision,
};
use std::{net::IpAddr, sync::Arc};

/// The door where a request comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Door {
    /// `/mcp/{instance}`
    Mcp,
    /// `/admin`
    Admin,
}

/// A request whose envelope is read.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Who asks.
    pub principal: &'a Principal,
    /// What is asked for.
    pub action: Action<'a>,
    /// The limits that all callers share which hold for it, the narrowest first; those of the gateway are not among them.
    pub common: &'a [Arc<CommonLimits>],
    /// The request that asks for it.
    pub request: Asking<'a>,
}

/// The request in which something is asked for; a batch asks for several things.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a> {
    /// Its name in the log and in the answer.
    pub id: &'a HeaderValue,
    /// The address that its connection comes from.
    pub address: Option<IpAddr>,
    /// Its headers.
    pub headers: &'a HeaderMap,
}

/// What something that was asked for was answered with.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// The HTTP status.
    pub status: StatusCode,
    /// What the protocol says of it.
    pub trace: &'a Trace,
    /// The bytes of the answer's body, where they are known.
    pub bytes: Option<u64>,
    /// What was written has this revision.
    pub revision: Option<Revision>,
}

/// What a request wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action<'a> {
    /// An MCP method. The stream of an older client's GET counts as `subscriptions/listen`.
    Mcp {
        /// The instance's id.
        instance: &'a Arc<str>,
        /// The method, which the instance serves.
        method: Method,
        /// The name of a tool or prompt, the URI of a resource; it need not exist.
        target: Option<&'a str>,
        /// What a tool is called with: JSON, as the client sent it.
        arguments: Option<&'a str>,
    },
    /// Something of the admin API.
    Admin {
        /// What is done.
        verb: Verb,
        /// The path after `/admin`.
        path: &'a str,
    },
}

/// What a request to the admin API does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    /// It changes nothing.
    Read,
    /// It changes something, or makes a call.
    Write,
    /// It takes something away.
    Delete,
}

impl Verb {
    /// The word of rules.
    pub fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Delete => "delete",
        }
    }

    /// What it is called in rules to do this to something of `/admin`; `path` is what follows that. A plan changes nothing, and who did what is
    /// not for everybody who may see what there is.
    pub fn of_admin(self, path: &str) -> String {
        let path = path.trim_start_matches('/');
        let place = path.split('/').next().unwrap_or_default();
        if place == "audit" {
            return format!("audit/{}", self.word());
        }
        if place == "register" {
            return path.to_owned();
        }
        let verb = if place == "plan" { Self::Read } else { self };
        format!("admin/{place}/{}", verb.word())
    }

    /// The verb of an HTTP method.
    pub fn of(method: &http::Method) -> Self {
        match *method {
            http::Method::GET | http::Method::HEAD | http::Method::OPTIONS => Self::Read,
            http::Method::DELETE => Self::Delete,
            _ => Self::Write,
        }
    }
}
