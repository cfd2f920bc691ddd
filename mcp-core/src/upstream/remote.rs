//! One upstream as calls and lists see it: its definition, its last inventory, its connection if there is one.

mod calls;

use super::{
    asked::{Role, Whose},
    authorization::Authorization,
    clients::Clients,
    drift::{Drift, drift},
    error::UpstreamError,
    inventory::{Inventory, Kept, RemoteTool, Shelf},
    keeper::Keeper,
    news::{News, Purpose},
    replicas::Replicas,
    session::{Owned, Session},
    settings::HubSettings,
    status::{Status, StatusCell},
    stdio::{Log, Programs},
    supervisor::Order,
    watched::Watched,
};
use crate::{
    fleet::{Fleet, QueueStatus, queue_rule},
    live::{Bulkhead, Turns},
    relay::ClientCan,
};
use arc_swap::{ArcSwap, ArcSwapOption};
use mcp_common::{
    definition::{
        UpstreamDefinition,
        upstream::{PinMode, UpstreamSessions},
    },
    events::Events,
};
use serde_json::json;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, atomic::AtomicU64},
};
use tokio::{
    runtime::Handle,
    sync::{Notify, mpsc, watch},
};
use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};

/// How many tools one event names.
const MOST_NAMED: usize = 100;

/// What outlives connections, and is the hub's.
pub(super) struct Lasting {
    /// Where everything runs that outlives a call.
    pub(super) home: Handle,
    /// Calls under way are not waited for any more.
    pub(super) halt: CancellationToken,
    /// Where it is told how upstreams are doing.
    pub(super) events: Events,
    /// All programs of the gateway.
    pub(super) programs: Arc<Programs>,
    /// Its endpoints, where it has several.
    pub(super) fleet: Option<Arc<Fleet>>,
}

/// One upstream.
pub(super) struct Remote {
    /// What its connections are made of.
    pub(super) definition: Arc<UpstreamDefinition>,
    home: Handle,
    events: Events,
    /// What is shown of it: the newest definition that connects like the other.
    shown: ArcSwap<UpstreamDefinition>,
    pub(super) inventory: ArcSwapOption<Inventory>,
    /// Tools as they were when they were approved, as far as this gateway has seen them.
    approved: Mutex<BTreeMap<Arc<str>, Arc<RemoteTool>>>,
    pub(super) status: StatusCell,
    /// What of it goes to disk.
    pub(super) keeper: Keeper,
    programs: Arc<Programs>,
    pub(super) fleet: Option<Arc<Fleet>>,
    pub(super) log: Arc<Log>,
    /// What clients want to hear of.
    pub(super) watched: Arc<Watched>,
    pub(super) orders: mpsc::Sender<Order>,
    /// Ends its supervisor.
    pub(super) stop: CancellationToken,
    /// Calls, which may end when it is not wanted any more.
    under_way: TaskTracker,
    /// They may not.
    at_once: CancellationToken,
    /// Sessions of single clients.
    pub(super) clients: Clients,
    /// The server told on any connection that a list changed.
    pub(super) changed: Arc<Notify>,
    /// What accounts of callers are used with.
    pub(super) own: OnceLock<Authorization>,
    /// How often a call was made again.
    pub(super) retries: Arc<AtomicU64>,
    session: watch::Sender<Option<Arc<Session>>>,
    places: Bulkhead,
}

impl Remote {
    /// `before` is the same upstream with an earlier definition; what is `known` of it stays until there is another inventory.
    pub(super) fn new(
        definition: Arc<UpstreamDefinition>,
        before: Option<&Self>,
        known: Kept,
        lasting: Lasting,
    ) -> (Arc<Self>, mpsc::Receiver<Order>) {
        let (orders, inbox) = mpsc::channel(8);
        let limits = &definition.limits;
        let turns: Arc<Turns> = before.map_or_else(Arc::default, |before| before.places.turns.clone());
        let places = Bulkhead::new(limits.concurrency as usize, queue_rule(limits), turns);
        let remote = Arc::new(Self {
            places,
            inventory: ArcSwapOption::new(known.inventory),
            approved: Mutex::new(
                known
                    .approved
                    .into_iter()
                    .map(|tool| (tool.name.clone(), tool))
                    .collect(),
            ),
            programs: lasting.programs,
            fleet: lasting.fleet,
            log: before.map_or_else(Arc::default, |before| before.log.clone()),
            watched: before.map_or_else(Arc::default, |before| before.watched.clone()),
            status: StatusCell::telling(definition.id.clone(), lasting.events.clone()),
            home: lasting.home,
            events: lasting.events,
            keeper: Keeper::default(),
            orders,
            stop: CancellationToken::new(),
            under_way: TaskTracker::new(),
            at_once: lasting.halt.child_token(),
            clients: Clients::new(definition.limits.clients as usize),
            changed: Arc::default(),
            own: OnceLock::new(),
            retries: before.map_or_else(Arc::default, |before| before.retries.clone()),
            session: watch::Sender::new(None),
            shown: ArcSwap::new(definition.clone()),
            definition,
        });
        remote.note_approved();
        (remote, inbox)
    }

    /// The newest definition.
    pub(super) fn shown(&self) -> Arc<UpstreamDefinition> {
        self.shown.load_full()
    }

    /// Takes over a definition that connects like the one before; connections go on.
    pub(super) fn show(&self, definition: Arc<UpstreamDefinition>) {
        self.shown.store(definition);
        self.note_approved();
        self.tell_of_drift();
        // What was approved, as it was.
        self.keeper.note();
    }

    /// What an upstream of the same id and another definition begins with.
    pub(super) fn known(&self) -> Kept {
        Kept {
            inventory: self.inventory.load_full(),
            approved: self.approved().values().cloned().collect(),
        }
    }

    /// Keeps what is known for the next start.
    pub(super) fn keep(&self, shelf: &Shelf) {
        self.keeper.write(|| {
            if let Some(inventory) = self.inventory.load_full() {
                let approved: Vec<_> = self.approved().values().cloned().collect();
                shelf.put(&self.definition, &inventory, &approved);
            }
        });
    }

    /// Ends its supervisor, and keeps nothing more of it.
    pub(super) fn give_up(&self) {
        self.keeper.give_up();
        self.stop.cancel();
    }

    /// The same, and calls under way end with it.
    pub(super) fn give_up_at_once(&self) {
        self.at_once.cancel();
        self.give_up();
    }

    /// What a call has while it is under way; `None` where none begins any more.
    pub(super) fn begin(&self) -> Option<TaskTrackerToken> {
        // Before the look, so that whoever waits for calls sees this one.
        let under_way = self.under_way.token();
        (!self.stop.is_cancelled()).then_some(under_way)
    }

    /// Until calls under way have ended: none has more time than this.
    pub(super) async fn calls_end(&self) {
        self.under_way.close();
        tokio::select! {
            () = self.at_once.cancelled() => {}
            _ = tokio::time::timeout(self.definition.timeouts.call(), self.under_way.wait()) => {}
        }
    }

    fn approved(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Arc<RemoteTool>>> {
        self.approved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers tools that are as they were approved, so that it can be said later what has changed.
    fn note_approved(&self) {
        let shown = self.shown();
        let pin = &shown.pin;
        let inventory = self.inventory.load();
        let tools = inventory.iter().flat_map(|inventory| &inventory.tools);
        let mut approved = self.approved();
        for tool in tools.filter(|tool| pin.is_approved(&tool.name, &tool.digest)) {
            approved.insert(tool.name.clone(), tool.clone());
        }
        approved.retain(|name, tool| pin.is_approved(name, &tool.digest));
    }

    /// The tools that are other ones than those that were approved.
    pub(super) fn drift(&self) -> Vec<Drift> {
        match &*self.inventory.load() {
            Some(inventory) => drift(&self.shown(), inventory, &self.approved()),
            None => Vec::new(),
        }
    }

    /// Says so in the log, if somebody wants to hear of it.
    pub(super) fn tell_of_drift(&self) {
        let shown = self.shown();
        let pin = &shown.pin;
        if pin.mode == PinMode::Off {
            return;
        }
        let drifted = self.drift();
        if !drifted.is_empty() {
            let tools: Vec<_> = drifted
                .iter()
                .take(MOST_NAMED)
                .map(
                    |one| json!({"tool": one.tool, "what": one.what.as_str(), "held_back": one.is_held_back}),
                )
                .collect();
            let members = json!({"upstream": self.definition.id, "drifted": drifted.len(), "tools": tools});
            self.events.tell("upstream.drifted", members);
        }
        for one in drifted {
            let (upstream, tool, what) = (&*self.definition.id, &*one.tool, one.what.as_str());
            let is_held_back = one.is_held_back;
            tracing::warn!(
                upstream,
                tool,
                what,
                is_held_back,
                "a tool is not as it was approved: `dynmcp pin` shows what differs, and approves it"
            );
        }
    }

    pub(super) fn connect(&self, session: Arc<Session>) {
        self.session.send_replace(Some(session));
    }

    pub(super) fn disconnect(&self) {
        self.session.send_replace(None);
    }

    /// How it is doing: its connection, and its endpoints.
    pub(super) fn status(&self) -> Status {
        let session = self.session.borrow();
        let status = Status {
            transport: session.as_ref().map(|session| session.transport),
            strays: session.as_ref().map_or(0, |session| session.news.strays()),
            ..self.status.get()
        };
        status.with_outage(self.fleet.as_ref().and_then(|fleet| fleet.outage()))
    }

    /// Whether it differs from the one before, which is what clients have to hear of.
    pub(super) fn publish(&self, mut inventory: Inventory) -> bool {
        let before = self.inventory.load_full();
        let is_new = before.as_ref().is_none_or(|before| !before.is_like(&inventory));
        let epoch = before.map_or(0, |before| before.epoch);
        inventory.epoch = if is_new { epoch + 1 } else { epoch };
        if is_new {
            self.inventory.store(Some(Arc::new(inventory)));
            self.note_approved();
        }
        is_new
    }

    /// How many wait for it: for a place among its calls, and for one of its endpoints.
    pub(super) fn queue(&self) -> QueueStatus {
        let of_endpoints = self.fleet.as_ref().map(|fleet| fleet.queue()).unwrap_or_default();
        self.places.turns.status().and(of_endpoints)
    }

    /// The connection that lists are taken over, and calls of all clients that have none of their own.
    pub(super) async fn open_shared(&self, settings: &HubSettings) -> Result<Session, UpstreamError> {
        let purpose = Purpose {
            role: self.shared_role(),
            caller: None,
            is_supervised: true,
            account: None,
            watched: self.watched.clone(),
            changed: self.changed.clone(),
        };
        Session::open(&self.definition, settings, self.owned(&purpose)).await
    }

    /// Asks its endpoints how they are, over connections of its own.
    pub(super) async fn watch_endpoints(&self, settings: &HubSettings) {
        let news = News::new(&Purpose::default());
        let links = self
            .fleet
            .as_ref()
            .map(|fleet| Replicas::new(&self.definition, fleet, settings, &news));
        if let Some(Ok(links)) = links {
            links.watch(&self.definition.health).await;
        }
    }

    /// One that nobody else hears of.
    pub(super) async fn open_beside(&self, settings: &HubSettings) -> Result<Session, UpstreamError> {
        let purpose = Purpose {
            role: self.shared_role(),
            ..Purpose::default()
        };
        Session::open(&self.definition, settings, self.owned(&purpose)).await
    }

    pub(super) fn owned<'a>(&'a self, purpose: &'a Purpose) -> Owned<'a> {
        Owned {
            programs: &self.programs,
            fleet: self.fleet.as_ref(),
            log: &self.log,
            purpose,
        }
    }

    /// Where all clients have sessions of their own, the shared one is for lists, which are to have everything.
    fn shared_role(&self) -> Role {
        Role {
            whose: Whose::Everybody,
            client: match self.definition.sessions {
                UpstreamSessions::PerClient => ClientCan::ALL,
                UpstreamSessions::Auto | UpstreamSessions::Shared => ClientCan::default(),
            },
        }
    }

    /// The connection of the lists, if there is one.
    pub(super) fn listed(&self) -> Option<Arc<Session>> {
        self.session.borrow().clone()
    }
}
