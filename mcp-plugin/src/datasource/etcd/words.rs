//! What went wrong, in words that name the place and what to do.

use super::{cluster::Fault, keyspace::Keyspace, trouble::Trouble};
use mcp_common::datasource::SourceError;

/// What errors name.
#[derive(Clone, Debug)]
pub(super) struct Words {
    pub(super) keys: Keyspace,
    /// Whom we log in as.
    pub(super) user: Option<String>,
    /// Whether we have a certificate of our own.
    pub(super) certificate: bool,
}

impl Words {
    pub(super) fn error(&self, fault: Fault) -> SourceError {
        let Fault { endpoint, trouble } = fault;
        let place = format!("etcd at {endpoint}");
        match trouble {
            // Whether a greeting in TLS is answered with an end or a reset is a matter of chance.
            Trouble::Unreachable {
                maybe_done: false,
                reason,
            } if endpoint.starts_with("https://") && reason.contains("reset by peer") => {
                SourceError::Unavailable(format!(
                    "{place}: {reason}; the server may speak plain HTTP there"
                ))
            }
            Trouble::Unreachable { reason, .. } | Trouble::Passing(reason) => {
                SourceError::Unavailable(format!("{place}: {reason}"))
            }
            Trouble::Full(reason) => SourceError::Full(format!("{place}: {reason}")),
            Trouble::Compacted => SourceError::Unavailable(format!("{place} was compacted meanwhile")),
            Trouble::Denied => SourceError::Broken(format!("{place} {}", self.denied())),
            Trouble::TooLarge { .. } => SourceError::Broken(format!("{place}: a message is too large")),
            Trouble::StaleLogin(reason) | Trouble::Refused(reason) => {
                SourceError::Broken(format!("{place}: {reason}"))
            }
        }
    }

    /// What to look at if a server hangs up on us from the beginning: it does not say why.
    pub(super) fn hint(&self, reason: &str) -> Option<&'static str> {
        let hangs_up = ["closed", "broken pipe", "reset"]
            .iter()
            .any(|text| reason.contains(text));
        if !hangs_up {
            return None;
        }
        let secure = reason.contains("https://");
        Some(match (secure, self.certificate) {
            (false, _) => "the server may want https:// in data_source.etcd.endpoints",
            (true, false) => {
                "the server may want a certificate of ours; set data_source.etcd.cert_file and .key_file"
            }
            (true, true) => "the server may not take our certificate; check data_source.etcd.cert_file",
        })
    }

    fn denied(&self) -> String {
        let who = match &self.user {
            Some(user) => format!("the user `{user}`"),
            None => "a client without a user".to_owned(),
        };
        let (prefix, history) = (self.keys.prefix(), self.keys.history_prefix());
        format!(
            "denies {who} what is needed under `{prefix}` or `{history}`; let an administrator run \
             `etcdctl role grant-permission ROLE --prefix=true readwrite {prefix}`, and the same for `{history}`"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_hangs_up_may_want_something() {
        let words = Words {
            keys: Keyspace::new("/dynmcp/", "/dynmcp-history/").unwrap(),
            user: None,
            certificate: false,
        };
        let hint = |reason| words.hint(reason).unwrap_or_default();
        assert!(hint("etcd at https://a:1: connection closed").contains(".cert_file"));
        assert!(hint("etcd at http://a:1: stream closed because of a broken pipe").contains("https://"));
        assert_eq!(hint("etcd at http://a:1: Connection refused"), "");
    }
}
