//! Who may come in: the configured authenticators, asked in order.

use async_trait::async_trait;
use http::HeaderMap;
use mcp_common::{
    authenticator::{Arrival, Authenticator, Denied, KeyRing, Principal},
    plugin::{AuthenticatorFactory, PluginError, Registry, Settings, Surroundings, all_problems},
    tasks::Tasks,
};
use mcp_plugin::authenticator::stored_keys::{ShortToken, ShortTokens, StoredKeys};
use std::{collections::BTreeMap, sync::Arc, time::SystemTime};

/// The authenticators that both read `Authorization: Bearer`.
const API_KEY: &str = "api_key";
const JWT: &str = "jwt";
/// Not the name of a plugin.
const STORED: &str = "the keys of the store";
/// Takes whatever nobody else knows for a token.
const INTROSPECTION: &str = "introspection";

/// Leaves what it does not know to those after it.
struct Modest(Arc<dyn Authenticator>);

#[async_trait]
impl Authenticator for Modest {
    async fn authenticate(&self, headers: &HeaderMap) -> Result<Principal, Denied> {
        match self.0.authenticate(headers).await {
            Err(Denied::Invalid(_)) => Err(Denied::Missing),
            decided => decided,
        }
    }

    fn challenge(&self) -> String {
        self.0.challenge()
    }
}

/// The chain of `app.authenticators`.
pub struct Guard {
    /// Those of the store, which are asked first, and what stands for them for some minutes.
    keys: Option<(Arc<StoredKeys>, ShortTokens)>,
    chain: Vec<Link>,
    challenge: String,
    /// Where tokens come from, for clients that log in by themselves.
    issuers: Vec<String>,
    scopes: Vec<String>,
    open: bool,
}

/// One authenticator, and what it was made of.
#[derive(Clone)]
struct Link {
    name: String,
    table: Settings,
    /// What it does in the background.
    tasks: Tasks,
    authenticator: Arc<dyn Authenticator>,
}

/// Why the chain could not be made.
#[derive(Debug, thiserror::Error)]
#[error("{place}{error}", place = self.place(), error = .0)]
pub struct GuardError(#[from] PluginError);

impl GuardError {
    /// A wrong setting names its own key.
    fn place(&self) -> &'static str {
        match self.0.names_a_setting() {
            true => "",
            false => "app.authenticators: ",
        }
    }

    /// Whether the configuration is to blame, not the circumstances.
    pub fn is_configuration(&self) -> bool {
        self.0.is_configuration()
    }
}

impl Guard {
    /// The authenticators called `names`, each with its own table of the configuration. One of the guard before that was made of
    /// the same stays: it may remember what it has verified.
    pub async fn build(
        names: &[String],
        tables: &BTreeMap<String, Settings>,
        gateway: &Surroundings,
        before: Option<&Self>,
    ) -> Result<Self, GuardError> {
        let registry = Registry::<dyn AuthenticatorFactory>::authenticators()?;
        let mut chain: Vec<Link> = Vec::with_capacity(names.len());
        for name in names {
            let table = tables
                .get(name)
                .cloned()
                .unwrap_or_else(|| Settings::Object(Default::default()));
            // Made of the same, it would do something else.
            let is_modest = name == API_KEY && names.iter().any(|other| other == INTROSPECTION);
            let link_name = match is_modest {
                true => format!("{name}, {INTROSPECTION}"),
                false => name.clone(),
            };
            let mut known = before.iter().flat_map(|before| &before.chain);
            if let Some(same) = known.find(|link| link.name == link_name && link.table == table) {
                chain.push(same.clone());
                continue;
            }
            let tasks = gateway.tasks.branch();
            let within = Surroundings {
                tasks: tasks.clone(),
                ..gateway.clone()
            };
            let made = registry.get(name)?.make_within(&table, &within).await;
            let authenticator = made.inspect_err(|_| {
                tasks.stop();
                let is_new = |link: &&Link| !before.is_some_and(|before| before.has(link));
                chain.iter().filter(is_new).for_each(|link| link.tasks.stop());
            })?;
            chain.push(Link {
                name: link_name,
                table,
                tasks,
                authenticator: match is_modest {
                    true => Arc::new(Modest(authenticator)),
                    false => authenticator,
                },
            });
        }
        Ok(Self::of(chain))
    }

    fn has(&self, link: &Link) -> bool {
        let mut chain = self.chain.iter();
        chain.any(|own| Arc::ptr_eq(&own.authenticator, &link.authenticator))
    }

    /// Whether the other one asks the same authenticators in the same order. The keys of the store are the same for every guard.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        fn configured(guard: &Guard) -> Vec<&Link> {
            let links = guard.chain.iter();
            links.filter(|link| link.name != STORED).collect()
        }
        let (own, others) = (configured(self), configured(other));
        let mut pairs = own.iter().zip(&others);
        own.len() == others.len()
            && pairs.all(|(own, other)| Arc::ptr_eq(&own.authenticator, &other.authenticator))
    }

    /// Ends what authenticators do in the background that the one after it does not have.
    pub(crate) fn retire(&self, after: &Self) {
        for link in self.chain.iter().filter(|link| !after.has(link)) {
            link.tasks.stop();
        }
    }

    /// Everything that can be known to be wrong with them, without making them.
    pub fn problems(names: &[String], tables: &BTreeMap<String, Settings>) -> Vec<GuardError> {
        let registry = match Registry::<dyn AuthenticatorFactory>::authenticators() {
            Ok(registry) => registry,
            Err(error) => return vec![error.into()],
        };
        let check = |name: &String| match registry.get(name) {
            Ok(factory) => {
                let table = tables.get(name).unwrap_or(&Settings::Null);
                all_problems(&format!("authenticator.{name}"), table, |table| {
                    factory.check(table)
                })
            }
            Err(error) => vec![error],
        };
        let mut problems: Vec<GuardError> = names.iter().flat_map(check).map(GuardError::from).collect();
        let at = |wanted: &str| names.iter().position(|name| name == wanted);
        if let (Some(keys), Some(tokens)) = (at(API_KEY), at(JWT))
            && keys < tokens
        {
            problems.push(GuardError(PluginError::Setting {
                key: "app.authenticators".to_owned(),
                reason: format!(
                    "`{JWT}` has to stand before `{API_KEY}`, which takes every token for a key that is wrong"
                ),
            }));
        }
        if let (Some(tokens), Some(last)) = (at(INTROSPECTION), names.len().checked_sub(1))
            && tokens != last
        {
            problems.push(GuardError(PluginError::Setting {
                key: "app.authenticators".to_owned(),
                reason: format!(
                    "`{INTROSPECTION}` has to stand last: it asks an issuer about everything that nobody before it knows, and keys are none of its business"
                ),
            }));
        }
        problems
    }

    /// A guard of authenticators that are there already.
    pub fn new(chain: Vec<Arc<dyn Authenticator>>) -> Self {
        let link = |authenticator| Link {
            name: String::new(),
            table: Settings::Null,
            tasks: Tasks::default(),
            authenticator,
        };
        Self::of(chain.into_iter().map(link).collect())
    }

    fn of(chain: Vec<Link>) -> Self {
        let each = || chain.iter().map(|link| &link.authenticator);
        let mut challenges: Vec<String> = each().map(|authenticator| authenticator.challenge()).collect();
        challenges.dedup();
        Self {
            keys: None,
            challenge: challenges.join(", "),
            issuers: each().flat_map(|authenticator| authenticator.issuers()).collect(),
            scopes: each().flat_map(|authenticator| authenticator.scopes()).collect(),
            open: each().any(|authenticator| authenticator.open()),
            chain,
        }
    }

    /// The keys of the store are asked first: what is shown and is none of them is left to the others.
    pub fn with_keys(mut self, ring: Arc<dyn KeyRing>, tokens: Option<ShortTokens>) -> Self {
        let mut keys = StoredKeys::new(ring);
        if let Some(tokens) = tokens.clone() {
            keys = keys.with_tokens(tokens);
        }
        let keys = Arc::new(keys);
        let link = Link {
            name: STORED.to_owned(),
            table: Settings::Null,
            tasks: Tasks::default(),
            authenticator: keys.clone(),
        };
        self.chain.insert(0, link);
        self.keys = tokens.map(|tokens| (keys, tokens));
        self
    }

    /// A token that stands for a key of the store for some minutes; `None` for what is no such key.
    pub fn exchange(&self, key: &str) -> Result<Option<(ShortToken, Principal)>, Denied> {
        match &self.keys {
            Some((keys, _)) => keys.exchange(key, SystemTime::now()),
            None => Ok(None),
        }
    }

    /// What makes tokens that stand for keys: another configuration takes those of the one before.
    pub(crate) fn tokens(&self) -> Option<ShortTokens> {
        self.keys.as_ref().map(|(_, tokens)| tokens.clone())
    }

    /// The first authenticator that knows the credential decides; [`Denied::Missing`] passes on to the next one.
    pub async fn authenticate(&self, headers: &HeaderMap) -> Result<Principal, Denied> {
        self.recognise(Arrival {
            headers,
            resource: None,
            certificate: None,
        })
        .await
    }

    /// The same, where the caller wants to use something that tokens can name.
    pub async fn recognise(&self, arrival: Arrival<'_>) -> Result<Principal, Denied> {
        for link in &self.chain {
            match link.authenticator.recognise(arrival).await {
                Err(Denied::Missing) => {}
                decided => return decided,
            }
        }
        Err(Denied::Missing)
    }

    /// Where clients get tokens; empty where none are taken.
    pub fn issuers(&self) -> &[String] {
        &self.issuers
    }

    /// The scopes that tokens need.
    pub fn scopes(&self) -> &[String] {
        &self.scopes
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
    fn whoever_takes_every_token_comes_last() {
        let issuers = serde_json::json!({"issuers": [{"name": "a", "issuer": "https://a.example"}]});
        let tables = BTreeMap::from([(JWT.to_owned(), issuers)]);
        let problems = |names: [&str; 2]| {
            let names = names.map(str::to_owned);
            let problems = Guard::problems(&names, &tables);
            problems.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(problems([JWT, API_KEY]), Vec::<String>::new());
        let wrong = problems([API_KEY, JWT]);
        assert!(
            wrong.len() == 1 && wrong[0].starts_with("app.authenticators: `jwt` has to stand before"),
            "{wrong:?}"
        );
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
