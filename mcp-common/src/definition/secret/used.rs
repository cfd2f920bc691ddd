//! Where definitions name stored secrets.

use crate::{
    definition::{
        ToolDefinition, UpstreamDefinition,
        tool::{MaybeSecret, SecretReference},
    },
    problem::Problem,
};
use std::sync::Arc;

/// A stored secret that a definition names, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsedSecret {
    /// The member that names it, `tds_ext_info.auth`.
    pub place: Arc<str>,
    /// The name of the secret.
    pub name: Arc<str>,
}

impl UsedSecret {
    /// Of references at these places, those that are to stored secrets; each name once for a place.
    fn of<'a>(references: impl Iterator<Item = (String, &'a SecretReference)>) -> Box<[Self]> {
        let mut used: Vec<Self> = Vec::new();
        for (place, reference) in references {
            let SecretReference::Stored(name) = reference else {
                continue;
            };
            let one = Self {
                place: place.into(),
                name: name.as_str().into(),
            };
            if !used.contains(&one) {
                used.push(one);
            }
        }
        used.into()
    }

    /// Why the definition cannot be used.
    pub fn problem(&self, reason: &str) -> Problem {
        Problem::at(&*self.place, format!("${{secret:{}}} {reason}", self.name))
    }
}

impl ToolDefinition {
    /// The stored secrets that it names.
    pub fn used_secrets(&self) -> Box<[UsedSecret]> {
        let Some(binding) = &self.tds_ext_info else {
            return Box::default();
        };
        let at = |place: &str| {
            let place = format!("tds_ext_info.{place}");
            move |reference| (place.clone(), reference)
        };
        let auth = binding.auth.iter().flat_map(|auth| auth.references());
        let tls = binding.tls.iter().flat_map(|tls| tls.references());
        let proxy = binding.proxy.iter().flat_map(|proxy| proxy.references());
        UsedSecret::of(
            auth.map(at("auth"))
                .chain(tls.map(at("tls")))
                .chain(proxy.map(at("proxy"))),
        )
    }
}

impl UpstreamDefinition {
    /// The stored secrets that it names.
    pub fn used_secrets(&self) -> Box<[UsedSecret]> {
        let texts = |member: &'static str,
                     texts: std::collections::btree_map::Iter<'_, String, MaybeSecret>| {
            texts
                .filter_map(|(name, value)| Some((format!("{member}.{name}"), value.reference()?.clone())))
                .collect::<Vec<_>>()
        };
        let texts = [
            texts("headers", self.headers.iter()),
            texts("env", self.env.iter()),
        ]
        .concat();
        let at = |place: &'static str| move |reference| (place.to_owned(), reference);
        let auth = self.auth.iter().flat_map(|auth| auth.references());
        let tls = self.tls.iter().flat_map(|tls| tls.references());
        let proxy = self.proxy.iter().flat_map(|proxy| proxy.references());
        UsedSecret::of(
            texts
                .iter()
                .map(|(place, reference)| (place.clone(), reference))
                .chain(auth.map(at("auth")))
                .chain(tls.map(at("tls")))
                .chain(proxy.map(at("proxy"))),
        )
    }
}
