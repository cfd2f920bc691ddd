//! What an instance says that it can do; the same words in both eras.

use super::{Offer, kinds::ListKind};
use crate::spec::Feature;
use serde::Serialize;

/// The `capabilities` of `initialize` and `server/discover`. What is not there is not served.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Capabilities {
    tools: Lists,
    #[serde(skip_serializing_if = "Option::is_none")]
    resources: Option<Lists>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompts: Option<Lists>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completions: Option<Nothing>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logging: Option<Nothing>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extensions: Option<Extensions>,
}

/// What the specification does not have itself.
#[derive(Clone, Copy, Debug, Serialize)]
struct Extensions {
    #[serde(rename = "io.modelcontextprotocol/tasks")]
    tasks: Nothing,
}

/// An empty object: there is nothing to say beyond that it is there.
#[derive(Clone, Copy, Debug, Serialize)]
struct Nothing {}

/// What is offered in a list.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Lists {
    /// Changes are announced.
    list_changed: bool,
    /// Changes of single entries are told to who wants to hear of them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    subscribe: bool,
}

const LISTS: Lists = Lists {
    list_changed: true,
    subscribe: false,
};

impl Capabilities {
    pub(super) fn of(offer: &Offer) -> Self {
        Self {
            tools: LISTS,
            resources: offer.resources.as_ref().map(|resources| Lists {
                subscribe: resources.subscriptions,
                ..LISTS
            }),
            prompts: offer.prompts.as_ref().map(|_| LISTS),
            completions: offer.completes.then_some(Nothing {}),
            logging: offer.logs.then_some(Nothing {}),
            extensions: (!offer.tasks.is_empty()).then_some(Extensions { tasks: Nothing {} }),
        }
    }

    /// Those for an older client, for which there are no extensions.
    pub(crate) fn older(&self) -> Self {
        Self {
            extensions: None,
            ..self.clone()
        }
    }

    /// Those for an older client without a session, which could not be told of single resources.
    pub(crate) fn without_session(&self) -> Self {
        Self {
            resources: self.resources.map(|_| LISTS),
            ..self.older()
        }
    }

    /// Those for an older client without a session whose revision has no header to name itself with: a stream of it could not be told from
    /// the beginning of HTTP+SSE, so that it has none.
    pub(crate) fn without_stream(&self) -> Self {
        let silent = |lists: Lists| Lists {
            list_changed: false,
            ..lists
        };
        let offered = self.without_session();
        Self {
            tools: silent(offered.tools),
            resources: offered.resources.map(silent),
            prompts: offered.prompts.map(silent),
            ..offered
        }
    }

    /// Whether methods that need the feature are served.
    pub(crate) fn has(&self, feature: Feature) -> bool {
        match feature {
            Feature::Base => true,
            Feature::Resources => self.resources.is_some(),
            Feature::Prompts => self.prompts.is_some(),
            Feature::Completions => self.completions.is_some(),
            Feature::Tasks => self.extensions.is_some(),
            Feature::Subscriptions => self.resources.is_some_and(|resources| resources.subscribe),
        }
    }

    /// Whether changes of the list are announced.
    pub(crate) fn announces(&self, list: ListKind) -> bool {
        match list {
            ListKind::Tools => self.tools.list_changed,
            ListKind::Resources => self.has(Feature::Resources),
            ListKind::Prompts => self.has(Feature::Prompts),
        }
    }
}
