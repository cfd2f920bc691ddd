//! Which headers and cookies a client may give: those that the definition names. An upstream trusts the gateway's address,
//! so no client chooses `Authorization` or `X-Forwarded-For` because a schema says nothing about them.

use crate::tool::{InputSchema, Layout};
use mcp_common::definition::tool::RequiredParams;
use std::collections::{BTreeMap, BTreeSet};

/// Names in the groups `header` and `cookie` that go into the request although no parameter places them.
#[derive(Debug, Default)]
pub(crate) struct DeclaredNames {
    headers: BTreeSet<String>,
    /// Each with the members of its value that may be cookies of their own.
    cookies: BTreeMap<String, BTreeSet<String>>,
}

impl DeclaredNames {
    /// What the schema's properties and the definition's `required_params` name.
    pub(super) fn new(input: &InputSchema, required: &RequiredParams, warnings: &mut Vec<String>) -> Self {
        let mut declared = Self::default();
        let by_rule = required.grouped.iter().chain(&input.required);
        for (group, name) in by_rule {
            if group == "header" {
                declared.headers.insert(name.clone());
            } else if group == "cookie" {
                declared.cookies.insert(name.clone(), BTreeSet::new());
            }
        }
        if input.layout != Layout::Grouped {
            return declared;
        }
        declared.headers.extend(input.group("header").names);
        for name in input.group("cookie").names {
            let members = input.members_of(&["cookie".to_owned(), name.clone()]);
            declared.cookies.insert(name, members);
        }
        for group in ["header", "cookie"] {
            if input.declared.names.contains(group) && input.group(group).open {
                let what = if group == "header" { "headers" } else { "cookies" };
                warnings.push(format!(
                    "input_schema.properties.{group}: invites names that it does not declare; only {what} that it or `params` declares by name are sent, others are refused"
                ));
            }
        }
        declared
    }

    /// Whether it has a header, in the letter case of the schema, as clients see it.
    pub(crate) fn has_header(&self, name: &str) -> bool {
        self.headers.contains(name)
    }

    pub(crate) fn has_cookie(&self, name: &str) -> bool {
        self.cookies.contains_key(name)
    }

    /// Whether the member of a cookie's value, which is an object, may be a cookie.
    pub(crate) fn has_cookie_in(&self, cookie: &str, member: &str) -> bool {
        self.cookies
            .get(cookie)
            .is_some_and(|members| members.contains(member))
    }
}
