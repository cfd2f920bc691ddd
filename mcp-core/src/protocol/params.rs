//! The parameters of each method, still as raw text where a wrong type has an error of its own.

use super::{envelope::present, fault::Fault};
use crate::spec::Method;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// What a request asks for: its method with the parameters of that method.
#[derive(Debug)]
pub(super) enum Asked<'a> {
    CallTool(CallParams<'a>),
    /// Any list: the method says which.
    List(Method, ListParams<'a>),
    ReadResource(ReadParams<'a>),
    /// The request to be told of a resource, or to be told no more.
    Watch(Method, ReadParams<'a>),
    GetPrompt(PromptParams<'a>),
    Complete(CompleteParams<'a>),
    Discover(BareParams<'a>),
    Initialize(InitializeParams<'a>),
    Ping(BareParams<'a>),
    Listen(ListenParams<'a>),
    SetLevel(LevelParams<'a>),
    /// Anything about a task: the method says what.
    Task(Method, TaskParams<'a>),
    /// A method that no revision has, or none that is served.
    Unknown(BareParams<'a>),
}

/// The parameters of a method that takes none.
#[derive(Debug, Default, Deserialize)]
pub(super) struct BareParams<'a> {
    #[serde(borrow, default, rename = "_meta", deserialize_with = "present")]
    meta: Option<&'a RawValue>,
}

/// The parameters of `tools/call`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct CallParams<'a> {
    #[serde(borrow, default, rename = "_meta", deserialize_with = "present")]
    meta: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) name: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) arguments: Option<&'a RawValue>,
}

/// The parameters of `resources/read`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ReadParams<'a> {
    #[serde(borrow, default, rename = "_meta", deserialize_with = "present")]
    meta: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) uri: Option<&'a RawValue>,
}

/// The parameters of `prompts/get`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct PromptParams<'a> {
    #[serde(borrow, default, rename = "_meta", deserialize_with = "present")]
    meta: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) name: Option<&'a RawValue>,
}

/// The parameters of `completion/complete`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct CompleteParams<'a> {
    #[serde(borrow, default, rename = "_meta", deserialize_with = "present")]
    meta: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "ref", deserialize_with = "present")]
    pub(super) reference: Option<&'a RawValue>,
}

impl CompleteParams<'_> {
    /// What is completed; `None` where `ref` is nothing of the kind.
    pub(super) fn completed(&self) -> Option<Completed> {
        serde_json::from_str(self.reference?.get()).ok()
    }
}

/// What arguments are completed of: a prompt by its name, or a resource template by its URI template.
#[derive(Debug, Deserialize)]
#[serde(tag = "type")]
pub(super) enum Completed {
    #[serde(rename = "ref/prompt")]
    Prompt { name: String },
    #[serde(rename = "ref/resource")]
    Template { uri: String },
}

/// The parameters of `logging/setLevel`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct LevelParams<'a> {
    #[serde(borrow, default, rename = "_meta", deserialize_with = "present")]
    meta: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) level: Option<&'a RawValue>,
}

/// The parameters of `tasks/get`, `tasks/update` and `tasks/cancel`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct TaskParams<'a> {
    #[serde(borrow, default, rename = "_meta", deserialize_with = "present")]
    meta: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "taskId", deserialize_with = "present")]
    pub(super) id: Option<&'a RawValue>,
}

/// The parameters of `notifications/cancelled`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct CancelledParams<'a> {
    #[serde(borrow, default, rename = "requestId", deserialize_with = "present")]
    pub(super) request_id: Option<&'a RawValue>,
}

/// The parameters of a list.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ListParams<'a> {
    #[serde(borrow, default, rename = "_meta", deserialize_with = "present")]
    meta: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) cursor: Option<&'a RawValue>,
}

/// The parameters of `initialize`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct InitializeParams<'a> {
    #[serde(borrow, default, rename = "_meta", deserialize_with = "present")]
    meta: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "protocolVersion", deserialize_with = "present")]
    pub(super) protocol_version: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "clientInfo", deserialize_with = "present")]
    pub(super) client_info: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) capabilities: Option<&'a RawValue>,
}

/// The parameters of `subscriptions/listen`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ListenParams<'a> {
    #[serde(borrow, default, rename = "_meta", deserialize_with = "present")]
    meta: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) notifications: Option<&'a RawValue>,
}

impl<'a> Asked<'a> {
    /// Reads what this method takes; absent `params` are empty ones.
    pub(super) fn read(method: Option<Method>, params: Option<&'a RawValue>) -> Result<Self, Fault> {
        Ok(match method {
            Some(Method::ToolsCall) => Self::CallTool(read(params)?),
            Some(
                list @ (Method::ToolsList
                | Method::ResourcesList
                | Method::ResourcesTemplatesList
                | Method::PromptsList),
            ) => Self::List(list, read(params)?),
            Some(Method::ResourcesRead) => Self::ReadResource(read(params)?),
            Some(watch @ (Method::ResourcesSubscribe | Method::ResourcesUnsubscribe)) => {
                Self::Watch(watch, read(params)?)
            }
            Some(Method::PromptsGet) => Self::GetPrompt(read(params)?),
            Some(Method::CompletionComplete) => Self::Complete(read(params)?),
            Some(Method::ServerDiscover) => Self::Discover(read(params)?),
            Some(Method::Initialize) => Self::Initialize(read(params)?),
            Some(Method::Ping) => Self::Ping(read(params)?),
            Some(Method::SubscriptionsListen) => Self::Listen(read(params)?),
            Some(Method::LoggingSetLevel) => Self::SetLevel(read(params)?),
            Some(task @ (Method::TasksGet | Method::TasksUpdate | Method::TasksCancel)) => {
                Self::Task(task, read(params)?)
            }
            None => Self::Unknown(read(params)?),
        })
    }

    /// `params._meta`.
    pub(super) fn meta(&self) -> Option<&'a RawValue> {
        match self {
            Self::CallTool(params) => params.meta,
            Self::List(_, params) => params.meta,
            Self::ReadResource(params) | Self::Watch(_, params) => params.meta,
            Self::GetPrompt(params) => params.meta,
            Self::Complete(params) => params.meta,
            Self::SetLevel(params) => params.meta,
            Self::Task(_, params) => params.meta,
            Self::Initialize(params) => params.meta,
            Self::Listen(params) => params.meta,
            Self::Discover(params) | Self::Ping(params) | Self::Unknown(params) => params.meta,
        }
    }

    /// What a tool is called with.
    pub(super) fn arguments(&self) -> Option<&'a RawValue> {
        match self {
            Self::CallTool(params) => params.arguments,
            _ => None,
        }
    }

    /// What `Mcp-Name` repeats.
    pub(super) fn mirrored_name(&self) -> Option<&'a RawValue> {
        match self {
            Self::CallTool(params) => params.name,
            Self::GetPrompt(params) => params.name,
            Self::ReadResource(params) | Self::Watch(_, params) => params.uri,
            Self::Task(_, params) => params.id,
            _ => None,
        }
    }
}

pub(super) fn read<'a, T: Default + Deserialize<'a>>(params: Option<&'a RawValue>) -> Result<T, Fault> {
    let Some(raw) = params else {
        return Ok(T::default());
    };
    // Without this, serde would also take an array for the struct.
    if !is_object(raw) {
        return Err(Fault::invalid_params("`params` must be an object"));
    }
    serde_json::from_str(raw.get()).map_err(|error| Fault::invalid_params(format!("params: {error}")))
}

/// The modern envelope, `params._meta` (2026-07-28, "Request metadata").
#[derive(Debug, Default, Deserialize)]
pub(super) struct Meta<'a> {
    #[serde(
        borrow,
        default,
        rename = "io.modelcontextprotocol/protocolVersion",
        deserialize_with = "present"
    )]
    pub(super) protocol_version: Option<&'a RawValue>,
    #[serde(
        borrow,
        default,
        rename = "io.modelcontextprotocol/clientCapabilities",
        deserialize_with = "present"
    )]
    pub(super) client_capabilities: Option<&'a RawValue>,
    #[serde(
        borrow,
        default,
        rename = "io.modelcontextprotocol/clientInfo",
        deserialize_with = "present"
    )]
    pub(super) client_info: Option<&'a RawValue>,
    #[serde(
        borrow,
        default,
        rename = "io.modelcontextprotocol/logLevel",
        deserialize_with = "present"
    )]
    pub(super) log_level: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "progressToken", deserialize_with = "present")]
    pub(super) progress_token: Option<&'a RawValue>,
}

impl<'a> Meta<'a> {
    /// `None` for anything but an object without repeated members.
    pub(super) fn read(raw: Option<&'a RawValue>) -> Option<Self> {
        raw.filter(|raw| is_object(raw))
            .and_then(|raw| serde_json::from_str(raw.get()).ok())
    }

    /// Whether the body thereby says that it is of the modern era.
    pub(super) fn is_claim(&self) -> bool {
        self.protocol_version.is_some()
    }
}

/// Whether the JSON text is an object.
pub(super) fn is_object(raw: &RawValue) -> bool {
    raw.get().starts_with('{')
}

/// The JSON string's value, or `None` for any other type.
pub(super) fn as_string(raw: &RawValue) -> Option<Cow<'_, str>> {
    let text = raw.get();
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        serde_json::from_str(text).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inner))
    }
}
