//! The roles that are always there.

use super::{RoleDefinition, Rule};
use crate::definition::upstream::Pattern;

/// The role that may do everything.
pub const ADMIN_ROLE: &str = "admin";

/// The roles of everybody, and what they may do.
const ROLES: [(&str, &[&str]); 4] = [
    (ADMIN_ROLE, &["*", "admin/*", "audit/*", "register/*"]),
    // Whoever may write keys or roles may give themselves every right.
    (
        "editor",
        &[
            "*",
            "admin/*/read",
            "admin/tds/*",
            "admin/ids/*",
            "admin/uds/*",
            "admin/import/*",
            "admin/apply/*",
            "register/*",
        ],
    ),
    ("viewer", &["admin/*/read"]),
    ("agent", &["*"]),
];

/// The role of this name that is always there.
pub fn built_in(id: &str) -> Option<RoleDefinition> {
    let (name, actions) = ROLES.into_iter().find(|(name, _)| *name == id)?;
    Some(RoleDefinition {
        id: name.into(),
        allow: vec![Rule {
            actions: actions
                .iter()
                .map(|action| Pattern((*action).to_owned()))
                .collect(),
            instances: None,
            tools: None,
            resources: None,
            prompts: None,
            when: None,
        }],
        ..RoleDefinition::default()
    })
}
