//! What is asked for, as far as rights, limits and records tell requests apart.

use crate::spec::Method;
use mcp_common::authenticator::Principal;

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
}

/// What a request wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action<'a> {
    /// An MCP method. The stream of an older client's GET counts as `subscriptions/listen`.
    Mcp {
        /// The instance's id.
        instance: &'a str,
        /// The method, which the instance serves.
        method: Method,
        /// The name of a tool or prompt, the URI of a resource; it need not exist.
        target: Option<&'a str>,
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

    /// What it is called in rules to do this to something of `/admin`; `path` is what follows that. A plan changes nothing.
    pub fn of_admin(self, path: &str) -> String {
        let place = path.trim_start_matches('/').split('/').next().unwrap_or_default();
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
