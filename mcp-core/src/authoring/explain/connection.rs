//! A connection of the definition's own, as options of curl.

use super::{
    credential::{maybe, of_reference},
    curl::{Piece, Variable},
};
use crate::tool::Transport;
use http::Uri;
use mcp_common::definition::tool::{MaybeSecret, SecretReference};
use rustls::pki_types::{IpAddr, ServerName};

/// Options and what goes with them.
#[derive(Default)]
pub(super) struct Options {
    pub(super) options: Vec<(&'static str, Vec<Piece>)>,
    pub(super) variables: Vec<Variable>,
    pub(super) note: Option<String>,
    /// Host and port for the URL, where the certificate has another name than the host.
    pub(super) server: Option<String>,
}

/// The options for a request to `uri` that says `host` in its `Host` header.
pub(super) fn options(transport: &Transport, uri: &Uri, host: &str) -> Options {
    let mut found = Options::default();
    let text = |text: &str| vec![Piece::Text(text.to_owned())];
    let mut to_write = Vec::new();
    // curl reads certificates from files only.
    let mut file = |option, value: &MaybeSecret, name: &str| {
        let path = match value {
            MaybeSecret::Reference(SecretReference::File(path)) => path.clone(),
            MaybeSecret::Reference(reference) => {
                to_write.push(format!("{reference} into {name}"));
                name.to_owned()
            }
            MaybeSecret::Plain(_) => {
                to_write.push(format!("the PEM text of the definition into {name}"));
                name.to_owned()
            }
        };
        found.options.push((option, text(&path)));
    };
    if let Some(ca) = &transport.ca {
        file("--cacert", ca, "ca.pem");
    }
    if let Some(identity) = &transport.identity {
        file("--cert", &identity.certificate, "certificate.pem");
        file("--key", &MaybeSecret::Reference(identity.key.clone()), "key.pem");
    }
    if let Some(proxy) = &transport.proxy {
        found.options.push(("--proxy", text(&proxy.address.to_string())));
        if let Some((username, password)) = &proxy.login {
            let (user, variables) = maybe(username);
            let password = of_reference(password);
            let value = Piece::Variable(password.name.clone());
            found.variables.extend(variables);
            found.variables.push(password);
            let pieces = vec![user, Piece::Text(":".to_owned()), value];
            found.options.push(("--proxy-user", pieces));
        }
    }
    if let Some(time) = transport.connect_timeout {
        let seconds = text(&time.as_secs_f64().to_string());
        found.options.push(("--connect-timeout", seconds));
    }
    found.note = (!to_write.is_empty()).then(|| format!("put {}", to_write.join(", ")));
    if let Some(server) = &transport.server_name {
        // curl wants the name that stands in the URL; where the connection leads and what `Host` says is another matter.
        let name = match &server.name {
            ServerName::IpAddress(IpAddr::V6(_)) => format!("[{}]", server.name.to_str()),
            name => name.to_str().into_owned(),
        };
        let to = uri.host().unwrap_or_default();
        let port = uri.port_u16();
        let number = port.unwrap_or(443);
        let connect = format!("{name}:{number}:{to}:{number}");
        found.options.push(("--connect-to", text(&connect)));
        found.options.push(("-H", text(&format!("Host: {host}"))));
        found.server = Some(port.map_or(name.clone(), |port| format!("{name}:{port}")));
    }
    found
}
