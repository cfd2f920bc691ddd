//! What `tls`, `proxy` and `connect_timeout_ms` of a definition are for curl.

use super::{
    credential::{maybe, of_reference},
    curl::{Piece, Variable},
};
use crate::tool::Transport;
use mcp_common::definition::tool::{MaybeSecret, SecretReference};

/// Options, the shell's variables in them, and what curl is not told.
#[derive(Default)]
pub(super) struct Connection {
    pub(super) options: Vec<(&'static str, Vec<Piece>)>,
    pub(super) variables: Vec<Variable>,
    pub(super) left_out: Vec<&'static str>,
}

impl Connection {
    pub(super) fn of(transport: &Transport) -> Self {
        let mut connection = Self::default();
        let text = |text: &str| vec![Piece::Text(text.to_owned())];
        let file = |value: &MaybeSecret| match value {
            MaybeSecret::Reference(SecretReference::File(path)) => Some(path.clone()),
            MaybeSecret::Reference(SecretReference::Env(_)) | MaybeSecret::Plain(_) => None,
        };
        let mut pem = |option, member, path: Option<String>| match path {
            Some(path) => connection.options.push((option, text(&path))),
            None => connection.left_out.push(member),
        };
        if let Some(ca) = &transport.ca {
            pem("--cacert", "tls.ca", file(ca));
        }
        if let Some(identity) = &transport.identity {
            pem("--cert", "tls.certificate", file(&identity.certificate));
            pem(
                "--key",
                "tls.key",
                file(&MaybeSecret::Reference(identity.key.clone())),
            );
        }
        if transport.server_name.is_some() {
            connection.left_out.push("tls.server_name");
        }
        if let Some(proxy) = &transport.proxy {
            let address = proxy.address.to_string();
            connection.options.push(("--proxy", text(&address)));
            if let Some((username, password)) = &proxy.login {
                let (user, variables) = maybe(username);
                let password = of_reference(password);
                let pieces = vec![
                    user,
                    Piece::Text(":".to_owned()),
                    Piece::Variable(password.name.clone()),
                ];
                connection.options.push(("--proxy-user", pieces));
                connection.variables.extend(variables);
                connection.variables.push(password);
            }
        }
        if let Some(time) = transport.connect_timeout {
            let seconds = text(&time.as_secs_f64().to_string());
            connection.options.push(("--connect-timeout", seconds));
        }
        connection
    }
}
