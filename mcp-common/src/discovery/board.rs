//! What all sources have found, read as definitions, and joined with what is stored.

use super::{Announced, FoundUpstream, NotSeen, Set, SourceReport, SourceSettings};
use crate::{
    definition::{
        Read, UpstreamDefinition,
        upstream::{PRIORITY, UpstreamAuth},
    },
    document::Document,
    key::Definition,
    problem::Problems,
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

/// What is listed of a set at the most.
const MOST_SAID: usize = 100;

/// Whether a definition that can be read can be used.
pub type Check = Arc<dyn Fn(&Definition) -> Result<(), Problems> + Send + Sync>;
/// Hears which upstreams are new, other ones or gone.
pub type Listener = Arc<dyn Fn(&BTreeSet<Arc<str>>) + Send + Sync>;

/// What all sources of a gateway have found.
pub struct Board {
    check: Check,
    sources: Mutex<Vec<Source>>,
    listeners: Mutex<Vec<Listener>>,
}

struct Source {
    /// What it is known by.
    id: usize,
    settings: SourceSettings,
    /// Its settings were other ones when it looked last: what it finds is read anew, and what cannot be used now goes.
    is_renewed: bool,
    found: BTreeMap<Arc<str>, Found>,
    skipped: Vec<(String, String)>,
    notes: Vec<String>,
    problem: Option<String>,
    /// Why nothing of the set that is there is taken. That is so until there is another set, whatever happens to the source meanwhile.
    refused: Option<String>,
    seen_at: Option<SystemTime>,
    looks: u64,
    failures: u64,
}

/// An entry as a definition, its document, and what its author should know.
type Usable = (Arc<UpstreamDefinition>, Document, Vec<String>);

struct Found {
    definition: Arc<UpstreamDefinition>,
    document: Document,
    since: SystemTime,
    hidden_by: Option<String>,
}

impl Board {
    /// Nothing is found yet. A source is known by its place in this list; where two find the same id, the first one has it.
    pub fn new(sources: Vec<SourceSettings>, check: Check) -> Self {
        let sources = sources.into_iter().enumerate();
        Self {
            check,
            sources: Mutex::new(sources.map(|(id, settings)| Source::new(id, settings)).collect()),
            listeners: Mutex::default(),
        }
    }

    /// From now on there are these, in this order, and known by these numbers. What one of the same name has found stays until it is looked for again; what was found by
    /// others goes, and what they still say is not heard any more.
    pub fn arrange(&self, sources: Vec<(usize, SourceSettings)>) {
        let mut known = lock(&self.sources);
        let mut before = std::mem::take(&mut *known);
        let ids = |sources: &[Source]| -> BTreeSet<Arc<str>> {
            sources
                .iter()
                .flat_map(|source| source.found.keys().cloned())
                .collect()
        };
        let mut changed = ids(&before);
        for (id, settings) in sources {
            let place = before
                .iter()
                .position(|source| source.settings.name == settings.name);
            let source = match place.map(|place| before.swap_remove(place)) {
                Some(source) => source.renewed(id, settings),
                None => Source::new(id, settings),
            };
            known.push(source);
        }
        changed.extend(ids(&known));
        drop(known);
        self.tell(&changed);
    }

    fn tell(&self, changed: &BTreeSet<Arc<str>>) {
        if changed.is_empty() {
            return;
        }
        let listeners = lock(&self.listeners).clone();
        for listener in listeners {
            listener(changed);
        }
    }

    /// Calls the listener whenever something else is found. It may ask this board.
    pub fn subscribe(&self, listener: Listener) {
        lock(&self.listeners).push(listener);
    }

    /// A source has looked, and everything is as it was.
    pub fn same(&self, source: usize) {
        let mut sources = lock(&self.sources);
        let Some(source) = find(&mut sources, source) else {
            return;
        };
        source.looks += 1;
        source.seen_at = Some(SystemTime::now());
        match source.refused.clone() {
            Some(refusal) => source.has(refusal),
            None => source.recovers(),
        }
    }

    /// A source saw nothing; what it found before stays.
    pub fn failed(&self, source: usize, error: &NotSeen) {
        let mut sources = lock(&self.sources);
        let Some(source) = find(&mut sources, source) else {
            return;
        };
        source.looks += 1;
        source.fails(error.to_string());
    }

    /// Takes over what a source has found. What of it cannot be used is left out, and what was good of it before stays.
    pub fn take(&self, source: usize, set: Set) {
        let mut sources = lock(&self.sources);
        let Some(source) = find(&mut sources, source) else {
            return;
        };
        source.looks += 1;
        source.refused = source.refusal(&set);
        if let Some(refusal) = source.refused.clone() {
            source.fails(refusal);
            return;
        }
        source.seen_at = Some(SystemTime::now());
        source.recovers();
        let changed = source.replace(set, &self.check);
        drop(sources);
        self.tell(&changed);
    }

    /// Whether a source could find this.
    pub fn examine(&self, source: usize, id: &str, document: Value) -> Result<(), String> {
        let mut sources = lock(&self.sources);
        let source = find(&mut sources, source).ok_or("there is no such discovery")?;
        source.read(&id.into(), document, None, &self.check).map(drop)
    }

    /// What is stored and what is found, together. What is stored (whether or not it can be used) has its id for itself, and whoever is hidden by that is told of.
    pub fn join(
        &self,
        stored: Vec<Arc<UpstreamDefinition>>,
        is_stored: impl Fn(&str) -> bool,
    ) -> Vec<Arc<UpstreamDefinition>> {
        let mut all = stored;
        let mut taken: BTreeMap<Arc<str>, Arc<str>> = BTreeMap::new();
        for Source { settings, found, .. } in lock(&self.sources).iter_mut() {
            for (id, found) in found {
                let hidden_by = match taken.get(id) {
                    _ if is_stored(id) => Some("a stored document".to_owned()),
                    Some(other) => Some(format!("the discovery `{other}`")),
                    None => None,
                };
                if found.hidden_by != hidden_by
                    && let Some(who) = &hidden_by
                {
                    let (upstream, discovery) = (&**id, &*settings.name);
                    tracing::warn!(
                        upstream,
                        discovery,
                        "an upstream that was found is not used: its id is that of {who}"
                    );
                }
                if hidden_by.is_none() {
                    taken.insert(id.clone(), settings.name.clone());
                    all.push(found.definition.clone());
                }
                found.hidden_by = hidden_by;
            }
        }
        all
    }

    /// How all sources are doing.
    pub fn reports(&self) -> Vec<SourceReport> {
        let sources = lock(&self.sources);
        let report = |source: &Source| SourceReport {
            name: source.settings.name.clone(),
            kind: source.settings.kind.clone(),
            upstreams: source.found.iter().map(|(id, found)| found.report(id)).collect(),
            skipped: source.skipped.clone(),
            notes: source.notes.clone(),
            problem: source.problem.clone(),
            seen_at: source.seen_at,
            looks: source.looks,
            failures: source.failures,
        };
        sources.iter().map(report).collect()
    }
}

fn find(sources: &mut [Source], id: usize) -> Option<&mut Source> {
    sources.iter_mut().find(|source| source.id == id)
}

impl Source {
    fn new(id: usize, settings: SourceSettings) -> Self {
        Self {
            id,
            settings,
            is_renewed: false,
            found: BTreeMap::new(),
            skipped: Vec::new(),
            notes: Vec::new(),
            problem: None,
            refused: None,
            seen_at: None,
            looks: 0,
            failures: 0,
        }
    }

    /// The same one with other settings, or with the same.
    fn renewed(mut self, id: usize, settings: SourceSettings) -> Self {
        if self.id == id {
            return self;
        }
        if self.settings.trust && !settings.trust {
            // What strangers may not have goes at once.
            self.found.clear();
        }
        (self.id, self.settings, self.is_renewed, self.refused) = (id, settings, true, None);
        self
    }

    fn fails(&mut self, problem: String) {
        self.failures += 1;
        self.has(problem);
    }

    fn has(&mut self, problem: String) {
        if self.problem.as_ref() != Some(&problem) {
            let discovery = &*self.settings.name;
            tracing::warn!(
                discovery,
                problem,
                upstreams = self.found.len(),
                "a discovery fails; what it found before stays"
            );
        }
        self.problem = Some(problem);
    }

    fn recovers(&mut self) {
        if self.problem.take().is_some() {
            tracing::info!(discovery = &*self.settings.name, "a discovery works again");
        }
    }

    /// Why nothing of a set is taken.
    fn refusal(&self, set: &Set) -> Option<String> {
        let (count, most) = (set.upstreams.len(), self.settings.max_servers);
        if count > most {
            return Some(format!(
                "the set is refused: it has {count} upstreams, at most {most} are taken (max_servers)"
            ));
        }
        // What another place had says nothing of this one.
        let was_here = !self.found.is_empty() && !self.is_renewed;
        let is_gone = count == 0 && was_here && !self.settings.allow_empty;
        is_gone.then(|| {
            format!(
                "the set is refused: it is empty, and the {} that were there stay (allow_empty = true takes them away)",
                self.found.len()
            )
        })
    }

    /// What is new, another one, or gone.
    fn replace(&mut self, set: Set, check: &Check) -> BTreeSet<Arc<str>> {
        let mut before = std::mem::take(&mut self.found);
        let (mut skipped, mut notes) = (Vec::new(), set.notes);
        let mut changed = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let is_renewed = std::mem::take(&mut self.is_renewed);
        for Announced { id, document } in set.upstreams {
            let id: Arc<str> = id.into();
            if !seen.insert(id.clone()) {
                skipped.push((
                    id.to_string(),
                    "is there twice; the first one is taken".to_owned(),
                ));
                continue;
            }
            let known = before.remove(&id);
            let read = document
                .and_then(|document| self.read(&id, document, known.as_ref().filter(|_| !is_renewed), check));
            match read {
                Ok(None) => self.found.extend(known.map(|known| (id, known))),
                Ok(Some((definition, document, warnings))) => {
                    changed.insert(id.clone());
                    notes.extend(warnings.into_iter().map(|warning| format!("{id}: {warning}")));
                    let since = known.map_or_else(SystemTime::now, |known| known.since);
                    let found = Found {
                        definition,
                        document,
                        since,
                        hidden_by: None,
                    };
                    self.found.insert(id, found);
                }
                Err(reason) => {
                    skipped.push((id.to_string(), reason));
                    match known {
                        Some(_) if is_renewed => _ = changed.insert(id),
                        known => self.found.extend(known.map(|known| (id, known))),
                    }
                }
            }
        }
        changed.extend(before.keys().cloned());
        for id in before.keys() {
            tracing::info!(
                upstream = &**id,
                discovery = &*self.settings.name,
                "an upstream is not found any more"
            );
        }
        skipped.truncate(MOST_SAID);
        notes.truncate(MOST_SAID);
        for (id, reason) in skipped.iter().filter(|skipped| !self.skipped.contains(skipped)) {
            tracing::warn!(
                discovery = &*self.settings.name,
                entry = id,
                reason,
                "an entry of a discovery cannot be used"
            );
        }
        for note in notes.iter().filter(|note| !self.notes.contains(note)) {
            tracing::warn!(discovery = &*self.settings.name, note);
        }
        (self.skipped, self.notes) = (skipped, notes);
        changed
    }

    /// What an entry is as a definition; `None` where it is what is known.
    fn read(
        &self,
        id: &Arc<str>,
        mut document: Value,
        known: Option<&Found>,
        check: &Check,
    ) -> Result<Option<Usable>, String> {
        if !self.settings.trust
            && document
                .pointer("/tools/group")
                .is_some_and(|group| !group.is_null())
        {
            return Err(
                "it would stand in for others (`tools.group`), which only a discovery with `trust = true` may; `tools_group` of the discovery \
                 says it for all that is found there"
                    .to_owned(),
            );
        }
        self.dress(&mut document);
        let document = Document::take(document.to_string().into()).map_err(|problem| problem.to_string())?;
        if known.is_some_and(|known| known.document.as_json() == document.as_json()) {
            return Ok(None);
        }
        let Read {
            mut definition,
            warnings,
        } = UpstreamDefinition::read(id, &document).map_err(|problems| problems.to_string())?;
        if !self.settings.trust {
            let what = match definition.references().next() {
                _ if definition.command.is_some() => Some("start a program"),
                _ if definition.health.named_probe().is_some() => {
                    Some("have its endpoints asked by a program")
                }
                Some(_) => Some("refer to secrets"),
                None => None,
            };
            if let Some(what) = what {
                return Err(format!(
                    "it would {what}, which only a discovery with `trust = true` may"
                ));
            }
        }
        if definition
            .auth
            .as_ref()
            .is_some_and(UpstreamAuth::believes_its_server)
        {
            let reason = "auth.issuer: is missing: what is found where a discovery looks could name an authorization server of its own, which would see the client's secret";
            return Err(reason.to_owned());
        }
        // They say who may name them, and nobody looks at that here.
        if let Some(used) = definition.used_secrets().first() {
            return Err(format!(
                "{}: names a secret of the store (`${{secret:{}}}`), which only stored definitions may",
                used.place, used.name
            ));
        }
        definition.origin = Some(self.settings.name.clone());
        let definition = Arc::new(definition);
        let as_any: Definition = definition.clone();
        check(&as_any).map_err(|problems| problems.to_string())?;
        Ok(Some((definition, document, warnings)))
    }

    /// Adds what the configuration says of everything that is found here. Who is not trusted goes behind what is stored with the usual priority, in the order
    /// that they say, and takes no name from it.
    fn dress(&self, document: &mut Value) {
        let Some(members) = document.as_object_mut() else {
            return;
        };
        if !self.settings.trust {
            let said = members
                .get("priority")
                .map_or(Some(PRIORITY.into()), Value::as_u64)
                .and_then(|said| u32::try_from(said).ok());
            // What is no place is refused as it is written.
            if let Some(said) = said {
                members.insert("priority".to_owned(), said.saturating_add(PRIORITY + 1).into());
            }
        }
        if !self.settings.tags.is_empty() {
            let tags = members.entry("tags").or_insert_with(|| json!([]));
            if let Some(tags) = tags.as_array_mut() {
                let own = self.settings.tags.iter().map(|tag| Value::from(&**tag));
                let missing: Vec<Value> = own.filter(|tag| !tags.contains(tag)).collect();
                tags.extend(missing);
            }
        }
        let is_http = members.get("protocol").is_some_and(|protocol| protocol == "http");
        if let (Some(group), false) = (&self.settings.tools_group, is_http) {
            let tools = members.entry("tools").or_insert_with(|| json!({}));
            if let Some(tools) = tools.as_object_mut() {
                tools.insert("group".to_owned(), group.clone().into());
            }
        }
        if let (Some(prefix), false) = (&self.settings.tools_prefix, is_http) {
            let tools = members.entry("tools").or_insert_with(|| json!({}));
            if let Some(tools) = tools.as_object_mut() {
                tools.entry("prefix").or_insert_with(|| prefix.clone().into());
            }
        }
    }
}

impl Found {
    fn report(&self, id: &Arc<str>) -> FoundUpstream {
        FoundUpstream {
            id: id.clone(),
            document: self.document.clone(),
            since: self.since,
            hidden_by: self.hidden_by.clone(),
        }
    }
}

impl fmt::Debug for Board {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(lock(&self.sources).iter().map(|source| &source.settings.name))
            .finish()
    }
}

/// A panic elsewhere does not make these wrong.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
