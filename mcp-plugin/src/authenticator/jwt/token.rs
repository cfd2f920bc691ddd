//! One token: what is verified of it once, and what is looked at each time.

use super::settings::Issuer;
use jsonwebtoken::{DecodingKey, Header, Validation, dangerous::insecure_decode, decode, errors::ErrorKind};
use mcp_common::authenticator::{Attributes, Denied};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// A longer one is not looked at, in bytes.
const LONGEST: usize = 16 << 10;

/// A token that is good.
pub(in crate::authenticator) struct Verified {
    pub(in crate::authenticator) subject: Arc<str>,
    pub(in crate::authenticator) roles: Arc<[String]>,
    pub(in crate::authenticator) attributes: Arc<Attributes>,
    pub(in crate::authenticator) scopes: Arc<[String]>,
    audiences: Vec<String>,
    /// With the leeway.
    pub(in crate::authenticator) end: SystemTime,
}

pub(in crate::authenticator) type Claims = BTreeMap<String, Box<RawValue>>;

/// What a token says of itself, which nobody has verified.
pub(super) struct Unverified {
    pub(super) header: Header,
    pub(super) issuer: String,
}

/// Whether it is a token of this kind at all, good or not.
pub(super) fn is_one(shown: &str) -> bool {
    shown.starts_with("ey") && shown.bytes().filter(|byte| *byte == b'.').count() == 2
}

impl Unverified {
    pub(super) fn read(shown: &str) -> Result<Self, Denied> {
        #[derive(Deserialize)]
        struct Says {
            iss: String,
        }
        if shown.len() > LONGEST {
            return Err(invalid(format!("the token has more than {LONGEST} bytes")));
        }
        let read = insecure_decode::<Says>(shown);
        let read =
            read.map_err(|_| invalid("this is no token that can be read, or its algorithm is not taken"))?;
        if read.header.crit.is_some() {
            return Err(invalid(
                "the token wants something to be understood that nobody does here (`crit`)",
            ));
        }
        Ok(Self {
            header: read.header,
            issuer: read.claims.iss,
        })
    }
}

impl Verified {
    /// Verifies a token of this issuer with one of these keys.
    pub(super) fn read<'a>(
        shown: &str,
        header: &Header,
        issuer: &Issuer,
        keys: impl Iterator<Item = &'a DecodingKey>,
    ) -> Result<Self, Denied> {
        let mut validation = Validation::new(header.alg);
        validation.leeway = issuer.leeway;
        validation.validate_nbf = true;
        // Whom it is for depends on what is asked for.
        validation.validate_aud = false;
        validation.set_issuer(&[&issuer.url]);
        validation.set_required_spec_claims(&["exp", "iss"]);
        let mut reason = ErrorKind::InvalidSignature;
        for key in keys {
            match decode::<Claims>(shown, key, &validation) {
                Ok(token) => return Self::of(&token.claims, issuer),
                Err(error) if matches!(error.kind(), ErrorKind::InvalidSignature) => {}
                Err(error) => reason = error.into_kind(),
            }
        }
        Err(invalid(match reason {
            ErrorKind::ExpiredSignature => "the token has ended",
            ErrorKind::ImmatureSignature => "the token is not good yet",
            ErrorKind::MissingRequiredClaim(_) => "the token says no end (`exp`)",
            ErrorKind::InvalidSignature => "the token's signature is not that of its issuer",
            _ => "the token is not what its issuer makes",
        }))
    }

    /// What it says that was found to be good.
    pub(in crate::authenticator) fn of(claims: &Claims, issuer: &Issuer) -> Result<Self, Denied> {
        let at = |path: &str| find(claims, path);
        let subject = at(&issuer.subject).and_then(|value| match value {
            Value::String(text) if !text.is_empty() => Some(text),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        });
        let subject = subject.ok_or_else(|| {
            invalid(format!(
                "the token does not say who it is for (`{}`)",
                issuer.subject
            ))
        })?;
        let brought = issuer
            .roles
            .as_deref()
            .and_then(at)
            .map(texts)
            .unwrap_or_default();
        let mut roles: Vec<String> = brought.into_iter().filter(|role| issuer.may_give(role)).collect();
        roles.extend(issuer.give_roles.iter().cloned());
        let kept = issuer
            .claims
            .iter()
            .filter_map(|name| Some((name.clone(), claims.get(name)?.clone())));
        let end = at("exp").as_ref().and_then(Value::as_f64).unwrap_or_default();
        // A number that no time has ends at once.
        let end = Duration::try_from_secs_f64(end).unwrap_or_default();
        let end = UNIX_EPOCH.checked_add(end.saturating_add(Duration::from_secs(issuer.leeway)));
        Ok(Self {
            subject: format!("{}:{subject}", issuer.name).into(),
            attributes: Arc::new(Attributes {
                roles: roles.clone(),
                claims: kept.collect(),
            }),
            roles: roles.into(),
            scopes: at(&issuer.scopes).map(texts).unwrap_or_default().into(),
            audiences: at("aud").map(texts).unwrap_or_default(),
            end: end.unwrap_or(UNIX_EPOCH),
        })
    }

    /// Whether it is for this, and still good.
    pub(in crate::authenticator) fn check(
        &self,
        issuer: &Issuer,
        resource: Option<&str>,
        now: SystemTime,
    ) -> Result<(), Denied> {
        if self.end <= now {
            return Err(invalid("the token has ended"));
        }
        let is_meant = |audience: &String| {
            issuer.audiences.contains(audience)
                || resource.is_some_and(|resource| audience.trim_end_matches('/') == resource)
        };
        if !self.audiences.iter().any(is_meant) {
            return Err(invalid("the token is for somebody else (`aud`)"));
        }
        if issuer
            .required_scopes
            .iter()
            .all(|scope| self.scopes.contains(scope))
        {
            return Ok(());
        }
        Err(Denied::Scopes(issuer.required_scopes.clone()))
    }
}

fn invalid(reason: impl Into<String>) -> Denied {
    Denied::Invalid(reason.into())
}

/// The claim of this name, or at the end of this path.
fn find(claims: &Claims, path: &str) -> Option<Value> {
    let read = |raw: &RawValue| serde_json::from_str::<Value>(raw.get()).ok();
    if let Some(raw) = claims.get(path) {
        return read(raw);
    }
    let mut steps = path.split('.');
    let first = read(claims.get(steps.next()?)?)?;
    steps.try_fold(first, |value, step| value.get(step).cloned())
}

/// A list of texts, or texts with blanks between them.
fn texts(value: Value) -> Vec<String> {
    match value {
        Value::String(text) => text.split_whitespace().map(str::to_owned).collect(),
        Value::Array(items) => items
            .into_iter()
            .filter_map(|item| item.as_str().map(str::to_owned))
            .collect(),
        _ => Vec::new(),
    }
}
