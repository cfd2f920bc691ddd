//! The list `authenticator.mtls.clients`.

use mcp_common::{
    authenticator::ClientCertificate,
    definition::upstream::Pattern,
    plugin::{PluginError, Settings, Table},
};
use serde_json::Value;
use std::sync::Arc;

const TABLE: &str = "authenticator.mtls";

/// Those whose certificates have a name of this form.
#[derive(Debug)]
pub(super) struct Client {
    certificate: Pattern,
    /// Who it is; the name that fitted where nothing is said.
    name: Option<Arc<str>>,
    pub(super) roles: Vec<String>,
}

impl Client {
    /// Who has this certificate, if it is one of these.
    pub(super) fn named_by(&self, certificate: &ClientCertificate) -> Option<Arc<str>> {
        let mut names = certificate.names.iter();
        let fitting = names.find(|name| self.certificate.matches(name))?;
        Some(self.name.clone().unwrap_or_else(|| fitting.as_str().into()))
    }
}

/// All of them, in their order: the first that fits is it.
pub(super) fn clients(settings: &Settings) -> Result<Vec<Client>, PluginError> {
    let (clients, problems) = read(settings)?;
    problems.into_iter().next().map_or(Ok(clients), Err)
}

/// Everything that is wrong with them.
pub(super) fn problems(settings: &Settings) -> Vec<PluginError> {
    read(settings).map_or_else(|problem| vec![problem], |(_, problems)| problems)
}

fn read(settings: &Settings) -> Result<(Vec<Client>, Vec<PluginError>), PluginError> {
    let table = Table::new(TABLE, settings, &["clients"])?;
    let shape = "expected a list of {certificate, name, roles}; in a variable of the environment it is written as JSON";
    let list = match table.get("clients") {
        Some(Value::Array(list)) if !list.is_empty() => list.clone(),
        Some(Value::String(text)) => serde_json::from_str(text).map_err(|_| table.wrong("clients", shape))?,
        None | Some(Value::Array(_)) => {
            return Err(table.wrong("clients", "no client is listed, so that nobody could get in"));
        }
        Some(_) => return Err(table.wrong("clients", shape)),
    };
    let read = list
        .iter()
        .enumerate()
        .map(|(index, entry)| one(&format!("{TABLE}.clients[{index}]"), entry));
    let (good, bad): (Vec<_>, Vec<_>) = read.partition(Result::is_ok);
    Ok((
        good.into_iter().filter_map(Result::ok).collect(),
        bad.into_iter().filter_map(Result::err).collect(),
    ))
}

fn one(path: &str, entry: &Value) -> Result<Client, PluginError> {
    let table = Table::new(path, entry, &["certificate", "name", "roles"])?;
    let missing = "must be a name of the certificate, with `*` for any text: cn:billing, dns:*.acme.internal, uri:spiffe://acme/billing, email:…, subject:CN=billing,O=acme";
    let certificate = table.text("certificate")?.unwrap_or_default();
    let named = certificate
        .split_once(':')
        .filter(|(kind, _)| ClientCertificate::KINDS.contains(kind));
    let Some((kind, _)) = named.filter(|(_, name)| !name.trim_matches('*').is_empty()) else {
        return Err(table.wrong("certificate", missing));
    };
    if kind == "subject" && certificate.contains(", ") {
        return Err(table.wrong(
            "certificate",
            "the parts of a subject have a comma and no blank between them: subject:CN=billing,O=acme",
        ));
    }
    let name = table.text("name")?;
    if name.is_some_and(|name| name.contains(':')) {
        return Err(table.wrong(
            "name",
            "must have no `:`: names with one are those of users of an issuer of tokens (`acme:4711`), and of certificates (`dns:…`)",
        ));
    }
    let roles = match table.get("roles") {
        None => Vec::new(),
        Some(Value::Array(roles)) => {
            let texts = roles
                .iter()
                .map(|role| role.as_str().filter(|role| !role.is_empty()).map(str::to_owned));
            let texts: Option<Vec<String>> = texts.collect();
            texts.ok_or_else(|| table.wrong("roles", "expected a list of texts that are not empty"))?
        }
        Some(_) => return Err(table.wrong("roles", "expected a list of texts that are not empty")),
    };
    if roles.is_empty() {
        return Err(table.wrong(
            "roles",
            "names none, so that nothing would be opened; `agent` may use every instance",
        ));
    }
    Ok(Client {
        certificate: Pattern(certificate.to_owned()),
        name: name.map(Arc::from),
        roles,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::time::SystemTime;

    #[test]
    fn the_first_entry_that_fits_says_who_it_is() {
        let settings = json!({"clients": [
            {"certificate": "uri:spiffe://acme/billing", "name": "billing", "roles": ["payer"]},
            {"certificate": "dns:*.acme.internal", "roles": ["agent"]},
        ]});
        let clients = clients(&settings).unwrap();
        let who = |names: &[&str]| {
            let certificate = ClientCertificate {
                names: names.iter().map(|name| (*name).to_owned()).collect(),
                end: SystemTime::UNIX_EPOCH,
            };
            let found = clients
                .iter()
                .find_map(|client| Some((client.named_by(&certificate)?, client.roles[0].clone())));
            found.map(|(name, role)| format!("{name} {role}"))
        };
        assert_eq!(
            who(&["dns:a.acme.internal", "uri:spiffe://acme/billing"]).as_deref(),
            Some("billing payer")
        );
        assert_eq!(
            who(&["cn:x", "dns:a.acme.internal"]).as_deref(),
            Some("dns:a.acme.internal agent")
        );
        for other in [
            "cn:spiffe://acme/billing",
            "uri:spiffe://acme/billing2",
            "dns:acme.internal",
            "uri:dns:a.acme.internal",
        ] {
            assert_eq!(who(&[other]), None, "{other}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (clients, expected) in [
            (json!([]), "authenticator.mtls.clients: no client is listed"),
            (json!("x"), "authenticator.mtls.clients: expected a list"),
            (
                json!([{"certificate": "billing", "roles": ["a"]}]),
                "clients[0].certificate: must be a name",
            ),
            (
                json!([{"certificate": "cn:*", "roles": ["a"]}]),
                "clients[0].certificate: must be a name",
            ),
            (json!([{"certificate": "cn:a"}]), "clients[0].roles: names none"),
            (
                json!([{"certificate": "cn:a", "roles": "a"}]),
                "clients[0].roles: expected a list",
            ),
            (
                json!([{"certificate": "subject:CN=a, O=b", "roles": ["a"]}]),
                "clients[0].certificate: the parts of a subject have a comma",
            ),
            (
                json!([{"certificate": "cn:a", "name": "acme:4711", "roles": ["a"]}]),
                "clients[0].name: must have no `:`",
            ),
            (
                json!([{"certificate": "cn:a", "role": ["a"]}]),
                "clients[0].role: no such setting",
            ),
        ] {
            let problems = problems(&json!({"clients": clients}));
            let said: String = problems.iter().map(|problem| format!("{problem}\n")).collect();
            assert!(said.contains(expected), "{clients}: {said}");
        }
    }
}
