//! The data plane in one place: what its parts share.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use bytes::Bytes;
use integration::{Destination, Integrations, LinkSettings};
use journal::Journal;
use types::Dialect;
use types::account::{Account, DayUse};
use types::event::Disconnect;
use types::id::{Id, IdKind};
use types::limits::Limits;
use types::message::{IntegrationRequest, IntegrationResponse};
use types::snapshot::{Snapshot, StageKey};
use types::time::Timestamp;

use crate::address::{self, Address, PATH_FORM};
use crate::afterwards::Afterwards;
use crate::authorize::Authorizer;
use crate::client::Client;
use crate::clock::Clock;
use crate::early::Early;
use crate::execution_log::LogSink;
use crate::frame::{Opcode, close};
use crate::hand_over::Departures;
use crate::heavy::Heavy;
use crate::in_flight::InFlight;
use crate::life::Timed;
use crate::metrics::Metrics;
use crate::origins::{Origins, StageOrigins};
use crate::outbox::OutboxBounds;
use crate::pace;
use crate::peers::Peers;
#[cfg(test)]
use crate::refusal::Refusal;
use crate::registry::Registry;
#[cfg(test)]
use crate::simulation::place::Simulated;
use crate::sources::Sources;
use crate::sparingly::{Counting, Sparingly};
use crate::stages::{Published, Stages};
use crate::throttle::{AccountLimits, Share};
use crate::timer::{TICK, Wheel};
use crate::usage::Usage;

/// What the data plane is told when it starts.
pub struct Settings {
    /// The quotas.
    pub limits: Limits,
    /// This node's number, part of every id it makes, until [`Gateway::renumber`].
    pub node: u16,
    /// Where records of events go.
    pub sink: Arc<dyn LogSink>,
    /// How many stages, and routes with detailed metrics, are counted one by one; all beyond share one series.
    pub metrics_series: usize,
    /// The way to other nodes.
    pub peers: Box<dyn Peers>,
    /// How closely AWS is followed.
    pub dialect: Dialect,
    /// Where VPC links lead: by a link's id, name or target.
    pub vpc_links: BTreeMap<String, LinkSettings>,
    /// The ways to backends.
    pub integrations: Integrations,
    /// Which pages may connect to which stages; to stages that are not named, all may.
    pub origins: Vec<StageOrigins>,
    /// Where open connections are written down; `None`: nowhere, and a crash loses their `$disconnect`.
    pub journal: Option<Journal>,
    /// Who decides about clients where a route asks for more than an API key; `None`: such clients are refused.
    pub authorizer: Option<Box<dyn Authorizer>>,
    /// Host and port that clients use where another program stands before this one; then `$context.domainName` of an
    /// address by path begins with it.
    pub public_authority: Option<String>,
}

/// The data plane.
pub struct Gateway {
    pub(crate) limits: Limits,
    node: AtomicU16,
    pub(crate) sink: Arc<dyn LogSink>,
    pub(crate) peers: Box<dyn Peers>,
    pub(crate) dialect: Dialect,
    pub(crate) authorizer: Option<Box<dyn Authorizer>>,
    pub(crate) journal: Option<Journal>,
    pub(crate) afterwards: Afterwards,
    pub(crate) public_authority: Option<String>,
    pub(crate) vpc_links: BTreeMap<String, LinkSettings>,
    pub(crate) stages: Stages,
    pub(crate) metrics: Metrics,
    pub(crate) integrations: Integrations,
    pub(crate) usage: Usage,
    pub(crate) account_limits: AccountLimits,
    share: Share,
    pub(crate) account: ArcSwap<Account>,
    pub(crate) in_flight: InFlight,
    pub(crate) heavy: Heavy,
    pub(crate) registry: Arc<Registry>,
    pub(crate) early: Arc<Early>,
    /// Connections that another gateway is to have.
    pub(crate) departures: Departures,
    pub(crate) wheel: Wheel,
    pub(crate) outbox_bounds: OutboxBounds,
    /// How often clients that come to nowhere are told of.
    pub(crate) hints: Sparingly,
    pub(crate) sources: Arc<Sources>,
    pub(crate) origins: Origins,
    /// Whether clients are held to a pace, and how often those are told of that are.
    pub(crate) is_paced: bool,
    pub(crate) slowed: Counting,
    names: Interner,
    clock: Clock,
    draining: AtomicBool,
    suspended: AtomicBool,
    /// Chance and backend of a simulation.
    #[cfg(test)]
    pub(crate) simulated: Option<Simulated>,
}

impl Gateway {
    /// A data plane without stages; [`Gateway::publish`] gives it some.
    pub fn new(settings: Settings) -> Arc<Gateway> {
        Arc::new(Gateway::build(settings, Clock::start()))
    }

    /// The same for a simulation that begins at this time.
    #[cfg(test)]
    pub(crate) fn simulated(settings: Settings, begin: Duration, simulated: Simulated) -> Arc<Gateway> {
        Arc::new(Gateway { simulated: Some(simulated), ..Gateway::build(settings, Clock::alone(begin)) })
    }

    fn build(settings: Settings, clock: Clock) -> Gateway {
        let (limits, share) = (settings.limits, Share::default());
        Gateway {
            integrations: settings.integrations,
            usage: Usage::new(share.clone()),
            account_limits: AccountLimits::new(&limits, &share),
            account: ArcSwap::default(),
            in_flight: InFlight::new(limits.in_flight, limits.in_flight_bytes),
            heavy: Heavy::new(limits.mapping_time),
            outbox_bounds: OutboxBounds { messages: limits.outbox_messages, bytes: limits.outbox_bytes },
            node: AtomicU16::new(settings.node),
            sink: settings.sink,
            peers: settings.peers,
            dialect: settings.dialect,
            authorizer: settings.authorizer,
            journal: settings.journal,
            afterwards: Afterwards::default(),
            public_authority: settings.public_authority,
            vpc_links: settings.vpc_links,
            stages: Stages::new(share.clone()),
            share,
            metrics: Metrics::new(settings.metrics_series),
            registry: Arc::new(Registry::new()),
            early: Arc::default(),
            departures: Departures::default(),
            wheel: Wheel::new(clock.now()),
            hints: Sparingly::default(),
            sources: Sources::new(&limits),
            origins: Origins::new(settings.origins),
            is_paced: pace::is_limited(&limits),
            slowed: Counting::default(),
            names: Interner::default(),
            clock,
            draining: AtomicBool::new(false),
            suspended: AtomicBool::new(false),
            #[cfg(test)]
            simulated: None,
            limits,
        }
    }

    /// Step 9 of the walk: to the backend and back.
    // Not `async`, so that a message's walk does not hold one future in another.
    #[cfg(not(test))]
    pub(crate) fn send<'a>(
        &'a self,
        request: &'a IntegrationRequest,
        to: Destination,
        is_timed: bool,
    ) -> impl Future<Output = Result<IntegrationResponse, integration::Error>> + 'a {
        self.integrations.send_timed(request, to, is_timed)
    }

    #[cfg(test)]
    pub(crate) async fn send(
        &self,
        request: &IntegrationRequest,
        to: Destination,
        is_timed: bool,
    ) -> Result<IntegrationResponse, Refusal> {
        match &self.simulated {
            Some(simulated) => simulated.answer(request).await,
            None => self.integrations.send_timed(request, to, is_timed).await.map_err(Refusal::from),
        }
    }

    /// Puts a snapshot in force: open connections use it from their next message on; connections of stages that are
    /// gone are closed with 1001.
    pub fn publish(&self, snapshot: &Snapshot) -> Published {
        // A plan is kept for whoever may still need it for $disconnect; those that are not listed may.
        let is_used = |key: &StageKey| self.registry.may_have(|client| *client.info.stage == *key);
        let problems = self.publish_account(&snapshot.account);
        let mut published =
            self.stages.publish(snapshot, &self.limits, self.dialect, (&self.metrics, &self.in_flight), is_used);
        published.problems = problems;
        self.remark_on_targets(&mut published);
        if !published.gone.is_empty() {
            for client in self.registry.all().filter(|client| published.gone.contains(&client.info.stage)) {
                self.close_as_going_away(&client);
            }
        }
        published
    }

    /// Whether a handshake for this stage would be looked at.
    pub fn has_stage(&self, address: &Address) -> bool {
        self.stages.enter(&address.key).is_some_and(|plan| address.reaches(&plan))
    }

    /// Whether a handshake for this path below a stage would be looked at.
    pub fn opens_below(&self, address: &Address) -> bool {
        self.dialect.extended && self.has_stage(address)
    }

    /// What of the data plane host and path (without the query) name; `None`: nothing of it.
    pub fn address(&self, host: &str, path: &str) -> Option<Address> {
        let mut address = Address::read(host, path, &self.account.load().domain_names)?;
        if let (Some(public), true) = (&self.public_authority, path.starts_with(PATH_FORM)) {
            address.domain_name = format!("{public}{PATH_FORM}{}", address.key.api_id);
        }
        Some(address)
    }

    /// The certificate that a custom domain name asks for, if the name is one and asks.
    pub fn certificate_of(&self, host: &str) -> Option<String> {
        address::custom_domain(host, &self.account.load().domain_names)?.certificate_arn.clone()
    }

    /// What a key used of a usage plan on each day of a range, oldest first; days count from 1970, UTC, and none is to
    /// come. Counted since the program's start. Empty where the plan has no such key.
    pub fn usage_by_day(&self, plan_id: &str, key_id: &str, days: RangeInclusive<u64>) -> Vec<DayUse> {
        self.usage.days(plan_id, key_id, days, self.wall_clock())
    }

    /// Sets what a key has left of a usage plan's current period; false where there is no such quota.
    pub fn set_remaining_usage(&self, plan_id: &str, key_id: &str, remaining: u64) -> bool {
        self.usage.set_remaining(plan_id, key_id, remaining, self.wall_clock())
    }

    /// Keeps the steps of each event of a stage from now on, or no longer: a person's wish, which no definition says and
    /// which ends with the program. False where there is no such stage.
    pub fn watch(&self, stage: &StageKey, on: bool) -> bool {
        self.stages.watch(stage, on)
    }

    /// The integration of a deployed route, by id, and whether the stage deploys changes by itself.
    pub fn integration_of(&self, stage: &StageKey, route_key: &str) -> Option<(Option<String>, bool)> {
        self.stages.integration_of(stage, route_key)
    }

    /// What a deployed stage logs of routes that say nothing else.
    pub fn logging_of(&self, stage: &StageKey) -> Option<mapping::plan::Logging> {
        self.stages.logging(stage)
    }

    /// Whether it is known where a function runs.
    pub fn has_function(&self, function: &types::arn::Function) -> bool {
        self.integrations.has_function(function)
    }

    /// Where a VPC link leads: hosts and ports.
    pub fn link_addresses(&self, id: &str) -> Vec<(String, u16)> {
        self.integrations.link_addresses(id)
    }

    /// Whether AWS's services are called anywhere.
    pub fn has_services(&self) -> bool {
        self.integrations.has_service("sqs")
    }

    /// What belongs to no single API, as it is in force.
    pub fn account(&self) -> Arc<Account> {
        self.account.load_full()
    }

    /// What was counted of every stage, and of routes with detailed metrics.
    pub fn readings(&self) -> Vec<crate::metrics::Reading> {
        self.metrics.readings()
    }

    /// The group, or stream, that a deployed stage's access log goes to.
    pub fn access_log_of(&self, stage: &StageKey) -> Option<String> {
        self.stages.access_log(stage)
    }

    /// The stages that are watched so, in order.
    pub fn watched(&self) -> Vec<StageKey> {
        self.stages.watched()
    }

    /// How many connections are open, those included whose `$connect` or `$disconnect` is running.
    pub fn open_connections(&self) -> usize {
        self.registry.open_connections()
    }

    /// Looks after deadlines until the program ends. One task of the program's runs it.
    pub async fn run_timers(&self) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let mut swept = Instant::now();
        loop {
            ticks.tick().await;
            let now = self.now();
            for id in self.wheel.due(now) {
                if let Some(client) = self.registry.get(&id) {
                    self.look_after(&client, now);
                }
            }
            if swept.elapsed() >= Duration::from_secs(1) {
                swept = Instant::now();
                self.integrations.sweep(swept);
            }
        }
    }

    /// Looks after the health of the VPC links' addresses until the program ends. One task of the program's runs it.
    pub async fn run_health_checks(&self) {
        self.integrations.check_links().await;
    }

    /// Refuses new clients from now on, closes the open ones with 1001 and waits for their `$disconnect` calls, for
    /// at most the limit `drain-timeout`. Gives how many connections were not over by then.
    pub async fn drain(&self) -> usize {
        self.draining.store(true, Ordering::Release);
        // Nobody is to come back to a node that ends; those of many are told that others are there.
        let (code, reason) = match self.limits.drain_spread {
            Duration::ZERO => (close::GOING_AWAY, "Going away"),
            _ => (close::SERVICE_RESTART, "Service restart"),
        };
        self.part(code, reason, self.limits.drain_spread).await;
        let _ = tokio::time::timeout(self.limits.drain_timeout, self.registry.emptied()).await;
        self.open_connections()
    }

    /// Lets no client in from now on, or lets them in again: for a node that is nobody at the moment.
    pub fn suspend(&self, is_suspended: bool) {
        self.suspended.store(is_suspended, Ordering::Release);
    }

    /// Whether a client that comes now is let in, as far as the node is concerned.
    pub fn lets_in(&self) -> bool {
        !self.is_draining() && !self.suspended.load(Ordering::Acquire) && self.peers.holds_number()
    }

    /// Closes every client with 1012, so that they come back, elsewhere maybe.
    pub async fn send_away(&self) {
        self.part(close::SERVICE_RESTART, "Service restart", Duration::ZERO).await;
    }

    // Closes every client, over that time: each is told at a moment of its own.
    async fn part(&self, code: u16, reason: &str, spread: Duration) {
        let clients: Vec<Arc<Client>> = self.registry.all().collect();
        let (begun, count) = (tokio::time::Instant::now(), clients.len().max(1));
        for (at, client) in clients.into_iter().enumerate() {
            if !spread.is_zero() {
                tokio::time::sleep_until(begun + spread.mul_f64(at as f64 / count as f64)).await;
            }
            self.close(&client, code, reason, Disconnect::new(code, reason));
        }
    }

    /// Whether the program is about to end: no new clients.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// Sends a client a close frame and ends its connection soon; `$disconnect` will be told `disconnect`, unless the
    /// connection was closing already.
    pub(crate) fn close(&self, client: &Client, code: u16, reason: &str, disconnect: Disconnect) {
        let deadline = self.now() + self.limits.close_timeout;
        client.close(code, reason, disconnect, deadline);
        self.wheel.schedule(client.info.id, deadline);
    }

    /// How a backend's bytes go out. A text frame holds UTF-8; what is none goes out as binary where that is allowed,
    /// else with U+FFFD for what is not (inferred).
    pub(crate) fn framed<'b>(&self, body: &'b [u8]) -> (Opcode, Cow<'b, [u8]>) {
        match simdutf8::basic::from_utf8(body) {
            Ok(_) => (Opcode::Text, Cow::Borrowed(body)),
            Err(_) if self.dialect.binary => (Opcode::Binary, Cow::Borrowed(body)),
            Err(_) => (Opcode::Text, Cow::Owned(String::from_utf8_lossy(body).into_owned().into_bytes())),
        }
    }

    /// The same for bytes that are kept.
    pub(crate) fn framed_bytes(&self, body: Bytes) -> (Opcode, Bytes) {
        match self.framed(&body) {
            (opcode, Cow::Borrowed(_)) => (opcode, body),
            (opcode, Cow::Owned(text)) => (opcode, text.into()),
        }
    }

    /// Closes a client because of its time, its stage or the program's end. Source: code and text observed for the
    /// idle timeout; a peer's choice for the duration; ours for the rest.
    pub(crate) fn close_as_going_away(&self, client: &Client) {
        let reason = "Going away";
        let disconnect = Disconnect::new(close::GOING_AWAY, reason);
        self.close(client, close::GOING_AWAY, reason, disconnect);
    }

    /// Asks a client about its deadlines and acts on the answer.
    pub(crate) fn look_after(&self, client: &Client, now: Duration) {
        match client.timed(now, &self.limits) {
            Timed::At(at) => self.wheel.schedule(client.info.id, at),
            Timed::Expired => self.close_as_going_away(client),
            Timed::Over | Timed::Never => {}
        }
    }

    /// Time since 1970 by a clock that never goes back.
    pub(crate) fn now(&self) -> Duration {
        self.clock.now()
    }

    /// Says which part of every throttle is this node's, above 0 and up to 1: of many, each has its share.
    pub fn set_share(&self, part: f64) {
        self.share.set(part);
    }

    /// This node's number.
    pub fn node(&self) -> u16 {
        self.node.load(Ordering::Acquire)
    }

    /// Gives the node another number, for the ids that it makes from now on. Whoever does so has closed the clients with ids
    /// of the old one: those are another node's by now.
    pub fn renumber(&self, node: u16) {
        self.node.store(node, Ordering::Release);
    }

    pub(crate) fn wall_clock(&self) -> Timestamp {
        self.clock.wall()
    }

    /// A new id; the random part comes from a generator fit for secrets, since an id is the key to a connection.
    pub(crate) fn new_id(&self, kind: IdKind) -> Id {
        #[cfg(test)]
        if let Some(simulated) = &self.simulated {
            return Id::new(kind, self.node(), simulated.random());
        }
        Id::new(kind, self.node(), rand::random())
    }

    /// An id for an answer that no event stands behind.
    pub fn new_request_id(&self) -> String {
        self.new_id(IdKind::Request).to_string()
    }

    pub(crate) fn intern(&self, text: &str) -> Arc<str> {
        self.names.intern(text)
    }
}

/// Texts that many connections share (host names, user agents) are kept once.
#[derive(Default)]
struct Interner {
    texts: Mutex<Texts>,
}

#[derive(Default)]
struct Texts {
    kept: HashSet<Arc<str>>,
    /// New texts since the unused ones were last thrown out.
    refused: usize,
}

/// Beyond this many different texts, clients that make up new ones get copies of their own.
const INTERNED_MAX: usize = 4096;
/// So many texts find no room before the unused ones are looked for again, which takes a walk through all.
const REFUSED_MAX: usize = 1024;

impl Interner {
    fn intern(&self, text: &str) -> Arc<str> {
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = texts.kept.get(text) {
            return kept.clone();
        }
        if texts.kept.len() >= INTERNED_MAX {
            texts.refused += 1;
            if texts.refused >= REFUSED_MAX {
                texts.refused = 0;
                texts.kept.retain(|kept| Arc::strong_count(kept) > 1);
            }
        }
        let new: Arc<str> = text.into();
        if texts.kept.len() < INTERNED_MAX {
            texts.kept.insert(new.clone());
        }
        new
    }
}
