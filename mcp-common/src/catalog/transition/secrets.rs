//! Definitions that name secrets of the store: whether these are there, may be used, and can be. Looked at when all changes are in, since a
//! secret may come after what names it.

use super::Transition;
use crate::{
    catalog::{
        Compile,
        quarantine::{Cause, Place, Quarantined},
    },
    datasource::Record,
    definition::{
        SecretDefinition, UpstreamDefinition,
        secret::{SecretUser, UsedSecret},
    },
    document::Document,
    key::{Key, Kind, Revision},
    problem::{Problem, Problems},
};
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::SystemTime,
};

/// How a document names a secret of the store.
const REFERENCE: &str = "${secret:";

/// Why secrets cannot be used by anybody; each is looked at once.
type Looked = HashMap<Arc<str>, Option<String>>;

impl<C: Compile> Transition<'_, C> {
    pub(super) fn look_after_secrets(&mut self) {
        let changed = self.others.iter().filter(|key| key.kind == Kind::SECRET);
        let changed: BTreeSet<Arc<str>> = changed.map(|key| key.id.clone()).collect();
        if !changed.is_empty() {
            self.try_again();
            self.add_naming(&changed);
        }
        let mut looked = Looked::new();
        for key in std::mem::take(&mut self.naming) {
            if let Some(problems) = self.wrong_secrets(&key, &mut looked) {
                self.withdraw(&key, problems, &mut looked);
            }
        }
    }

    /// What could not be used for a secret may be good now.
    fn try_again(&mut self) {
        let waiting = self.next.quarantine.values().filter_map(|bad| {
            let Place::Definition(key) = &bad.place else {
                return None;
            };
            let may_name = [Kind::TOOL, Kind::UPSTREAM].contains(&key.kind) && bad.cause == Cause::Document;
            let document = bad.document.as_ref().filter(|_| may_name)?;
            document.as_json().contains(REFERENCE).then(|| Record {
                key: key.clone(),
                revision: bad.revision,
                updated_at: bad.updated_at,
                body: document.to_json().into(),
            })
        });
        let waiting: Vec<Record> = waiting.collect();
        self.put_all(waiting);
    }

    /// Those that are served and name one of these.
    fn add_naming(&mut self, secrets: &BTreeSet<Arc<str>>) {
        for secret in secrets {
            let tools = self.next.index.naming_secrets.of(secret);
            self.naming.extend(tools.cloned().map(Key::tool));
        }
        let upstreams = self.next.documents(Kind::UPSTREAM).into_iter();
        self.naming
            .extend(upstreams.flat_map(|all| all.keys()).cloned().map(Key::upstream));
    }

    /// Everything that is wrong with the secrets of what is to be served; `None` for nothing.
    fn wrong_secrets(&self, key: &Key, looked: &mut Looked) -> Option<Vec<Problem>> {
        if !self.compiler.knows_secrets() {
            return None;
        }
        let (used, document): (Box<[UsedSecret]>, &Document) = if key.kind == Kind::TOOL {
            let entry = self.next.tools.get(&key.id)?;
            (entry.secrets.clone(), &entry.document)
        } else {
            let entry = self.next.documents(key.kind)?.get(&key.id)?;
            (
                entry.definition::<UpstreamDefinition>()?.used_secrets(),
                &entry.document,
            )
        };
        if used.is_empty() {
            return None;
        }
        let owner = document.get("managed_by");
        let owner: Option<String> = owner.and_then(|owner| serde_json::from_str(owner.get()).ok());
        let user = SecretUser {
            kind: key.kind,
            id: &key.id,
            owner: owner.as_deref(),
        };
        let problem = |used: &UsedSecret| {
            let of_all = looked
                .entry(used.name.clone())
                .or_insert_with(|| self.usable_secret(&used.name).err());
            // Who may not use it does not learn whether it can be opened.
            let of_user = self
                .stored_secret(&used.name)
                .and_then(|secret| secret.refuses(user));
            let reason = of_user.or_else(|| of_all.clone())?;
            Some(used.problem(&reason))
        };
        let problems: Vec<Problem> = used.iter().filter_map(problem).collect();
        (!problems.is_empty()).then_some(problems)
    }

    fn stored_secret(&self, name: &str) -> Option<Arc<SecretDefinition>> {
        let entry = self.next.documents(Kind::SECRET)?.get(name)?;
        entry.definition.clone().downcast().ok()
    }

    fn usable_secret(&self, name: &Arc<str>) -> Result<(), String> {
        let Some(secret) = self.stored_secret(name) else {
            let is_bad = self.next.quarantined(&Key::secret(name.clone())).is_some();
            return Err(match is_bad {
                true => "cannot be read as it is stored: its document is in quarantine".to_owned(),
                false => format!("is not there: no secret `{name}` is stored"),
            });
        };
        self.compiler.check_secret(&secret)
    }

    /// It goes to the quarantine, and what was good before it stays, where that still is.
    fn withdraw(&mut self, key: &Key, problems: Vec<Problem>, looked: &mut Looked) {
        let Some((document, revision, updated_at)) = self.served(key) else {
            return;
        };
        self.put_back(key);
        let before = self.served(key).filter(|(_, before, _)| *before != revision);
        let is_good = before.is_some() && self.wrong_secrets(key, looked).is_none();
        if !is_good {
            self.take_out(key);
        }
        let known = self.next.quarantined(key);
        if known.is_some_and(|newer| newer.cause == Cause::Document && newer.revision > revision) {
            return;
        }
        let problems = Problems(problems);
        let entry = Quarantined {
            place: Place::Definition(key.clone()),
            revision,
            updated_at,
            cause: Cause::Document,
            reason: problems.to_string(),
            at: self.at,
            serving_revision: before.filter(|_| is_good).map(|(_, before, _)| before),
            document: Some(document),
            problems: problems.0,
        };
        // It came in once more, and is as it was.
        if let Some(known) = self.base.quarantined(key).filter(|known| known.is_same(&entry)) {
            let known = known.clone();
            self.next.quarantine.insert(known.place.clone(), known);
            return;
        }
        self.quarantine(entry);
    }

    fn served(&self, key: &Key) -> Option<(Document, Revision, Option<SystemTime>)> {
        let entry = self.next.entries(key.kind)?.entry(&key.id)?;
        let served = entry.served();
        Some((served.document.clone(), served.revision, served.updated_at))
    }

    /// The version that was served before this transition.
    fn put_back(&mut self, key: &Key) {
        if key.kind == Kind::TOOL {
            if let Some(before) = self.base.tools.get(&key.id).cloned() {
                self.tool(before);
            }
            return;
        }
        let before = self.base.documents(key.kind).and_then(|all| all.get(&key.id));
        if let Some(before) = before.cloned() {
            let of_kind = self.next.others.entry(key.kind).or_default();
            of_kind.insert(key.id.clone(), before);
        }
    }

    fn take_out(&mut self, key: &Key) {
        if key.kind == Kind::TOOL {
            return self.delete_tool(&key.id);
        }
        if let Some(of_kind) = self.next.others.get_mut(&key.kind) {
            of_kind.remove(&key.id);
        }
        self.others.insert(key.clone());
    }
}
