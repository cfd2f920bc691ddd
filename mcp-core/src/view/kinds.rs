//! The lists whose changes are announced.

/// A list of an instance, as far as announcements tell lists apart: templates count with resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListKind {
    Tools,
    Resources,
    Prompts,
}

impl ListKind {
    pub(crate) const ALL: [Self; 3] = [Self::Tools, Self::Resources, Self::Prompts];

    /// The method of the notification, after `notifications/`.
    pub(crate) fn changed(self) -> &'static str {
        match self {
            Self::Tools => "tools/list_changed",
            Self::Resources => "resources/list_changed",
            Self::Prompts => "prompts/list_changed",
        }
    }

    /// The member by which `subscriptions/listen` asks for it.
    pub(crate) fn wanted(self) -> &'static str {
        match self {
            Self::Tools => "toolsListChanged",
            Self::Resources => "resourcesListChanged",
            Self::Prompts => "promptsListChanged",
        }
    }
}

/// Something for each of these lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PerList<T> {
    tools: T,
    resources: T,
    prompts: T,
}

impl<T> PerList<T> {
    pub(crate) fn of(mut each: impl FnMut(ListKind) -> T) -> Self {
        Self {
            tools: each(ListKind::Tools),
            resources: each(ListKind::Resources),
            prompts: each(ListKind::Prompts),
        }
    }

    pub(crate) fn get(&self, kind: ListKind) -> &T {
        match kind {
            ListKind::Tools => &self.tools,
            ListKind::Resources => &self.resources,
            ListKind::Prompts => &self.prompts,
        }
    }

    pub(crate) fn set(&mut self, kind: ListKind, value: T) {
        match kind {
            ListKind::Tools => self.tools = value,
            ListKind::Resources => self.resources = value,
            ListKind::Prompts => self.prompts = value,
        }
    }
}
