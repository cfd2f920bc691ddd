//! All upstreams: one supervisor for each definition that is there and switched on.

mod anew;
mod orders;

use super::{
    call::RemoteCall,
    drift::Drift,
    error::UpstreamError,
    inventory::{self, Inventory, Shelf},
    logins::over_http,
    remote::{Lasting, Remote},
    settings::HubSettings,
    status::Status,
    stdio::{LogLine, ProgramCounts, Programs},
    supervisor::Supervisor,
    watched::Watching,
};
use crate::{
    egress::EgressSettings,
    fleet::{EndpointStatus, Fleets, QueueStatus},
    oauth::Present,
    relay::Updates,
};
use arc_swap::{ArcSwap, ArcSwapOption};
use bytes::Bytes;
use mcp_common::{
    definition::{
        UpstreamDefinition,
        upstream::{PinMode, UpstreamProtocol, UpstreamTransport},
    },
    tasks::{Ends, Tasks},
};
use serde_json::json;
use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::runtime::Handle;
use tokio_util::{
    sync::CancellationToken,
    task::{AbortOnDropHandle, TaskTracker},
};

/// The name of supervisors among background tasks.
pub const TASK: &str = "upstream";

/// The name of probes of endpoints among background tasks.
pub const PROBES: &str = "endpoint_probes";

/// How long a client waits for the server's answer to a subscription.
const SUBSCRIBING: Duration = Duration::from_secs(3);

type Remotes = BTreeMap<Arc<str>, Arc<Remote>>;
type Listener = Arc<dyn Fn(&str) + Send + Sync>;

/// Owns every connection to upstreams, and every program.
pub struct Hub {
    settings: ArcSwap<HubSettings>,
    /// By which URL browsers reach the gateway, as far as it is known.
    pub(super) base: ArcSwapOption<String>,
    shelf: Arc<Shelf>,
    programs: Arc<Programs>,
    fleets: Fleets,
    /// Where supervisors run, and everything else that outlives a call, whoever asks.
    runtime: Handle,
    remotes: Arc<ArcSwap<Remotes>>,
    /// Held while definitions change.
    changing: Mutex<()>,
    changes: Arc<Changes>,
    tasks: Tasks,
    supervisors: TaskTracker,
    /// All of it ends, and waits for no call.
    halt: CancellationToken,
}

/// Who hears of changes, and how many there were.
#[derive(Default)]
struct Changes {
    epoch: AtomicU64,
    listeners: Mutex<Vec<Listener>>,
}

/// What an upstream offers, and under which definition.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The definition.
    pub definition: Arc<UpstreamDefinition>,
    /// The last inventory; `None` before the first.
    pub inventory: Option<Arc<Inventory>>,
}

/// What a connection of its own came to.
#[derive(Debug)]
pub struct Checked {
    /// What is offered.
    pub inventory: Inventory,
    /// How long it took until it was known how the server speaks.
    pub handshake: Duration,
    /// How long the lists took.
    pub list: Duration,
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.remotes.load().keys()).finish()
    }
}

impl Hub {
    /// A hub without upstreams. Everything runs on this runtime; supervisors are among these tasks, as [`TASK`].
    pub fn new(settings: HubSettings, tasks: Tasks, runtime: Handle) -> Arc<Self> {
        Arc::new(Self {
            shelf: Arc::new(Shelf::new(settings.kept_in.clone())),
            programs: Programs::new(&settings),
            fleets: Fleets::telling(settings.events.clone(), settings.probes.clone()),
            settings: ArcSwap::from_pointee(settings),
            base: ArcSwapOption::empty(),
            runtime,
            remotes: Arc::default(),
            changing: Mutex::new(()),
            changes: Arc::default(),
            tasks,
            supervisors: TaskTracker::new(),
            halt: CancellationToken::new(),
        })
    }

    /// Calls the listener with the id of each upstream whose definition or inventory is another one from now on. It must be
    /// quick.
    pub fn subscribe(&self, listener: Listener) {
        lock(&self.changes.listeners).push(listener);
    }

    /// Takes over what is defined now, of which only MCP servers are its concern. Upstreams that are not among these end; nobody waits for those that are new.
    pub fn define(&self, definitions: impl Iterator<Item = Arc<UpstreamDefinition>>) {
        self.define_of(definitions, &|_| false);
    }

    /// The same, where there may be documents that cannot be used now: `is_stored` says whether there is one of an id. What is kept of these is.
    pub fn define_of(
        &self,
        definitions: impl Iterator<Item = Arc<UpstreamDefinition>>,
        is_stored: &dyn Fn(&str) -> bool,
    ) {
        let changing = lock(&self.changing);
        let before = self.remotes.load_full();
        let mut after = Remotes::new();
        let mut changed: Vec<Arc<str>> = Vec::new();
        let definitions: Vec<_> = definitions.collect();
        // Also of those that are switched off: a login is to be there when they are switched on again.
        let present: Vec<_> = definitions.iter().flat_map(|one| servers(one)).collect();
        self.settings.load().accounts.keep_only(&present, is_stored);
        let servers = definitions
            .iter()
            .filter(|definition| definition.enabled && definition.protocol == UpstreamProtocol::Mcp)
            .cloned();
        for definition in servers {
            let id = definition.id.clone();
            let known = before.get(&id);
            let remote = match known {
                Some(known) if Arc::ptr_eq(&known.shown(), &definition) => known.clone(),
                // What is said or shown of it is no reason to connect anew.
                Some(known) if known.definition.connects_like(&definition) => {
                    known.show(definition);
                    changed.push(id.clone());
                    known.clone()
                }
                known => {
                    changed.push(id.clone());
                    self.supervise(definition, known)
                }
            };
            after.insert(id, remote);
        }
        changed.extend(before.keys().filter(|id| !after.contains_key(*id)).cloned());
        let is_kept =
            |id: &Arc<str>, remote: &Arc<Remote>| after.get(id).is_some_and(|kept| Arc::ptr_eq(kept, remote));
        let given_up = before.iter().filter(|(id, remote)| !is_kept(id, remote));
        let given_up: Vec<_> = given_up.map(|(_, remote)| remote.clone()).collect();
        let tell = |kind, (id, remote): (&Arc<str>, &Arc<Remote>)| {
            let origin = remote.shown().origin.clone();
            let members = json!({"upstream": id, "kind": "mcp", "origin": origin});
            self.settings.load().events.tell(kind, members);
        };
        let (new, gone) = (
            after.iter().filter(|(id, _)| !before.contains_key(*id)),
            before.iter().filter(|(id, _)| !after.contains_key(*id)),
        );
        new.for_each(|entry| tell("upstream.discovered", entry));
        gone.for_each(|entry| tell("upstream.removed", entry));
        self.shelf.keep_only(&after.keys().map(|id| &**id).collect());
        self.programs.keep(|id| after.contains_key(id));
        self.remotes.store(Arc::new(after));
        // After that: whoever finds one that takes no calls any more finds the next one.
        for gone in given_up {
            gone.give_up();
        }
        drop(changing);
        for id in changed {
            self.changes.tell(&id);
        }
    }

    /// Takes over what may be reached and started, and how large results may be. Connections to servers with an address are made anew where that
    /// is something else, so that none goes on that would not be allowed any more; so do programs whose command is allowed now, or was.
    pub fn adopt(&self, egress: EgressSettings, stdio_allow: Vec<String>, max_result_bytes: u64) {
        let changing = lock(&self.changing);
        let before = self.settings.load_full();
        let is_other_egress = before.egress != egress;
        let is_concerned = |definition: &UpstreamDefinition| match definition.command.as_deref() {
            Some(command) if definition.transport() == UpstreamTransport::Stdio => {
                let is_in = |allowed: &[String]| allowed.iter().any(|one| one == command);
                is_in(&before.stdio_allow) != is_in(&stdio_allow)
            }
            _ => is_other_egress,
        };
        before.probes.allow(stdio_allow.clone());
        let mut remotes = Remotes::clone(&self.remotes.load());
        let concerned: Vec<Arc<str>> = remotes
            .iter()
            .filter(|(_, remote)| is_concerned(&remote.definition))
            .map(|(id, _)| id.clone())
            .collect();
        self.settings.store(Arc::new(HubSettings {
            egress,
            stdio_allow,
            max_result_bytes,
            ..(*before).clone()
        }));
        let mut given_up = Vec::new();
        for id in concerned {
            if let Some(remote) = remotes.get_mut(&id) {
                let anew = self.supervise(remote.shown(), Some(remote));
                given_up.push(std::mem::replace(remote, anew));
            }
        }
        self.remotes.store(Arc::new(remotes));
        drop(changing);
        for remote in given_up {
            remote.give_up_at_once();
            self.changes.tell(&remote.definition.id);
        }
    }

    fn supervise(&self, definition: Arc<UpstreamDefinition>, before: Option<&Arc<Remote>>) -> Arc<Remote> {
        let kept = match before {
            Some(before) => before.known(),
            // Read at once: whoever asks from now on gets the whole list.
            None => self.shelf.find(&definition).unwrap_or_default(),
        };
        let lasting = Lasting {
            home: self.runtime.clone(),
            halt: self.halt.clone(),
            events: self.settings.load().events.clone(),
            programs: self.programs.clone(),
            fleet: definition
                .is_fleet()
                .then(|| Arc::new(self.fleets.fleet(&definition))),
        };
        let (remote, orders) = Remote::new(definition, before.map(|before| &**before), kept, lasting);
        let changes = self.changes.clone();
        let supervisor = Arc::new(Supervisor {
            remote: remote.clone(),
            settings: self.settings.load_full(),
            shelf: self.shelf.clone(),
            changed: Box::new(move |id| changes.tell(id)),
        });
        let orders = Arc::new(tokio::sync::Mutex::new(orders));
        let make = move || {
            let (supervisor, orders) = (supervisor.clone(), orders.clone());
            async move { supervisor.run(&mut *orders.lock().await).await }
        };
        let supervised = self.tasks.supervise(TASK, Ends::ByItself, make);
        self.supervisors.spawn_on(supervised, &self.runtime);
        self.probe_endpoints(&remote);
        remote
    }

    /// Probes its endpoints, where its document wants it, until it is not wanted any more.
    fn probe_endpoints(&self, remote: &Arc<Remote>) {
        if remote.fleet.is_none() || !remote.definition.health.enabled {
            return;
        }
        let (remote, settings) = (remote.clone(), self.settings.load_full());
        let make = move || {
            let (remote, settings) = (remote.clone(), settings.clone());
            async move {
                tokio::select! {
                    () = remote.stop.cancelled() => {}
                    () = remote.watch_endpoints(&settings) => {}
                }
            }
        };
        let supervised = self.tasks.supervise(PROBES, Ends::ByItself, make);
        self.supervisors.spawn_on(supervised, &self.runtime);
    }

    /// What an upstream offers; `None` if there is none of this id.
    pub fn offer(&self, id: &str) -> Option<Offer> {
        let remotes = self.remotes.load();
        let remote = remotes.get(id)?;
        Some(Offer {
            definition: remote.shown(),
            inventory: remote.inventory.load_full(),
        })
    }

    /// How many bytes of text, and of structured content, a result of this upstream's tools has at the most.
    pub fn max_result_bytes(&self, definition: &UpstreamDefinition) -> usize {
        let own = definition.limits.max_result_bytes;
        let most = own.map_or_else(|| self.settings.load().max_result_bytes, |own| own.0);
        usize::try_from(most).unwrap_or(usize::MAX)
    }

    /// A number that is another one as soon as any upstream offers something else.
    pub fn epoch(&self) -> u64 {
        self.changes.epoch.load(Ordering::Acquire)
    }

    /// The ids of all upstreams that are switched on.
    pub fn ids(&self) -> Vec<Arc<str>> {
        self.remotes.load().keys().cloned().collect()
    }

    /// How an upstream is doing.
    pub fn status(&self, id: &str) -> Option<Status> {
        Some(self.remotes.load().get(id)?.status())
    }

    /// How its endpoints are doing; `None` if there is no upstream of this id, or if it has only one address.
    pub fn endpoints(&self, id: &str) -> Option<Vec<EndpointStatus>> {
        Some(self.remotes.load().get(id)?.fleet.as_ref()?.status())
    }

    /// How many calls wait for it.
    pub fn queue(&self, id: &str) -> Option<QueueStatus> {
        Some(self.remotes.load().get(id)?.queue())
    }

    /// Its tools that are other ones than those that were approved.
    pub fn drift(&self, id: &str) -> Option<Vec<Drift>> {
        Some(self.remotes.load().get(id)?.drift())
    }

    /// How many these are, where somebody wants to hear of them.
    pub fn drifted(&self, id: &str) -> usize {
        let remotes = self.remotes.load();
        let remote = remotes
            .get(id)
            .filter(|remote| remote.shown().pin.mode != PinMode::Off);
        remote.map_or(0, |remote| remote.drift().len())
    }

    /// What its program wrote beside messages.
    pub fn logs(&self, id: &str) -> Option<Vec<LogLine>> {
        Some(self.remotes.load().get(id)?.log.lines())
    }

    /// How many programs of it run, and how often they were started again; `None` for what never had one.
    pub fn programs(&self, id: &str) -> Option<ProgramCounts> {
        self.remotes.load().get(id)?;
        self.programs.counts(id)
    }

    /// How often a call was made again, in another session or at another endpoint.
    pub fn retries(&self, id: &str) -> Option<u64> {
        Some(self.remotes.load().get(id)?.retries.load(Ordering::Relaxed))
    }

    /// Passes a request on, over connections of the runtime that asks; the result is what the server wrote. Dropping the future gives the
    /// call up.
    pub async fn call(&self, upstream: &str, call: RemoteCall) -> Result<Bytes, UpstreamError> {
        // One that takes none any more has had its place taken, if there is another one.
        let begun = (0..2).find_map(|_| {
            let remote = self.remotes.load().get(upstream)?.clone();
            remote.begin().map(|under_way| (remote, under_way))
        });
        let Some((remote, _under_way)) = begun else {
            let text = "it is not defined any more, or switched off".to_owned();
            return Err(UpstreamError::NotConnected(text));
        };
        let settings = self.settings.load_full();
        remote.call(&call, &settings).await
    }

    /// Tells of changes of a resource until the answer is dropped; `None` where the server does not.
    pub async fn watch(&self, upstream: &str, uri: &Arc<str>, updates: Arc<Updates>) -> Option<Watching> {
        let remote = self.remotes.load().get(upstream)?.clone();
        let tells = remote.inventory.load().as_ref()?.features.subscriptions;
        // It is told to the gateway, and what callers may see is known by their accounts alone.
        if !tells || remote.definition.is_used_in_names_of_callers() {
            return None;
        }
        let mut watching = remote.watched.add(uri, updates)?;
        let is_refused = watching.is_refused(SUBSCRIBING).await;
        (!is_refused).then_some(watching)
    }

    pub(super) fn settings(&self) -> Arc<HubSettings> {
        self.settings.load_full()
    }

    pub(super) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// Connects beside the connection that is in use, and says how long each step took.
    pub async fn check(&self, id: &str) -> Option<Result<Checked, UpstreamError>> {
        let remote = self.remotes.load().get(id)?.clone();
        let settings = self.settings.load_full();
        let checking = async move {
            let begun = Instant::now();
            let session = remote.open_beside(&settings).await?;
            let handshake = begun.elapsed();
            let fetched = inventory::fetch(&remote.definition, &session).await;
            let list = begun.elapsed() - handshake;
            session.close().await;
            let inventory = fetched?;
            Ok(Checked {
                inventory,
                handshake,
                list,
            })
        };
        let checking = AbortOnDropHandle::new(self.runtime.spawn(checking));
        let panicked = |_| {
            Err(UpstreamError::Ended(
                "the check ended in an internal error".to_owned(),
            ))
        };
        Some(checking.await.unwrap_or_else(panicked))
    }

    /// Ends all connections and programs; supervisors end when nothing of theirs is left.
    pub fn stop(&self) {
        self.halt.cancel();
        for remote in self.remotes.load().values() {
            remote.stop.cancel();
        }
    }

    /// The same, and waits until nothing of them is left.
    pub async fn close(&self) {
        self.stop();
        self.supervisors.close();
        self.supervisors.wait().await;
    }
}

impl Changes {
    /// The number first: whoever sees the old one still hears of it.
    fn tell(&self, id: &str) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
        let listeners = lock(&self.listeners).clone();
        for listener in listeners {
            listener(id);
        }
    }
}

/// Those that may have tokens of their own.
fn servers(definition: &UpstreamDefinition) -> impl Iterator<Item = Present<'_>> {
    let all = definition.endpoints.iter().map(|endpoint| &endpoint.url);
    let urls = all.chain(&definition.url).map(|url| over_http(url));
    urls.map(move |url| Present {
        id: &definition.id,
        url,
        is_found: definition.origin.is_some(),
    })
}

/// A panic elsewhere does not make these wrong.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
