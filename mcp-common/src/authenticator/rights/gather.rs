//! The rights of a key, out of its document and those of its roles.

use super::{Placed, Rights};
use crate::{
    authenticator::{KeyRing, LimitScope, Narrowing, PlacedLimits, RoleVersion, StoredRole},
    definition::{
        ApiKeyDefinition, CallLimits, Rate, RoleDefinition,
        role::{ADMIN_ROLE, Rule, built_in},
        upstream::Pattern,
    },
};
use std::{cmp::Reverse, collections::HashSet, sync::Arc};

/// The most roles that one key has, with those that they inherit.
const MOST_ROLES: usize = 256;

/// The rights of a key, and of which documents they were made.
#[derive(Clone, Debug)]
pub struct Gathered {
    /// What the key's holder may do.
    pub rights: Arc<Rights>,
    /// How many calls they may make: those of the key and of each role, the tightest first.
    pub limits: Arc<[PlacedLimits]>,
    /// Every role, inherited ones included.
    pub(in crate::authenticator) names: Arc<[Arc<str>]>,
    /// Every role that was looked for, and what was found.
    roles: Arc<[(Arc<str>, RoleVersion)]>,
    /// Whether the role `admin` is among them, and no role refuses anything.
    pub is_admin: bool,
}

impl Gathered {
    /// The rights of a key, as its roles are now.
    pub fn of(key: &ApiKeyDefinition, ring: &dyn KeyRing) -> Self {
        let own = PlacedLimits {
            scope: LimitScope::Key,
            place: "the key".into(),
            tools: None,
            limits: key.limits,
        };
        Self::of_parts(&key.instances, &key.roles, key.shown(), own, ring)
    }

    /// The rights of somebody who has these roles, as they are now.
    pub fn of_roles(roles: &[String], ring: &dyn KeyRing) -> Self {
        let none = PlacedLimits {
            scope: LimitScope::Key,
            place: "the token".into(),
            tools: None,
            limits: CallLimits::default(),
        };
        Self::of_parts(&[], roles, Narrowing::default(), none, ring)
    }

    fn of_parts(
        instances: &[Pattern],
        roles: &[String],
        shown: Narrowing,
        own: PlacedLimits,
        ring: &dyn KeyRing,
    ) -> Self {
        let mut found = Found {
            ring,
            allow: Vec::new(),
            deny: Vec::new(),
            limits: vec![own],
            seen: HashSet::new(),
            roles: Vec::new(),
        };
        if !instances.is_empty() {
            found.allow.push(Placed {
                rule: Rule::all_of(instances.to_vec()),
                place: "`instances` of the key".into(),
            });
        }
        let mut broken = None;
        for role in roles {
            if let Err(reason) = found.add(role, &mut Vec::new()) {
                broken = Some(reason);
                break;
            }
        }
        Self {
            is_admin: broken.is_none()
                && found.deny.is_empty()
                && roles.iter().any(|role| role == ADMIN_ROLE),
            limits: tightest_first(found.limits),
            rights: Arc::new(Rights::new(found.allow, found.deny, shown, broken)),
            names: {
                let mut names: Vec<_> = found.seen.into_iter().collect();
                names.sort_unstable();
                names.into()
            },
            roles: found.roles.into(),
        }
    }

    /// Whether the roles are still those.
    pub fn is_of(&self, ring: &dyn KeyRing) -> bool {
        let mut roles = self.roles.iter();
        roles.all(|(id, version)| ring.role(id).version() == *version)
    }

    /// Whether documents of roles say something about it.
    pub fn depends_on_roles(&self) -> bool {
        !self.roles.is_empty()
    }
}

/// In the order in which they are asked: what one lets in and the next one refuses has been counted by the first.
fn tightest_first(limits: Vec<PlacedLimits>) -> Arc<[PlacedLimits]> {
    let mut limits: Vec<PlacedLimits> = limits
        .into_iter()
        .filter(|placed| !placed.limits.is_empty())
        .collect();
    limits.sort_by_key(|placed| Reverse(placed.limits.rate.map(Rate::between)));
    limits.into()
}

struct Found<'a> {
    ring: &'a dyn KeyRing,
    allow: Vec<Placed>,
    deny: Vec<Placed>,
    limits: Vec<PlacedLimits>,
    seen: HashSet<Arc<str>>,
    roles: Vec<(Arc<str>, RoleVersion)>,
}

impl Found<'_> {
    /// Adds the rules of a role and of those that it inherits. `below`: the roles that led here.
    fn add(&mut self, id: &str, below: &mut Vec<Arc<str>>) -> Result<(), String> {
        if below.iter().any(|other| **other == *id) {
            let names: Vec<&str> = below.iter().map(|id| &**id).chain([id]).collect();
            return Err(format!(
                "roles inherit each other in a circle: {}",
                names.join(" → ")
            ));
        }
        if !self.seen.insert(id.into()) {
            return Ok(());
        }
        if self.seen.len() > MOST_ROLES {
            return Err(format!(
                "it has more than {MOST_ROLES} roles, with those that they inherit"
            ));
        }
        if let Some(role) = built_in(id) {
            self.take(&role);
            return Ok(());
        }
        let stored = self.ring.role(id);
        self.roles.push((id.into(), stored.version()));
        let role = match stored {
            StoredRole::Known(role, _) => role,
            // A word for templates.
            StoredRole::Unknown if below.is_empty() => return Ok(()),
            StoredRole::Unknown => {
                let by = below.last().map(|id| &**id).unwrap_or_default();
                return Err(format!("the role `{by}` inherits `{id}`, which is not there"));
            }
            StoredRole::Unreadable => {
                return Err(format!(
                    "the role `{id}` is in quarantine; what it refuses is not known"
                ));
            }
        };
        below.push(role.id.clone());
        for inherited in &role.inherits {
            self.add(inherited, below)?;
        }
        below.pop();
        self.take(&role);
        Ok(())
    }

    fn take(&mut self, role: &RoleDefinition) {
        let placed = |list: &'static str, rules: &[Rule]| -> Vec<Placed> {
            let place = |index: usize| format!("role `{}`, {list}[{index}]", role.id).into();
            let rules = rules.iter().cloned().enumerate();
            rules
                .map(|(index, rule)| Placed {
                    rule,
                    place: place(index),
                })
                .collect()
        };
        self.allow.extend(placed("allow", &role.allow));
        self.deny.extend(placed("deny", &role.deny));
        let place: Arc<str> = format!("the role `{}`", role.id).into();
        let limited = |tools, limits| PlacedLimits {
            scope: LimitScope::Role,
            place: place.clone(),
            tools,
            limits,
        };
        self.limits.push(limited(None, role.limits.of_all()));
        let per_tool = role.limits.per_tool.iter().map(|(tools, rate)| {
            let rate = CallLimits {
                rate: Some(*rate),
                ..CallLimits::default()
            };
            limited(Some(Pattern(tools.to_string())), rate)
        });
        self.limits.extend(per_tool);
    }
}
