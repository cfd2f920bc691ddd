//! How the API wants to know who calls: as `auth` with references to secrets that somebody has to fill in.

use super::{
    server,
    spec::{Spec, Version},
};
use crate::authoring::import::{Imported, name};
use serde_json::{Map, Value, json};
use std::{cell::RefCell, collections::BTreeMap};

pub(super) struct Security<'s> {
    spec: &'s Spec<'s>,
    instance: String,
    /// Scheme → what to do.
    notes: BTreeMap<String, String>,
}

impl<'s> Security<'s> {
    pub(super) fn new(spec: &'s Spec<'s>, instance: &str) -> Self {
        Self {
            spec,
            instance: instance.to_owned(),
            notes: BTreeMap::new(),
        }
    }

    /// What the operation, whose API is at `server`, asks for. Of alternatives the first that can be given.
    pub(super) fn auth(&mut self, operation: &Map<String, Value>, server: &str) -> Option<Value> {
        let requirements = operation
            .get("security")
            .or_else(|| self.spec.root.get("security"))?
            .as_array()?
            .clone();
        let mut chosen = None;
        for requirement in requirements.iter().filter_map(Value::as_object) {
            let mut schemes = requirement.iter();
            let (Some((name, scopes)), None) = (schemes.next(), schemes.next()) else {
                if !requirement.is_empty() {
                    let names: Vec<&str> = requirement.keys().map(String::as_str).collect();
                    let text =
                        "several credentials at once are not supported; what asks for them has no `auth`";
                    self.notes.insert(names.join(" and "), text.to_owned());
                }
                continue;
            };
            if let Some(auth) = self.scheme(name, scopes, server) {
                chosen = Some(auth);
                break;
            }
        }
        chosen
    }

    fn scheme(&mut self, name: &str, scopes: &Value, server: &str) -> Option<Value> {
        let schemes = match self.spec.version {
            Version::Swagger2 => self.spec.root.get("securityDefinitions"),
            _ => self.spec.root.pointer("/components/securitySchemes"),
        };
        let scheme = self.spec.resolve(schemes?.get(name)?).ok()?;
        let prefix = name::secret(&format!("{}_{name}", self.instance));
        let variables = RefCell::new(Vec::new());
        let variable = |what: &str| {
            let name = format!("{prefix}{what}");
            let reference = format!("${{env:{name}}}");
            variables.borrow_mut().push(name);
            reference
        };
        let text = |member: &str| scheme.get(member).and_then(Value::as_str);
        let auth = match (
            text("type")?,
            text("scheme").map(str::to_ascii_lowercase).as_deref(),
        ) {
            ("http", Some("bearer")) | ("openIdConnect", _) => {
                json!({"type": "bearer", "credential": variable("")})
            }
            ("http", Some("basic")) | ("basic", _) => {
                json!({"type": "basic", "username": variable("_USERNAME"), "password": variable("_PASSWORD")})
            }
            ("apiKey", _) => {
                json!({"type": "api_key", "in": text("in")?, "name": text("name")?, "credential": variable("")})
            }
            ("oauth2", _) => self.oauth2(scheme, scopes, server, &variable),
            _ => {
                let kind = [text("type"), text("scheme")].into_iter().flatten();
                let kind = kind.collect::<Vec<_>>().join(" ");
                let text = format!("`{kind}` is not supported; what asks for it has no `auth`");
                self.notes.insert(name.to_owned(), text);
                return None;
            }
        };
        let kind = auth["type"].as_str().unwrap_or_default();
        let variables = variables.into_inner().join(" and ");
        let text = format!("`{kind}` with secrets; set {variables} in the gateway's environment");
        self.notes.insert(name.to_owned(), text);
        Some(auth)
    }

    /// The flow without a person; otherwise whoever has a token can give it.
    fn oauth2(
        &self,
        scheme: &Value,
        scopes: &Value,
        server: &str,
        variable: &impl Fn(&str) -> String,
    ) -> Value {
        let flow = match self.spec.version {
            Version::Swagger2 => Some(scheme).filter(|scheme| scheme["flow"] == "application"),
            _ => scheme.pointer("/flows/clientCredentials"),
        };
        let Some(url) = flow.and_then(|flow| flow.get("tokenUrl")?.as_str()) else {
            return json!({"type": "bearer", "credential": variable("")});
        };
        let url = server::join(server, url);
        let mut auth = json!({"type": "oauth2_client_credentials", "token_url": url,
            "client_id": variable("_CLIENT_ID"), "client_secret": variable("_CLIENT_SECRET")});
        if scopes.as_array().is_some_and(|scopes| !scopes.is_empty()) {
            auth["scopes"] = scopes.clone();
        }
        auth
    }

    pub(super) fn note(self, imported: &mut Imported) {
        for (name, text) in self.notes {
            imported.note(format!("security scheme `{name}`: {text}"));
        }
    }
}

/// Whether the parameter is what `auth` gives.
pub(super) fn gives(auth: Option<&Value>, parameter: &Map<String, Value>) -> bool {
    let Some(auth) = auth.filter(|auth| auth["type"] == "api_key") else {
        return false;
    };
    let text = |value: Option<&Value>| {
        value
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_ascii_lowercase()
    };
    text(auth.get("in")) == text(parameter.get("in")) && text(auth.get("name")) == text(parameter.get("name"))
}
