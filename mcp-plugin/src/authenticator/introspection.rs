//! `introspection`: callers show a token that says nothing by itself, and its issuer is asked what it is (RFC 7662). What was answered is
//! remembered for a moment, never longer than the token lives.

mod settings;

use super::{
    jwt::{Claims, Issuer, Verified},
    shown,
};
use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, StatusCode};
use mcp_common::{
    authenticator::{Arrival, Authenticator, Denied, Gathered, Grant, KeyRing, Principal},
    backoff::Away,
    plugin::{AuthenticatorFactory, Fetch, Form, PluginError, Received, Settings, Surroundings},
    secret::ExposeSecret,
};
use moka::sync::Cache;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use settings::Asked;
use sha2::{Digest, Sha256};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout},
};

/// Tokens that are remembered.
const KEPT: u64 = 20_000;
/// A longer one is not asked about, in bytes.
const LONGEST: usize = 4 << 10;
/// A longer answer is none, in bytes.
const LONGEST_ANSWER: usize = 64 << 10;
/// Questions to one issuer that are under way: whoever sends tokens that nobody knows does not flood it.
const MOST_AT_ONCE: usize = 32;
/// How often an issuer that is away is asked, whoever shows how many tokens.
const RETRY: Duration = Duration::from_secs(1);
const LONGEST_RETRY: Duration = Duration::from_secs(5);

/// Recognises callers by what issuers say of their tokens.
pub struct Introspection {
    issuers: Vec<Known>,
    http: Arc<dyn Fetch>,
    ring: Arc<dyn KeyRing>,
}

struct Known {
    asked: Asked,
    answers: Cache<[u8; 32], Answer>,
    places: Semaphore,
    away: Mutex<Away>,
}

/// Why an issuer does not say what a token is.
enum Silence {
    /// It does not answer at all.
    Away(String),
    /// It answers with what is no answer. That may be because of the token, and says nothing of others.
    Odd(String),
}

/// What an issuer said, and until when that is good.
#[derive(Clone)]
struct Answer {
    /// `None`: it is no token, or not any more.
    token: Option<Arc<Verified>>,
    until: SystemTime,
}

impl Known {
    /// What the issuer said a moment ago.
    fn remembered(&self, id: &[u8; 32]) -> Option<Answer> {
        let now = SystemTime::now();
        self.answers.get(id).filter(|answer| now < answer.until)
    }

    fn away(&self) -> MutexGuard<'_, Away> {
        // Nothing is done with it that could panic.
        self.away.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is no token may become one in a moment; what is one may be taken back.
    fn remember(&self, id: [u8; 32], token: Option<Arc<Verified>>, asked_at: SystemTime) {
        let until = asked_at + self.asked.kept;
        let until = token.as_ref().map_or(until, |token| token.end.min(until));
        self.answers.insert(id, Answer { token, until });
    }
}

impl Introspection {
    async fn ask(&self, known: &Known, shown: &str) -> Result<Option<Arc<Verified>>, Denied> {
        let id: [u8; 32] = Sha256::digest(shown).into();
        if let Some(answer) = known.remembered(&id) {
            return Ok(answer.token);
        }
        let Asked { issuer, patience, .. } = &known.asked;
        let away = |reason: String| {
            Denied::Unavailable(format!("the issuer `{}` does not say: {reason}", issuer.name))
        };
        let late = || format!("no answer within {} ms", patience.as_millis());
        let begun = Instant::now();
        let place = timeout(*patience, known.places.acquire()).await;
        let place = place.map_err(|_| away(late()))?;
        let _place = place.map_err(|_| away("it is not asked any more".to_owned()))?;
        // Somebody else may have asked the same while this one waited; what is heard is remembered before the place is left.
        if let Some(answer) = known.remembered(&id) {
            return Ok(answer.token);
        }
        known.away().attempt().map_err(away)?;
        let asked_at = SystemTime::now();
        let left = patience.saturating_sub(begun.elapsed());
        let sending = timeout(left, self.send(&known.asked, shown));
        let said = sending.await.unwrap_or_else(|_| Err(Silence::Away(late())));
        match &said {
            // Who has waited long for a place has had no time for an answer.
            Err(Silence::Away(_)) if left < *patience / 2 => {}
            Err(Silence::Away(reason)) => known.away().failed(reason),
            Ok(_) | Err(Silence::Odd(_)) => known.away().worked(),
        }
        let token = match said {
            Err(Silence::Away(reason) | Silence::Odd(reason)) => return Err(away(reason)),
            Ok(None) => None,
            Ok(Some(claims)) => Some(Arc::new(Verified::of(&claims, issuer)?)),
        };
        known.remember(id, token.clone(), asked_at);
        Ok(token)
    }

    async fn send(&self, asked: &Asked, shown: &str) -> Result<Option<Claims>, Silence> {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        // RFC 6749, section 2.3.1: both are encoded before they are joined.
        let own = format!(
            "{}:{}",
            encode(&asked.client_id),
            encode(asked.client_secret.expose_secret())
        );
        let form = Form {
            url: &asked.endpoint,
            authorization: &format!("Basic {}", STANDARD.encode(own)),
            body: format!("token={}&token_type_hint=access_token", encode(shown)),
        };
        let answer = self.http.post(form, LONGEST_ANSWER).await;
        let Received { status, body } = answer.map_err(Silence::Away)?;
        let url = &asked.endpoint;
        if status != StatusCode::OK {
            return Err(Silence::Odd(format!("{url} answers {status}")));
        }
        let claims: Claims = serde_json::from_slice(&body)
            .map_err(|error| Silence::Odd(format!("this is no answer about a token: {error}")))?;
        let says = |name: &str| {
            let text = claims.get(name)?.get();
            Some(serde_json::from_str::<String>(text).unwrap_or_default())
        };
        if says("iss").is_some_and(|iss| iss != asked.issuer.url) {
            let reason = "the answer is about a token of another issuer (`iss`)";
            return Err(Silence::Odd(reason.to_owned()));
        }
        match claims.get("active").map(|active| active.get()) {
            Some("true") => Ok(Some(claims)),
            Some("false") => Ok(None),
            _ => Err(Silence::Odd(
                "the answer does not say whether the token is active".to_owned(),
            )),
        }
    }

    fn principal(
        &self,
        issuer: &Issuer,
        (token, shown): (&Verified, &str),
        arrival: Arrival<'_>,
    ) -> Result<Principal, Denied> {
        token.check(issuer, arrival.resource, SystemTime::now())?;
        let gathered = Gathered::of_roles(&token.roles, &*self.ring);
        Ok(Principal {
            subject: token.subject.clone(),
            admin: gathered.is_admin,
            attributes: Some(token.attributes.clone()),
            grant: Some(Arc::new(
                Grant::of_token(gathered, token.scopes.clone(), Some(token.end))
                    .by(Arc::new(shown.to_owned().into())),
            )),
        })
    }
}

#[async_trait]
impl Authenticator for Introspection {
    async fn authenticate(&self, headers: &HeaderMap) -> Result<Principal, Denied> {
        self.recognise(Arrival {
            headers,
            resource: None,
            certificate: None,
        })
        .await
    }

    async fn recognise(&self, arrival: Arrival<'_>) -> Result<Principal, Denied> {
        let shown = std::str::from_utf8(shown::token(arrival.headers)?).unwrap_or_default();
        // RFC 6750, section 2.1.
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
        if shown.is_empty() || shown.len() > LONGEST || !shown.bytes().all(is_token) {
            return Err(Denied::Invalid(shown::UNKNOWN.to_owned()));
        }
        let mut away = None;
        for known in &self.issuers {
            match self.ask(known, shown).await {
                Ok(Some(token)) => return self.principal(&known.asked.issuer, (&token, shown), arrival),
                Ok(None) => {}
                Err(unavailable @ Denied::Unavailable(_)) => away = Some(unavailable),
                Err(denied) => return Err(denied),
            }
        }
        Err(away.unwrap_or_else(|| Denied::Invalid("the token is not good, or not any more".to_owned())))
    }

    fn issuers(&self) -> Vec<String> {
        self.issuers
            .iter()
            .map(|known| known.asked.issuer.url.clone())
            .collect()
    }

    fn scopes(&self) -> Vec<String> {
        let all = self
            .issuers
            .iter()
            .flat_map(|known| &known.asked.issuer.required_scopes);
        all.cloned().collect()
    }
}

/// Makes the authenticator `introspection` from the table `authenticator.introspection`.
#[derive(Default)]
pub struct IntrospectionFactory;

#[mcp_common::authenticator("introspection")]
#[async_trait]
impl AuthenticatorFactory for IntrospectionFactory {
    fn check(&self, settings: &Settings) -> Vec<PluginError> {
        settings::problems(settings)
    }

    async fn make(&self, _: &Settings) -> Result<Arc<dyn Authenticator>, PluginError> {
        Err(PluginError::Start(
            "`introspection` needs a gateway whose roles it can read".to_owned(),
        ))
    }

    async fn make_within(
        &self,
        settings: &Settings,
        gateway: &Surroundings,
    ) -> Result<Arc<dyn Authenticator>, PluginError> {
        let issuers = settings::issuers(settings)?.into_iter().map(|asked| Known {
            answers: Cache::builder()
                .max_capacity(KEPT)
                .time_to_live(asked.kept.max(Duration::from_millis(1)))
                .build(),
            places: Semaphore::new(MOST_AT_ONCE),
            away: Mutex::new(Away::between(RETRY, LONGEST_RETRY)),
            asked,
        });
        Ok(Arc::new(Introspection {
            issuers: issuers.collect(),
            http: gateway.http.clone(),
            ring: gateway.ring.clone(),
        }))
    }
}
