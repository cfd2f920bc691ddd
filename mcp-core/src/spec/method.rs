//! The methods that are served, in which era, and what an instance has to offer for them. This is the only list of them.

use super::Era::{self, Legacy, Modern};

/// A method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// `tools/call`
    ToolsCall,
    /// `tools/list`
    ToolsList,
    /// `server/discover`
    ServerDiscover,
    /// `initialize`
    Initialize,
    /// `ping`
    Ping,
    /// `subscriptions/listen`
    SubscriptionsListen,
    /// `logging/setLevel`
    LoggingSetLevel,
    /// `resources/list`
    ResourcesList,
    /// `resources/templates/list`
    ResourcesTemplatesList,
    /// `resources/read`
    ResourcesRead,
    /// `prompts/list`
    PromptsList,
    /// `prompts/get`
    PromptsGet,
    /// `completion/complete`
    CompletionComplete,
    /// `resources/subscribe`
    ResourcesSubscribe,
    /// `resources/unsubscribe`
    ResourcesUnsubscribe,
    /// `tasks/get`
    TasksGet,
    /// `tasks/update`
    TasksUpdate,
    /// `tasks/cancel`
    TasksCancel,
}

/// What an instance may offer, each announced by a capability of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Feature {
    /// Tools, and the protocol itself: what every instance has.
    Base,
    /// Resources and templates of them.
    Resources,
    /// Prompts.
    Prompts,
    /// Proposals for arguments of prompts and templates.
    Completions,
    /// News of single resources.
    Subscriptions,
    /// Tasks that calls turn into: an extension of 2026-07-28.
    Tasks,
}

struct Row {
    method: Method,
    name: &'static str,
    eras: &'static [Era],
    needs: Feature,
}

const fn base(method: Method, name: &'static str, eras: &'static [Era]) -> Row {
    Row {
        method,
        name,
        eras,
        needs: Feature::Base,
    }
}

const fn of(needs: Feature, method: Method, name: &'static str) -> Row {
    Row {
        method,
        name,
        eras: BOTH,
        needs,
    }
}

/// What `subscriptions/listen` does since 2026-07-28.
const fn subscription(method: Method, name: &'static str) -> Row {
    Row {
        method,
        name,
        eras: &[Legacy],
        needs: Feature::Subscriptions,
    }
}

/// The extension for tasks.
const fn task(method: Method, name: &'static str) -> Row {
    Row {
        method,
        name,
        eras: &[Modern],
        needs: Feature::Tasks,
    }
}

const BOTH: &[Era] = &[Modern, Legacy];

/// In the order of the enum.
const ROWS: [Row; 18] = [
    base(Method::ToolsCall, "tools/call", BOTH),
    base(Method::ToolsList, "tools/list", BOTH),
    base(Method::ServerDiscover, "server/discover", &[Modern]),
    base(Method::Initialize, "initialize", &[Legacy]),
    base(Method::Ping, "ping", &[Legacy]),
    base(Method::SubscriptionsListen, "subscriptions/listen", &[Modern]),
    base(Method::LoggingSetLevel, "logging/setLevel", &[Legacy]),
    of(Feature::Resources, Method::ResourcesList, "resources/list"),
    of(
        Feature::Resources,
        Method::ResourcesTemplatesList,
        "resources/templates/list",
    ),
    of(Feature::Resources, Method::ResourcesRead, "resources/read"),
    of(Feature::Prompts, Method::PromptsList, "prompts/list"),
    of(Feature::Prompts, Method::PromptsGet, "prompts/get"),
    of(
        Feature::Completions,
        Method::CompletionComplete,
        "completion/complete",
    ),
    subscription(Method::ResourcesSubscribe, "resources/subscribe"),
    subscription(Method::ResourcesUnsubscribe, "resources/unsubscribe"),
    task(Method::TasksGet, "tasks/get"),
    task(Method::TasksUpdate, "tasks/update"),
    task(Method::TasksCancel, "tasks/cancel"),
];

impl Method {
    /// Reads the name.
    pub fn parse(name: &str) -> Option<Self> {
        ROWS.iter().find(|row| row.name == name).map(|row| row.method)
    }

    /// The name.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// Whether there is such a method in that era.
    pub fn is_of(self, era: Era) -> bool {
        self.row().eras.contains(&era)
    }

    /// The feature without which an instance does not have the method.
    pub fn needs(self) -> Feature {
        self.row().needs
    }

    fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_in_the_order_of_the_enum_and_names_lead_back() {
        for (place, row) in ROWS.iter().enumerate() {
            assert_eq!(row.method as usize, place, "{}", row.name);
            assert_eq!(Method::parse(row.name), Some(row.method));
        }
        assert_eq!(Method::parse("tools/List"), None);
    }
}
