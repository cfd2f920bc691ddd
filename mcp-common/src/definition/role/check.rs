//! What in a role's document does not go together, with the member that is to change.

use super::{
    RoleDefinition, Rule, built_in,
    rule::{REGISTER, USES, is_of_admin},
};
use crate::{definition::upstream::Pattern, key::Kind, problem::Problem};

/// The longest id, in bytes.
const LONGEST_ID: usize = 64;
/// More are a sign that patterns would be better.
const MOST_ENTRIES: usize = 1_000;
/// The longest condition: it is computed in calls.
const LONGEST_CONDITION: usize = 4 * 1024;

pub(super) fn problems(id: &str, definition: &RoleDefinition) -> Vec<Problem> {
    let mut problems = Vec::new();
    if !is_id(id) {
        problems.push(Problem::at(
            "id",
            format!("must have 1 to {LONGEST_ID} of A-Z a-z 0-9 . _ -"),
        ));
    }
    if built_in(id).is_some() {
        let reason = format!("the role `{id}` is always there and cannot be another one; choose another id");
        problems.push(Problem::at("id", reason));
    }
    for (index, inherited) in definition.inherits.iter().enumerate() {
        let field = format!("inherits[{index}]");
        if **inherited == *id {
            problems.push(Problem::at(field, "a role cannot inherit itself"));
        } else if !is_id(inherited) {
            problems.push(Problem::at(field, "must be the id of a role"));
        }
    }
    let lists = [("allow", &definition.allow), ("deny", &definition.deny)];
    let lengths = lists.iter().map(|(member, list)| (*member, list.len()));
    for (member, len) in lengths.chain([("inherits", definition.inherits.len())]) {
        if len > MOST_ENTRIES {
            problems.push(Problem::at(
                member,
                format!("has {len} entries, at most {MOST_ENTRIES} are allowed"),
            ));
        }
    }
    problems.extend(definition.limits.problems());
    for (member, list) in lists {
        for (index, rule) in list.iter().enumerate().take(MOST_ENTRIES) {
            let place = format!("{member}[{index}]");
            check_rule(&place, rule, &mut problems);
            if member == "deny" {
                problems.extend(refuses_nothing(&place, rule));
            }
        }
    }
    problems
}

fn check_rule(place: &str, rule: &Rule, problems: &mut Vec<Problem>) {
    let mut wrong = |member: &str, reason: String| {
        problems.push(Problem::at(format!("{place}.{member}"), reason));
    };
    if rule.actions.is_empty() {
        wrong(
            "actions",
            "is empty: name what is done, `*` for everything that instances offer".to_owned(),
        );
    }
    for (index, action) in rule.actions.iter().enumerate() {
        if !is_known(action) {
            let member = format!("actions[{index}]");
            wrong(
                &member,
                format!("`{}` is nothing that is done; there are {}", action.0, known()),
            );
        }
    }
    let lists = [
        ("instances", rule.instances.as_ref()),
        ("tools", rule.tools.as_ref()),
        ("resources", rule.resources.as_ref()),
        ("prompts", rule.prompts.as_ref()),
    ];
    let lists = lists
        .into_iter()
        .filter_map(|(member, list)| Some((member, list?)));
    for (member, list) in lists {
        if list.len() > MOST_ENTRIES {
            let reason = format!("has {} entries, at most {MOST_ENTRIES} are allowed", list.len());
            wrong(member, reason);
        }
        for (index, _) in list
            .iter()
            .enumerate()
            .filter(|(_, pattern)| pattern.0.is_empty())
        {
            let reason = "must be what is meant, with `*` for any text".to_owned();
            wrong(&format!("{member}[{index}]"), reason);
        }
        if rule.is_of_admin() {
            let reason =
                "says nothing about `admin/…`; what is done in instances belongs into a rule of its own";
            wrong(member, reason.to_owned());
        }
    }
    let said = [
        (rule.tools.is_some() || rule.when.is_some(), USES[0]),
        (rule.resources.is_some(), USES[1]),
        (rule.prompts.is_some(), USES[2]),
    ];
    for (_, action) in said
        .into_iter()
        .filter(|(is_said, action)| *is_said && !rule.does(action))
    {
        if !rule.is_of_admin() {
            let reason = format!("do not have `{action}`, which is what the rest of the rule is about");
            wrong("actions", reason);
        }
    }
    let Some(condition) = &rule.when else { return };
    if rule.is_of_admin() {
        wrong(
            "when",
            "says nothing about `admin/…`, which has no arguments".to_owned(),
        );
    }
    if rule.resources.is_some() || rule.prompts.is_some() {
        wrong(
            "when",
            "is about calls of tools; resources and prompts belong into a rule without it".to_owned(),
        );
    }
    if condition.len() > LONGEST_CONDITION {
        let reason = format!(
            "has {} bytes, at most {LONGEST_CONDITION} are allowed",
            condition.len()
        );
        wrong("when", reason);
    }
}

/// A list that is there and names nothing, where something was to be refused.
fn refuses_nothing(place: &str, rule: &Rule) -> Option<Problem> {
    let lists = [
        ("instances", &rule.instances),
        ("tools", &rule.tools),
        ("resources", &rule.resources),
        ("prompts", &rule.prompts),
    ];
    let mut lists = lists.into_iter();
    let (member, _) = lists.find(|(_, list)| matches!(list, Some(list) if list.is_empty()))?;
    let reason = "is empty, so that the rule refuses nothing: name what is refused, or leave the member out";
    Some(Problem::at(format!("{place}.{member}"), reason))
}

/// What rules can speak of in `/admin` beside collections.
const ADMIN_PLACES: [&str; 12] = [
    "access",
    "apply",
    "discovery",
    "events",
    "export",
    "grants",
    "import",
    "metrics",
    "plan",
    "quarantine",
    "status",
    "upstreams",
];

/// The record of who did what.
const AUDIT: &str = "audit/read";

fn is_known(action: &Pattern) -> bool {
    if !is_of_admin(action) {
        return USES.iter().any(|known| action.matches(known));
    }
    let collections = Kind::all().into_iter().map(Kind::path_segment);
    action.matches(AUDIT)
        || action
            .0
            .strip_prefix(REGISTER)
            .is_some_and(|name| !name.is_empty())
        || collections.chain(ADMIN_PLACES).any(|place| {
            ["read", "write", "delete"]
                .iter()
                .any(|verb| action.matches(&format!("admin/{place}/{verb}")))
        })
}

fn known() -> String {
    let uses = USES.map(|action| format!("`{action}`")).join(", ");
    let collections = Kind::listed(|kind| kind.path_segment().to_owned(), "and");
    let places = ADMIN_PLACES.join(", ");
    format!(
        "{uses}, and `admin/PLACE/read`, `…/write`, `…/delete`, `{AUDIT}`, `{REGISTER}NAME`, where PLACE is one of the collections {collections} or one of {places}; `*` stands for any text"
    )
}

fn is_id(id: &str) -> bool {
    let is_part = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
    (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(is_part)
}
