//! One upstream as calls and lists see it: its definition, its last inventory, its connection if there is one.

use super::{
    asked::{Role, Whose},
    authorization::Authorization,
    call::{self, RemoteCall, Wanted},
    clients::{ClientKey, Clients},
    drift::{Drift, drift},
    error::UpstreamError,
    inventory::{Inventory, Kept, RemoteTool, Shelf},
    keeper::Keeper,
    news::{News, Purpose},
    outgoing::Speech,
    replicas::Replicas,
    session::{Owned, Session},
    settings::HubSettings,
    status::{State, Status, StatusCell},
    stdio::{Log, Programs},
    supervisor::Order,
    watched::Watched,
};
use crate::{
    fleet::{Fleet, QueueStatus, queue_rule},
    live::{Bulkhead, NoTurn, Turns},
    relay::ClientCan,
    spec::Method,
};
use arc_swap::{ArcSwap, ArcSwapOption};
use bytes::Bytes;
use mcp_common::{
    definition::{
        UpstreamDefinition,
        upstream::{PinMode, UpstreamEra, UpstreamSessions, UpstreamTransport},
    },
    events::Events,
};
use serde_json::json;
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;

/// How long calls wait for a session at another endpoint.
const MOVING: Duration = Duration::from_secs(5);

/// Who waited for less has not waited.
const BRIEF: Duration = Duration::from_millis(1);

/// How many tools one event names.
const MOST_NAMED: usize = 100;

/// What outlives connections, and is the hub's.
pub(super) struct Lasting {
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
            events: lasting.events,
            keeper: Keeper::default(),
            orders,
            stop: CancellationToken::new(),
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

    /// The result of a call, as the server wrote it.
    pub(super) async fn call(
        &self,
        call: RemoteCall,
        settings: &HubSettings,
    ) -> Result<Bytes, UpstreamError> {
        let limit = self.definition.timeouts.call();
        let begun = Instant::now();
        let entered = self.places.enter((call.principal.as_deref(), begun + limit));
        let _place = entered.await.map_err(|why| self.has_no_place(&why))?;
        // What it waited is a part of its time.
        let limit = match begun.elapsed() {
            waited if waited < BRIEF => limit,
            waited => limit.saturating_sub(waited),
        };
        let calling = self.attempts(&call, settings);
        super::session::within_call(calling, call.line.as_ref(), limit, call.wanted.step()).await
    }

    fn has_no_place(&self, why: &NoTurn) -> UpstreamError {
        let limits = &self.definition.limits;
        match limits.queue {
            0 => UpstreamError::Overloaded {
                limit: limits.concurrency,
            },
            _ => UpstreamError::NoTurn {
                limit: limits.concurrency,
                why: why.to_string(),
            },
        }
    }

    /// How many wait for it: for a place among its calls, and for one of its endpoints.
    pub(super) fn queue(&self) -> QueueStatus {
        let of_endpoints = self.fleet.as_ref().map(|fleet| fleet.queue()).unwrap_or_default();
        self.places.turns.status().and(of_endpoints)
    }

    async fn attempts(&self, call: &RemoteCall, settings: &HubSettings) -> Result<Bytes, UpstreamError> {
        if self.definition.is_used_in_names_of_callers() {
            return self.ask_with_account(call, settings).await;
        }
        let shared = match self.current() {
            Err(_) if self.is_moving() => self.next_session().await?,
            current => current?,
        };
        let own = match self.is_apart(call, &shared) {
            true => call.client_key(),
            false => None,
        };
        if let Some(key) = own {
            let open = || self.open_for(&key, shared.transport, settings);
            return match self.clients.session(&key, open).await?.ask(call, settings).await {
                Err(error) if self.may_go_on(call, true, &error) => {
                    let next = self.clients.session(&key, open).await?;
                    self.again();
                    next.ask(call, settings).await
                }
                answered => answered,
            };
        }
        let first = call::ask(&shared, call, settings).await;
        match &first {
            // A new session is on its way, with several endpoints at one that answers.
            Err(error) if self.may_go_on(call, shared.is_at_one_endpoint(), error) => {
                shared.news.lost();
                let next = self.another(&shared).await?;
                self.again();
                call::ask(&next, call, settings).await
            }
            Err(error) if error.is_lost() => {
                shared.news.doubt.notify_one();
                first
            }
            _ => first,
        }
    }

    /// Whether the call is made again in a new session: nothing was done where the server does not know who asks. A session that is at one of several
    /// endpoints is followed by one at another, if this one is gone.
    pub(super) fn may_go_on(&self, call: &RemoteCall, is_at_one: bool, error: &UpstreamError) -> bool {
        let has_others = is_at_one && self.fleet.is_some();
        let is_repeatable = match &call.wanted {
            Wanted::Tool(tool) => tool.is_repeatable,
            Wanted::Task(method) => *method == Method::TasksGet,
            _ => true,
        };
        match error {
            UpstreamError::SessionGone => true,
            UpstreamError::Unreachable(_) => has_others,
            UpstreamError::Connection(_) | UpstreamError::Ended(_) => has_others && is_repeatable,
            _ => false,
        }
    }

    /// A call is made again.
    pub(super) fn again(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether the call is made in a session of its client's own: older servers ask their client, and one that is everybody's
    /// could not be answered. A program is one process for all of them, unless its document says otherwise.
    fn is_apart(&self, call: &RemoteCall, shared: &Session) -> bool {
        if shared.speech == Speech::Modern {
            return false;
        }
        match self.definition.sessions {
            UpstreamSessions::Shared => false,
            UpstreamSessions::PerClient => true,
            UpstreamSessions::Auto => {
                let answers = call.line.as_ref().is_some_and(|line| !line.client().is_none());
                answers && self.definition.command.is_none()
            }
        }
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

    async fn open_for(
        &self,
        key: &ClientKey,
        transport: UpstreamTransport,
        settings: &HubSettings,
    ) -> Result<Session, UpstreamError> {
        let purpose = Purpose {
            role: key.role(),
            caller: Some(key.caller.name.clone()),
            changed: self.changed.clone(),
            ..Purpose::default()
        };
        let mut definition = UpstreamDefinition::clone(&self.definition);
        // It is known already how the server speaks.
        definition.era = UpstreamEra::Legacy;
        definition.transport = Some(transport);
        Session::open(&Arc::new(definition), settings, self.owned(&purpose)).await
    }

    /// The connection of the lists, if there is one.
    pub(super) fn listed(&self) -> Option<Arc<Session>> {
        self.session.borrow().clone()
    }

    fn current(&self) -> Result<Arc<Session>, UpstreamError> {
        let session = self.session.borrow().clone();
        session.ok_or_else(|| {
            let status = self.status.get();
            let why = match status.last_error {
                Some(error) => error,
                None => "the connection is being made".to_owned(),
            };
            UpstreamError::NotConnected(why)
        })
    }

    /// Whether the session that was lost is made anew at another endpoint, which takes a moment.
    fn is_moving(&self) -> bool {
        let status = self.status.get();
        self.fleet.is_some() && status.state == State::Connecting && status.attempts == 1
    }

    async fn next_session(&self) -> Result<Arc<Session>, UpstreamError> {
        self.awaited(|_| true).await
    }

    /// A session that came after this one.
    async fn another(&self, than: &Arc<Session>) -> Result<Arc<Session>, UpstreamError> {
        self.awaited(|session| !Arc::ptr_eq(session, than)).await
    }

    async fn awaited(&self, is_it: impl Fn(&Arc<Session>) -> bool) -> Result<Arc<Session>, UpstreamError> {
        let mut sessions = self.session.subscribe();
        let is_other = |session: &Option<Arc<Session>>| session.as_ref().is_some_and(&is_it);
        let limit = self.definition.timeouts.handshake();
        let limit = if self.fleet.is_some() {
            limit.min(MOVING)
        } else {
            limit
        };
        let found = tokio::time::timeout(limit, sessions.wait_for(is_other)).await;
        match found {
            Ok(Ok(session)) => session.clone().ok_or(UpstreamError::SessionGone),
            _ => Err(UpstreamError::SessionGone),
        }
    }
}
