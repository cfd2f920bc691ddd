//! What the catalog holds per definition.

use super::collection::{Entry, StoredVersion};
use crate::{
    definition::{Access, CallLimits, InstanceDefinition, instance::ToolOverrides, secret::UsedSecret},
    document::Document,
    key::Revision,
};
use std::{fmt, sync::Arc, time::SystemTime};

/// A live tool. There may be a hundred thousand of them: the document is held once, and of the definition only what
/// selecting needs.
pub struct ToolEntry<T> {
    /// The tool's key in the store.
    pub id: Arc<str>,
    /// The tool's own name; an instance may give it another.
    pub name: Arc<str>,
    /// The tags by which instances include the tool.
    pub tags: Vec<Arc<str>>,
    /// Who may use it, where the definition says so.
    pub access: Option<Arc<Access>>,
    /// How many calls of it all callers together may make.
    pub limits: CallLimits,
    /// `false`: in no instance.
    pub enabled: bool,
    /// The secrets of the store that it names.
    pub secrets: Box<[UsedSecret]>,
    /// The document as it is stored.
    pub document: Document,
    /// What calls it.
    pub compiled: Arc<T>,
    /// The revision that wrote it.
    pub revision: Revision,
    /// The time when it was written, as far as the source knows.
    pub updated_at: Option<SystemTime>,
    /// What the author should know, though the definition works.
    pub warnings: Vec<String>,
}

/// A live instance.
pub struct InstanceEntry<T> {
    /// What its document says.
    pub definition: Arc<InstanceDefinition>,
    /// The document as it is stored.
    pub document: Document,
    /// The revision that wrote it.
    pub revision: Revision,
    /// The time when it was written, as far as the source knows.
    pub updated_at: Option<SystemTime>,
    /// What the author should know: about the document, and about tools that are not there.
    pub warnings: Vec<String>,
    /// The tools of the instance.
    pub selection: Arc<Selection<T>>,
    /// The document that all of this comes from.
    pub(super) version: Arc<Version>,
    /// A later, readable document that cannot go live because its tools do not go together.
    pub(super) newer: Option<Arc<Version>>,
    pub(super) standing: Standing,
}

/// One stored version of an instance, read.
pub(super) struct Version {
    pub(super) definition: Arc<InstanceDefinition>,
    pub(super) document: Document,
    pub(super) revision: Revision,
    pub(super) updated_at: Option<SystemTime>,
    pub(super) warnings: Vec<String>,
}

/// How an instance came by its selection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// The selection is exactly what the newest document says.
    Good,
    /// The tools of the newest document do not go together; what was good before is kept.
    LastGood,
    /// There was nothing good to keep: of tools with one name the first one has it, and a tool that does not fit is left out.
    FirstWins,
}

/// The tools of one instance, in the order in which they are listed. Names are unique, all tools are enabled.
pub struct Selection<T> {
    /// The tools, in listing order.
    pub tools: Vec<Selected<T>>,
}

/// One tool as one instance shows it.
pub struct Selected<T> {
    /// What clients of this instance call it.
    pub name: Arc<str>,
    /// The description that is shown instead of the tool's own.
    pub description: Option<Arc<str>>,
    /// What it is.
    pub tool: Arc<ToolEntry<T>>,
    /// What calls it here, where the instance says something about its arguments.
    pub overridden: Option<Overridden<T>>,
}

/// A tool with what one instance says about its arguments.
pub struct Overridden<T> {
    /// What it says.
    pub overrides: Arc<ToolOverrides>,
    /// What calls it.
    pub compiled: Arc<T>,
}

impl<T> Entry for ToolEntry<T> {
    fn served(&self) -> StoredVersion<'_> {
        StoredVersion {
            revision: self.revision,
            updated_at: self.updated_at,
            document: &self.document,
        }
    }

    fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

impl<T> Entry for InstanceEntry<T> {
    fn served(&self) -> StoredVersion<'_> {
        self.version.stored()
    }

    fn waiting(&self) -> Option<StoredVersion<'_>> {
        self.newer.as_ref().map(|newer| newer.stored())
    }

    fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

impl Version {
    fn stored(&self) -> StoredVersion<'_> {
        StoredVersion {
            revision: self.revision,
            updated_at: self.updated_at,
            document: &self.document,
        }
    }
}

impl<T> Selection<T> {
    /// Whether both show the same entries under the same names.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let same = |(a, b): (&Selected<T>, &Selected<T>)| {
            let compiled = |selected: &Selected<T>| {
                selected
                    .overridden
                    .as_ref()
                    .map(|overridden| Arc::as_ptr(&overridden.compiled))
            };
            a.name == b.name
                && a.description == b.description
                && Arc::ptr_eq(&a.tool, &b.tool)
                && compiled(a) == compiled(b)
        };
        self.tools.len() == other.tools.len() && self.tools.iter().zip(&other.tools).all(same)
    }
}

impl<T> Clone for Selected<T> {
    fn clone(&self) -> Self {
        Self {
            name: self.name.clone(),
            description: self.description.clone(),
            tool: self.tool.clone(),
            overridden: self.overridden.clone(),
        }
    }
}

impl<T> Clone for Overridden<T> {
    fn clone(&self) -> Self {
        Self {
            overrides: self.overrides.clone(),
            compiled: self.compiled.clone(),
        }
    }
}

impl<T> fmt::Debug for ToolEntry<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}` at {}", self.id, self.name, self.revision)
    }
}

impl<T> fmt::Debug for InstanceEntry<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} at {} ({:?}): {:?}",
            self.definition.id, self.revision, self.standing, self.selection
        )
    }
}

impl<T> fmt::Debug for Selection<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.tools).finish()
    }
}

impl<T> fmt::Debug for Selected<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` = {:?}", self.name, self.tool)
    }
}
