//! Who may come in: the configured authenticators, asked in order.

use http::HeaderMap;
use mcp_common::{
    authenticator::{Authenticator, Denied, KeyRing, Principal},
    plugin::{AuthenticatorFactory, PluginError, Registry, Settings},
};
use mcp_plugin::authenticator::stored_keys::StoredKeys;
use std::{collections::BTreeMap, sync::Arc};

/// The chain of `app.authenticators`.
pub struct Guard {
    chain: Vec<Arc<dyn Authenticator>>,
    challenge: String,
    open: bool,
}

/// Why the chain could not be made.
#[derive(Debug, thiserror::Error)]
#[error("{place}{error}", place = self.place(), error = .0)]
pub struct GuardError(#[from] PluginError);

impl GuardError {
    /// A wrong setting names its own key.
    fn place(&self) -> &'static str {
        match self.0 {
            PluginError::Setting { .. } => "",
            _ => "app.authenticators: ",
        }
    }

    /// Whether the configuration is to blame, not the circumstances.
    pub fn is_configuration(&self) -> bool {
        self.0.is_configuration()
    }
}

impl Guard {
    /// The authenticators called `names`, each with its own table of the configuration.
    pub async fn build(names: &[String], tables: &BTreeMap<String, Settings>) -> Result<Self, GuardError> {
        let registry = Registry::<dyn AuthenticatorFactory>::authenticators()?;
        let mut chain = Vec::with_capacity(names.len());
        for name in names {
            let settings = tables
                .get(name)
                .cloned()
                .unwrap_or_else(|| Settings::Object(Default::default()));
            chain.push(registry.get(name)?.make(&settings).await?);
        }
        Ok(Self::new(chain))
    }

    /// Everything that can be known to be wrong with them, without making them.
    pub fn problems(names: &[String], tables: &BTreeMap<String, Settings>) -> Vec<GuardError> {
        let registry = match Registry::<dyn AuthenticatorFactory>::authenticators() {
            Ok(registry) => registry,
            Err(error) => return vec![error.into()],
        };
        let check = |name: &String| match registry.get(name) {
            Ok(factory) => factory.check(tables.get(name).unwrap_or(&Settings::Null)),
            Err(error) => vec![error],
        };
        names.iter().flat_map(check).map(GuardError::from).collect()
    }

    /// A guard of authenticators that are there already.
    pub fn new(chain: Vec<Arc<dyn Authenticator>>) -> Self {
        let mut challenges: Vec<String> = chain
            .iter()
            .map(|authenticator| authenticator.challenge())
            .collect();
        challenges.dedup();
        let open = chain.iter().any(|authenticator| authenticator.open());
        Self {
            chain,
            challenge: challenges.join(", "),
            open,
        }
    }

    /// The keys of the store are asked first: what is shown and is none of them is left to the others.
    pub fn with_keys(mut self, ring: Arc<dyn KeyRing>) -> Self {
        self.chain.insert(0, Arc::new(StoredKeys::new(ring)));
        self
    }

    /// The first authenticator that knows the credential decides; [`Denied::Missing`] passes on to the next one.
    pub async fn authenticate(&self, headers: &HeaderMap) -> Result<Principal, Denied> {
        for authenticator in &self.chain {
            match authenticator.authenticate(headers).await {
                Err(Denied::Missing) => {}
                decided => return decided,
            }
        }
        Err(Denied::Missing)
    }

    /// The value of `WWW-Authenticate` in a 401.
    pub fn challenge(&self) -> &str {
        &self.challenge
    }

    /// Whether everybody is let in.
    pub fn is_open(&self) -> bool {
        self.open
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_trait::async_trait;

    struct Fixed(Result<Principal, Denied>);

    #[async_trait]
    impl Authenticator for Fixed {
        async fn authenticate(&self, _headers: &HeaderMap) -> Result<Principal, Denied> {
            self.0.clone()
        }
    }

    fn guard(answers: Vec<Result<Principal, Denied>>) -> Guard {
        Guard::new(
            answers
                .into_iter()
                .map(|a| Arc::new(Fixed(a)) as Arc<dyn Authenticator>)
                .collect(),
        )
    }

    #[tokio::test]
    async fn a_wrong_credential_is_not_passed_on_to_an_open_door() {
        let wrong = Denied::Invalid("unknown key".into());
        let guard = guard(vec![
            Err(Denied::Missing),
            Err(wrong.clone()),
            Ok(Principal::anonymous()),
        ]);
        assert_eq!(guard.authenticate(&HeaderMap::new()).await, Err(wrong));
    }

    #[test]
    fn what_is_away_is_no_fault_of_the_configuration() {
        let is_configuration = |error: PluginError| GuardError::from(error).is_configuration();
        assert!(!is_configuration(PluginError::Unavailable("away".to_owned())));
        assert!(!is_configuration(PluginError::Start("no thread".to_owned())));
        let (key, reason) = ("authenticator.x".to_owned(), "is wrong".to_owned());
        assert!(is_configuration(PluginError::Setting { key, reason }));
    }

    #[tokio::test]
    async fn nobody_who_knows_the_caller_means_missing() {
        assert_eq!(
            guard(vec![]).authenticate(&HeaderMap::new()).await,
            Err(Denied::Missing)
        );
        let chain = guard(vec![Err(Denied::Missing), Ok(Principal::anonymous())]);
        assert_eq!(
            chain.authenticate(&HeaderMap::new()).await,
            Ok(Principal::anonymous())
        );
    }
}
