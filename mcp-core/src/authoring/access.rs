//! What the holder of a key, or of a role, may do, and by which rule: for people who ask themselves why.

use crate::{
    policy::{Call, External, Refusal, Ruling},
    spec::Method,
    tool::ToolCompiler,
    view::{InstanceView, Views},
};
use mcp_common::{
    authenticator::{CommonLimits, Gathered, KeyRing, PlacedLimits, Principal},
    authorizer::{Caller, Question},
    catalog::Catalog,
    definition::{
        ApiKeyDefinition, CallLimits, Unmet,
        api_key::{ApiKeyStatus, Timestamp},
        role::built_in,
    },
    document::Document,
    key::{Kind, Revision},
};
use serde::{Deserialize, Serialize};
use serde_json::{json, value::RawValue};
use std::{sync::Arc, time::SystemTime};

/// What is asked for. Nothing is called.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessQuestion {
    /// The key, by its id or by a name that no other key has.
    pub key: Option<String>,
    /// Instead of a key: somebody who has this role, and no other.
    pub role: Option<String>,
    /// The instance whose tools are meant.
    pub instance: Option<String>,
    /// A tool of the instance, by the name that it has there.
    pub tool: Option<String>,
    /// What it would be called with.
    pub arguments: Option<Box<RawValue>>,
    /// Something in `/admin`: `admin/tds/write`.
    pub action: Option<String>,
}

/// What the key's holder may do.
#[derive(Debug, Serialize)]
pub struct AccessAnswer {
    /// The key's id; absent where a role was asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<Arc<str>>,
    /// The roles that its document names.
    pub roles: Vec<String>,
    /// Why it opens nothing; absent where nothing is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken: Option<String>,
    /// How many calls the holder may make, and who says so: all of it holds. What tools, upstreams, the instance and the gateway say is about all callers
    /// together.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<String>,
    /// About the instance that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<InstanceAccess>,
    /// About the tool that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<Verdict>,
    /// About what was asked for in `/admin`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<Verdict>,
}

/// What is seen of an instance.
#[derive(Debug, Serialize)]
pub struct InstanceAccess {
    /// Whether it may be used.
    pub open: bool,
    /// The tools that are listed, by name.
    pub tools: Vec<Arc<str>>,
    /// How many tools are not.
    pub hidden: usize,
}

/// Whether something is allowed.
#[derive(Debug, Serialize)]
pub struct Verdict {
    /// Whether it is.
    pub allowed: bool,
    /// The rule that allows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<Arc<str>>,
    /// Why it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What the policy service says, where the gateway's own rules allow it and there is one: `allow`, `refuse`, `fail_open`, `fail_closed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external: Option<&'static str>,
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// There is no such key.
    #[error("no key has the id or the name `{0}`")]
    NoKey(String),
    /// There is no such role.
    #[error("there is no role `{0}`")]
    NoRole(String),
    /// Nobody is named, or two are.
    #[error("name a `key` or a `role`, one of them")]
    Nobody,
    /// The name is that of several keys.
    #[error("several keys are called `{0}`; take the id")]
    SeveralKeys(String),
    /// A tool without its instance.
    #[error("tool: has its name in an instance; name the instance, too")]
    NoInstance,
}

/// Answers a question about a key or a role of the store. `external` is asked about a call that the rules allow; `gateway` is what all callers together may do.
pub async fn explain(
    question: &AccessQuestion,
    catalog: &Catalog<ToolCompiler>,
    views: &Views,
    (external, gateway): (Option<&External>, Option<&PlacedLimits>),
) -> Result<AccessAnswer, AccessError> {
    if question.tool.is_some() && question.instance.is_none() {
        return Err(AccessError::NoInstance);
    }
    let (whose, (key, revision)) = match (&question.key, &question.role) {
        (Some(key), None) => ("key", find(catalog, key)?),
        (None, Some(role)) => ("role", (of_role(catalog, role)?, 0)),
        _ => return Err(AccessError::Nobody),
    };
    let gathered = Gathered::of(&key, catalog);
    let rights = gathered.rights.clone();
    let common = common(views, question);
    let common = common.iter().flat_map(|common| &*common.limits);
    let limits = gathered.limits.iter().chain(common).chain(gateway);
    let limits = limits.map(limit).collect();
    let closed = closed(&key, SystemTime::now());
    let principal = key.principal(gathered, revision, None);
    let asked = question.instance.as_deref();
    let instance = asked.map(|instance| seen(views, &principal, instance, closed.is_none()));
    let tool = asked.zip(question.tool.as_deref());
    let mut verdict = tool.map(|(instance, tool)| {
        let arguments = question.arguments.as_deref().map(RawValue::get);
        let is_open = closed.is_none() && rights.opens(instance);
        judge(
            views,
            catalog.compiler(),
            &principal,
            (instance, tool),
            arguments,
            (whose, is_open),
        )
    });
    if let (Some(external), Some((instance, tool)), Some(verdict)) = (external, tool, &mut verdict)
        && verdict.allowed
    {
        consult(external, &principal, (instance, tool), question, verdict).await;
    }
    let shut = closed.clone().or_else(|| rights.broken().map(str::to_owned));
    let action = question.action.as_deref().map(|action| {
        // As the holder is told who asks for themselves.
        let allowed = shut.is_none() && principal.may(action);
        let refusal = || Refusal::not_allowed(&principal, action).to_string();
        Verdict {
            allowed,
            rule: rights
                .admin(action)
                .filter(|_| allowed)
                .map(|placed| placed.place.clone()),
            reason: (!allowed).then(|| shut.clone().unwrap_or_else(refusal)),
            external: None,
        }
    });
    Ok(AccessAnswer {
        key: question.key.is_some().then(|| key.id.clone()),
        roles: key.roles.clone(),
        limits,
        broken: shut,
        instance,
        tool: verdict,
        action,
    })
}

/// Has somebody outside asked about a call that would be made otherwise.
async fn consult(
    external: &External,
    principal: &Principal,
    (instance, tool): (&str, &str),
    question: &AccessQuestion,
    verdict: &mut Verdict,
) {
    let arguments = question.arguments.as_deref();
    let asked = Question {
        principal: Caller::of(principal),
        action: Method::ToolsCall.name(),
        instance,
        tool: Some(tool),
        resource: None,
        prompt: None,
        arguments: arguments.filter(|_| external.with_arguments()),
    };
    let (said, reason) = external.ask(&asked).await;
    verdict.allowed = said.is_allowed();
    verdict.reason = reason;
    verdict.external = Some(said.as_str());
}

/// What holds for all callers of what is asked about.
fn common(views: &Views, question: &AccessQuestion) -> Vec<Arc<CommonLimits>> {
    let view = question.instance.as_deref().and_then(|id| views.get(id));
    let of_tool = |view: &InstanceView| {
        let tool = question.tool.as_deref().unwrap_or_default();
        view.limits_of(tool).cloned().collect()
    };
    view.map(|view| of_tool(&view)).unwrap_or_default()
}

/// As a line for people: ``the role `agent`: 5/min of `refund_*` ``.
fn limit(placed: &PlacedLimits) -> String {
    let CallLimits {
        rate,
        burst,
        concurrent,
        per_day,
    } = placed.limits;
    let parts = [
        rate.map(|rate| rate.to_string()),
        burst.map(|burst| format!("{burst} at once after a pause")),
        concurrent.map(|most| format!("{most} under way")),
        per_day.map(|most| format!("{most} a day")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let tools = placed.tools.as_ref().map(|tools| format!(" of `{}`", tools.0));
    let of_all = placed.scope.is_shared().then_some(", all callers together");
    format!(
        "{}: {}{}{}",
        placed.place,
        parts.join(", "),
        tools.unwrap_or_default(),
        of_all.unwrap_or_default()
    )
}

fn find(
    catalog: &Catalog<ToolCompiler>,
    wanted: &str,
) -> Result<(Arc<ApiKeyDefinition>, Revision), AccessError> {
    if let Some(found) = catalog.key(wanted) {
        return Ok(found);
    }
    let snapshot = catalog.snapshot();
    let keys = snapshot.documents(Kind::API_KEY).into_iter();
    let mut named = keys.flat_map(|keys| keys.iter()).filter(|(_, entry)| {
        let key: Option<&ApiKeyDefinition> = entry.definition();
        key.is_some_and(|key| key.name.as_deref() == Some(wanted))
    });
    let found = named.next().and_then(|(id, _)| catalog.key(id));
    match (found, named.next()) {
        (Some(found), None) => Ok(found),
        (Some(_), Some(_)) => Err(AccessError::SeveralKeys(wanted.to_owned())),
        (None, _) => Err(AccessError::NoKey(wanted.to_owned())),
    }
}

/// A key that nobody has, with this role alone.
fn of_role(catalog: &Catalog<ToolCompiler>, role: &str) -> Result<Arc<ApiKeyDefinition>, AccessError> {
    let snapshot = catalog.snapshot();
    let mut stored = snapshot
        .documents(Kind::ROLE)
        .into_iter()
        .flat_map(|roles| roles.iter());
    let none = || AccessError::NoRole(role.to_owned());
    if built_in(role).is_none() && !stored.any(|(id, _)| **id == *role) {
        return Err(none());
    }
    let secret = "0".repeat(64);
    let document = json!({"name": role, "roles": [role], "secrets": [{"sha256": secret}]});
    let document = Document::parse(document.to_string().as_bytes()).map_err(|_| none())?;
    let read = ApiKeyDefinition::read("role", &document).map_err(|_| none())?;
    Ok(Arc::new(read.definition))
}

/// Why the key lets nobody in, whatever it opens.
fn closed(key: &ApiKeyDefinition, now: SystemTime) -> Option<String> {
    if key.status == ApiKeyStatus::Inactive {
        return Some("it is not active".to_owned());
    }
    let ends = key.secrets.iter().map(|secret| key.end_of(secret));
    let has_ended = ends.clone().all(|end| end.is_some_and(|end| end <= now));
    let last = ends.flatten().max().filter(|_| has_ended)?;
    Some(format!("it ended at {}", Timestamp(last)))
}

fn seen(views: &Views, principal: &Principal, instance: &str, lets_in: bool) -> InstanceAccess {
    let whole = views.get(instance);
    let meets = |view: &Arc<InstanceView>| {
        view.entry
            .definition
            .access
            .as_ref()
            .is_none_or(|access| access.met_by(principal).is_ok())
    };
    let open = lets_in
        && principal.rights().is_none_or(|rights| rights.opens(instance))
        && whole.as_ref().is_none_or(meets);
    let all = whole.as_ref().map_or(0, |view| view.tool_names().count());
    let seen = whole.filter(|_| open).map(|view| views.seen_by(principal, view));
    let tools: Vec<Arc<str>> = seen.iter().flat_map(|view| view.tool_names().cloned()).collect();
    InstanceAccess {
        open,
        hidden: all - tools.len().min(all),
        tools,
    }
}

fn judge(
    views: &Views,
    compiler: &ToolCompiler,
    principal: &Principal,
    (instance, tool): (&str, &str),
    arguments: Option<&str>,
    (whose, is_open): (&str, bool),
) -> Verdict {
    let refused = |reason: String| Verdict {
        allowed: false,
        rule: None,
        reason: Some(reason),
        external: None,
    };
    let Some(view) = views.get(instance) else {
        return refused(format!(
            "there is no instance `{instance}`, or it is switched off"
        ));
    };
    if !is_open {
        return refused(format!("the {whose} does not open the instance `{instance}`"));
    }
    if !view.tool_names().any(|name| **name == *tool) {
        return refused(format!("the instance has no tool `{tool}`"));
    }
    let of_tool = view.access_of(tool).map(|access| ("tool", access));
    let of_instance = view
        .entry
        .definition
        .access
        .as_ref()
        .map(|access| ("instance", access));
    for (noun, access) in of_instance.into_iter().chain(of_tool) {
        match access.met_by(principal) {
            Ok(()) => {}
            Err(Unmet::Roles) => {
                let roles = access.roles.join("`, `");
                return refused(format!("`access` of the {noun} is for the roles `{roles}`"));
            }
            Err(Unmet::Scopes(scopes)) => {
                return refused(format!(
                    "`access` of the {noun} wants the scopes {} of a token",
                    scopes.join(", ")
                ));
            }
        }
    }
    let call = Call {
        principal,
        instance,
        tool,
        tags: view.tags_of(tool),
        conditions: view.conditions_of(tool),
        arguments,
    };
    match call.ruling(compiler) {
        Ruling::Allowed(rule) => Verdict {
            allowed: true,
            rule,
            reason: None,
            external: None,
        },
        Ruling::Refused(reason) => refused(reason),
        Ruling::Unknown => refused("no rule allows it, or the key does not show it".to_owned()),
    }
}
