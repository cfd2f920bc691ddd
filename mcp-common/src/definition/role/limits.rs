//! How much each of those who have a role may have (`limits`).

use crate::{
    definition::{CallLimits, Rate},
    problem::Problem,
};
use schemars::JsonSchema;
use serde::Deserialize;
use std::{collections::BTreeMap, num::NonZeroU32, sync::Arc};

/// More are a sign that patterns would be better: each is counted for each holder.
const MOST_TOOLS: usize = 100;
/// The longest name of a tool, and some stars.
const LONGEST_PATTERN: usize = 128;

/// How many calls each of those who have the role may make; each of them is counted apart. What their keys and other roles limit holds
/// as well. Each replica counts for itself, unless the configuration has all of them count in one Redis.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RoleLimits {
    /// How many calls in a time: `20/s`, `5/min`, `100/h`, `1000/d`.
    pub rate: Option<Rate>,
    /// How many calls at once before `rate` counts, after a pause; as many as `rate` says where nothing is said.
    pub burst: Option<NonZeroU32>,
    /// How many calls that are under way at the same time.
    pub concurrent: Option<NonZeroU32>,
    /// How many calls from midnight to midnight, UTC.
    pub per_day: Option<NonZeroU32>,
    /// How many calls of tools in a time, by the names that they have in an instance, with `*` for any text: those that one entry names
    /// are counted together.
    #[schemars(example = serde_json::json!({"refund_*": "5/min"}))]
    pub per_tool: BTreeMap<Arc<str>, Rate>,
}

impl RoleLimits {
    /// Those of all calls.
    pub fn of_all(&self) -> CallLimits {
        let Self {
            rate,
            burst,
            concurrent,
            per_day,
            per_tool: _,
        } = *self;
        CallLimits {
            rate,
            burst,
            concurrent,
            per_day,
        }
    }

    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems: Vec<Problem> = self.of_all().problem().into_iter().collect();
        if self.per_tool.len() > MOST_TOOLS {
            let reason = format!(
                "has {} entries, at most {MOST_TOOLS} are allowed",
                self.per_tool.len()
            );
            problems.push(Problem::at("limits.per_tool", reason));
        }
        let is_name = |name: &str| (1..=LONGEST_PATTERN).contains(&name.len()) && !name.contains(':');
        for name in self
            .per_tool
            .keys()
            .filter(|name| !is_name(name))
            .take(MOST_TOOLS)
        {
            let reason = format!(
                "must be the name of a tool, with `*` for any text, of at most {LONGEST_PATTERN} bytes; tags are not known here"
            );
            problems.push(Problem::at(format!("limits.per_tool.{name}"), reason));
        }
        problems
    }
}
