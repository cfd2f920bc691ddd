//! Who may use a tool or an instance, said where the tool or the instance is (`access`).

use crate::{authenticator::Principal, problem::Problem};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::Error};
use std::sync::Arc;

/// More are a sign that a role would be better.
const MOST: usize = 100;
/// The longest word, and the longest condition: that is computed in calls.
const LONGEST: usize = 128;
const LONGEST_CONDITION: usize = 4 * 1024;

/// Who may use it, beside what keys and roles allow: all of it has to hold. Administrators may. A member that the gateway does not know
/// is an error, since what it was meant to restrict would not be restricted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Access {
    /// One of these roles, or words that keys have as roles. Who has none of them does not learn that there is such a thing.
    #[serde(deserialize_with = "words")]
    #[schemars(length(min = 1), example = &["billing"])]
    pub roles: Vec<Arc<str>>,
    /// All of these scopes of a token. Whose token does not have them is told which are needed.
    #[serde(deserialize_with = "words")]
    #[schemars(length(min = 1), example = &["orders:write"])]
    pub scopes: Vec<Arc<str>>,
    /// When calls are allowed: an expression over `args` (the arguments of a call), `principal`, `instance` and `tool`.
    #[serde(deserialize_with = "given")]
    #[schemars(with = "String", example = &"args.amount < 1000")]
    pub when: Option<Arc<str>>,
}

/// Why somebody may not use something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unmet {
    /// None of the roles is theirs.
    Roles,
    /// Their token does not have all of these scopes.
    Scopes(Vec<String>),
}

impl Access {
    /// Whether somebody may use it, whatever they call it with.
    pub fn met_by(&self, caller: &Principal) -> Result<(), Unmet> {
        if caller.admin {
            return Ok(());
        }
        if !self.roles.is_empty() && !self.roles.iter().any(|role| caller.has_role(role)) {
            return Err(Unmet::Roles);
        }
        let has = |scope: &Arc<str>| caller.scopes().iter().any(|own| **own == **scope);
        match self.scopes.iter().all(has) {
            true => Ok(()),
            false => Err(Unmet::Scopes(
                self.scopes.iter().map(ToString::to_string).collect(),
            )),
        }
    }

    /// Whether it says anything about callers themselves.
    pub fn is_about_callers(&self) -> bool {
        !self.roles.is_empty() || !self.scopes.is_empty()
    }

    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if *self == Self::default() {
            let reason = "is empty: name `roles`, `scopes` or `when`, or leave it out";
            problems.push(Problem::at("access", reason));
        }
        for (member, words) in [("roles", &self.roles), ("scopes", &self.scopes)] {
            if words.len() > MOST {
                let reason = format!("has {} entries, at most {MOST} are allowed", words.len());
                problems.push(Problem::at(format!("access.{member}"), reason));
            }
            for (index, _) in words
                .iter()
                .enumerate()
                .take(MOST)
                .filter(|(_, word)| !is_word(word))
            {
                let reason =
                    format!("must have 1 to {LONGEST} bytes, without blanks, quotes and control characters");
                problems.push(Problem::at(format!("access.{member}[{index}]"), reason));
            }
        }
        if let Some(condition) = self
            .when
            .as_ref()
            .filter(|condition| condition.len() > LONGEST_CONDITION)
        {
            let reason = format!(
                "has {} bytes, at most {LONGEST_CONDITION} are allowed",
                condition.len()
            );
            problems.push(Problem::at("access.when", reason));
        }
        problems
    }
}

/// What stands there. A member that is left out restricts nothing; one that is there and says nothing would do the same by accident: what was
/// to stand in it was forgotten, or is commented out.
pub(super) fn given<'de, D, T>(input: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let given = Option::<T>::deserialize(input)?;
    let nothing = "is null, which restricts nothing: say what is meant, or leave the member out";
    given.map(Some).ok_or_else(|| D::Error::custom(nothing))
}

fn words<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<Arc<str>>, D::Error> {
    let words: Vec<Arc<str>> = given(input)?.unwrap_or_default();
    let nothing = "is empty, which restricts nothing: name at least one, or leave the member out";
    match words.is_empty() {
        true => Err(D::Error::custom(nothing)),
        false => Ok(words),
    }
}

/// RFC 6749, section 3.3: it stands in a header between quotes.
fn is_word(word: &str) -> bool {
    (1..=LONGEST).contains(&word.len())
        && word
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'))
}
