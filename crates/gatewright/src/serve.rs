//! Starts everything, ties control plane and data plane together, and stops in order.

use std::io::Write;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;

use ::journal::Journal;
use control::store::{DiskStore, MemoryStore, Store, StoreError};
use control::{Caller, Control};
use functions::Directory;
use gateway::{Alone, Gateway, Peers, Settings};
use integration::{Integrations, ServicePlace, Services, Signer};
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use traces::series::{SAMPLE_EVERY, Series};
use types::account::DayUse;

use crate::access_logs::AccessFiles;
use crate::announcements::Announcements;
use crate::authorizers::Authorizers;
use crate::aws::{self, AwsSigner, Environment, Own, Places};
use crate::banner::{self, Addresses};
use crate::certificates::Tls;
use crate::choices::{LogFormat, LogLevel};
use crate::config::{AccessLog, Config};
use crate::exit::Failure;
use crate::guard::Guard;
use crate::jwt::Issuers;
use crate::logs::{Access, Log};
use crate::otlp;
use crate::own_tls::OwnTls;
use crate::placements::Where;
use crate::ready_made::ReadyMade;
use crate::seen;
use crate::service::Service;
use crate::shutdown::Signals;
use crate::stacks::source::{Files, Given};
use crate::stacks::{self, Stacks, Told};
use crate::{
    console, demo, folder_socket, front, journals, nodes, notify, passed, placements, ready_made, shutdown,
    stage_settings,
};

/// This node's number, until there are many.
const NODE: u16 = 0;

/// Clients that may wait in the kernel's queue until they are accepted; the system caps it (`net.core.somaxconn`). A
/// thousand that come at once are more than tokio's 1024 hold beside others, and the kernel resets those.
const BACKLOG: u32 = 65_535;

/// What is served beside the gateway itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Serve,
    Demo,
}

/// Runs until SIGTERM or SIGINT.
pub(crate) async fn run(mut config: Config, mode: Mode) -> Result<(), Failure> {
    let signals = Signals::new().map_err(Failure::config)?;
    let log = start_logs(&config)?;
    let guard = guard(&config, mode, &log)?;
    raise_open_files(&log);
    let (client_files_max, admin_files_max) = client_files_max(&log, config.settings.admin.is_some());
    let passed = if mode == Mode::Serve { passed::listener(&mut config)? } else { None };
    let listener = match (passed, mode) {
        (Some(passed), _) => passed,
        (None, Mode::Demo) if config.is_default("listen") => bind_free(config.settings.listen)?,
        (None, _) => bind("listen", config.settings.listen)?,
    };
    let admin = match config.settings.admin {
        Some(address) => Some(bind("admin", address)?),
        None => None,
    };
    let addresses = Addresses {
        public_url: config.settings.public_url.clone(),
        listen: listener.local_addr().map_err(|error| Failure::config(format!("listen: {error}")))?,
        admin: admin.as_ref().and_then(|admin| admin.local_addr().ok()),
        tls: config.certificates.any(),
    };
    let own_tls = own_tls(&config);
    let places = places(&config, &addresses);
    let mut remarks = places.remarks.clone();
    let node = nodes::join(&config, &addresses, &log).await?;
    let (integrations, functions) = integrations(&config, places, own_tls.as_deref(), &log)?;
    let collector = integrations.http();
    let issuers = Issuers::new(&config.jwt, &integrations.http(), &log);
    let followed: Vec<_> = issuers.all().collect();
    // The store first: it has the folder for itself, and says what is wrong with it.
    let store = match &node {
        Some(node) => node.store(&config, &log).await?,
        None => own_store(&config, &log)?,
    };
    let (journal, left) = journals::open(&config, &log)?.unzip();
    let gateway = Gateway::new(Settings {
        limits: config.limits.clone(),
        node: node.as_ref().map_or(NODE, |node| node.number()),
        sink: Arc::new(log.clone()),
        metrics_series: config.settings.metrics_series,
        peers: node.as_ref().map_or_else(|| Box::new(Alone) as Box<dyn Peers>, |node| node.peers()),
        dialect: config.dialect(),
        public_authority: config
            .settings
            .public_url
            .as_deref()
            .and_then(|url| url.split_once("://"))
            .map(|(_, host)| host.to_owned()),
        vpc_links: config.vpc_links.clone(),
        origins: config.origins.clone(),
        integrations,
        authorizer: Some(Box::new(Authorizers::new(guard.clone(), issuers, config.home()))),
        journal: journal.clone(),
    });
    if let Some(spans) = config.spans.take() {
        remarks.push(format!("spans of events go to {}", spans.url()));
        remarks.extend(spans.remarks.iter().cloned());
        let (tap, events) = otlp::queue();
        log.send_to(tap);
        tokio::spawn(otlp::send(spans, collector, events, log.clone()));
    }
    let announcements = Arc::new(Announcements::new(log.clone(), addresses.clone()));
    let control = Arc::new(open_control(&config, &addresses, &gateway, &announcements, store)?);
    if let Some(node) = &node {
        node.begin(&gateway, &control, &log);
        remarks.push(node.told());
    }
    if let Some(dir) = &config.settings.data_dir {
        folder_socket::serve(dir, control.clone(), log.clone());
    }
    let stacks = Stacks::new(
        control.clone(),
        functions.clone(),
        own_tls.clone(),
        (config.home(), addresses.clone()),
        config.settings.data_dir.as_deref(),
        Some(log.clone()),
    );
    let stacks = Arc::new(stacks.with_links(config.vpc_links.keys().cloned()));
    stacks.resume_all();
    let template = template(&config, &stacks)?;
    let changed = match ReadyMade::of(&config) {
        Some(made) => made_ready(&control, &made)?,
        None => None,
    };
    let tls = tls(&config, &gateway, &log)?;
    let (stopper, stop) = watch::channel(false);
    let timers = gateway.clone();
    tokio::spawn(async move { timers.run_timers().await });
    let checks = gateway.clone();
    tokio::spawn(async move { checks.run_health_checks().await });
    let ended = gateway.clone();
    tokio::spawn(async move { ended.run_afterwards().await });
    // The demo's backend is there until the end, for the $disconnect calls; dropping the sender ends it.
    let (_demo_stopper, demo_stop) = watch::channel(false);
    if mode == Mode::Demo {
        demo::start(&control, &addresses, demo_stop).await.map_err(Failure::config)?;
    }
    let series = Arc::new(Series::default());
    tokio::spawn(sample(gateway.clone(), series.clone()));
    let mut public = Service::new(gateway.clone(), control.clone(), log.clone(), series.clone(), node.clone(), &config);
    let facts = console::Facts::new(&addresses, &config.settings.region, mode == Mode::Demo);
    public.console = facts.clone();
    public.guard = guard.clone();
    public.own_tls = own_tls.clone();
    public.functions = Some(functions.clone());
    public.stacks = Some(stacks.clone());
    public.serves_admin = admin.is_none();
    public.client_files_max = client_files_max;
    public.door.proxy_protocol = config.settings.proxy_protocol;
    if let Some(admin) = admin {
        let mut service =
            Service::new(gateway.clone(), control.clone(), log.clone(), series.clone(), node.clone(), &config);
        service.serves_clients = false;
        service.guard = guard;
        service.functions = Some(functions.clone());
        service.stacks = Some(stacks.clone());
        service.client_files_max = admin_files_max;
        service.console = facts;
        tokio::spawn(front::accept(admin, Arc::new(service), None, stop.clone()));
    }
    tokio::spawn(front::accept(listener, Arc::new(public), tls, stop));
    let invitation = if mode == Mode::Demo { demo::invitation(&addresses) } else { String::new() };
    say_hello(&config, &(banner::text(&config, &addresses, &control.stages()) + &invitation), &log);
    changed.into_iter().chain(remarks).for_each(|text| log.say(LogLevel::Info, text));
    if let Some(left) = left {
        journals::say(&left, &log);
        gateway.replay(left.connections);
    }
    let there: Vec<_> = control.stages().into_iter().map(|(key, _)| key).collect();
    let unknown = stage_settings::unknown(&config.origins, &there, &control.api_names());
    unknown.for_each(|text| log.say(LogLevel::Warn, text));
    if let Some((given, text, files)) = template {
        print(&config, &text, &log);
        if config.settings.watch {
            stacks::watch::begin(stacks.clone(), given, files, &log).map_err(Failure::config)?;
        }
    }
    announcements.banner_is_out((mode == Mode::Demo).then_some(demo::API_ID));
    tokio::spawn(announcements.run());
    // What they say of their keys follows what people read first; a client that is quicker waits for them.
    for issuer in followed {
        tokio::spawn(async move { issuer.follow().await });
    }
    if let Err(error) = notify::tell(notify::READY) {
        log.say(
            LogLevel::Warn,
            format!("{}: {error}; systemd will not learn that the gateway serves", notify::VARIABLE),
        );
    }
    shutdown::wait_and_stop(signals, &gateway, &stopper, &log).await;
    if let Some(node) = &node {
        node.leave().await;
    }
    journal.iter().for_each(Journal::flush);
    functions.end();
    stacks.end();
    own_tls.iter().for_each(|own| own.remove());
    config.settings.data_dir.iter().for_each(|dir| folder_socket::remove(dir));
    Ok(())
}

// Reads the counters every few seconds, for charts and for CloudWatch's metrics.
async fn sample(gateway: Arc<Gateway>, series: Arc<Series>) {
    let mut ticks = tokio::time::interval(SAMPLE_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        series.sample(seen::now(), gateway.readings());
    }
}

// What the template says is there before the first client is. Gives what came of it, and the files that it was made of.
fn template(config: &Config, stacks: &Stacks) -> Result<Option<(Given, String, Files)>, Failure> {
    let settings = &config.settings;
    let Some(file) = settings.template.clone() else { return Ok(None) };
    let given = Given {
        file,
        parameters: settings.parameters.clone(),
        parameters_file: settings.parameters_file.clone(),
        name: settings.stack_name.clone(),
        is_strict: settings.strict,
    };
    let mut source = given.read(&stacks.home).map_err(|unread| Failure::data(unread.text))?;
    let mut text = String::new();
    for asked in &source.asked {
        match stacks.apply(&Caller::program(), asked) {
            Ok(done) => {
                text += &stacks.told(asked, &done, Told::Started);
                source.files.extend(done.built_of);
            }
            Err(wrong) => return Err(Failure::data(stacks::faults(asked, &wrong))),
        }
    }
    Ok(Some((given, text, source.files)))
}

// For handlers that make their `@connections` address as on AWS, where the address would be ours in clear text.
fn own_tls(config: &Config) -> Option<Arc<OwnTls>> {
    let settings = &config.settings;
    let is_clear_and_here = !config.certificates.any() && settings.listen.ip().is_loopback();
    is_clear_and_here.then(|| Arc::new(OwnTls::new(settings.data_dir.as_deref())))
}

fn integrations(
    config: &Config,
    places: Places,
    own_tls: Option<&OwnTls>,
    log: &Log,
) -> Result<(Integrations, Arc<Directory>), Failure> {
    let settings = &config.settings;
    let integrations = Integrations::new(config.limits.integration_response_bytes, settings.name_servers.clone());
    let (environment, http) = (Environment::of_process(), integrations.http());
    let signer = AwsSigner::new(environment, http.clone(), &places, &settings.region, log.clone());
    let signer: Arc<dyn Signer> = Arc::new(signer);
    let Places { services, others, functions, .. } = places;
    let integrations = integrations.with_services(Services { places: services, others, signer: Some(signer.clone()) });
    let place = config.home();
    let one_file = settings.function.as_ref().map(|one| (one, &place));
    let directory =
        placements::directory(config.functions.clone(), one_file, functions, own_tls, (&http, &signer), log);
    let directory = directory.map_err(Failure::config)?;
    Ok((integrations.with_functions(Box::new(directory.clone())), directory))
}

// Where AWS's services and functions are. What has no place is nowhere: nothing goes to AWS unasked.
fn places(config: &Config, addresses: &Addresses) -> Places {
    let settings = &config.settings;
    let own = Own {
        listen: [Some(addresses.listen), addresses.admin].into_iter().flatten().collect(),
        public_url: addresses.public_url.clone(),
    };
    let (others, functions) = (settings.aws_endpoint.clone(), settings.lambda_endpoint.clone());
    let mut places = Places::new(config.services.clone(), others, functions, aws::variables(), &own);
    let is_at_aws = |place: &Where| matches!(place, Where::There(ServicePlace::Aws));
    places.a_function_is_at_aws = config.functions.values().any(is_at_aws);
    places
}

// Who may call, where somebody looks after that; and a task that reads the file again.
fn guard(config: &Config, mode: Mode, log: &Log) -> Result<Option<Arc<Guard>>, Failure> {
    let Some(path) = &config.settings.credentials else { return Ok(None) };
    if mode == Mode::Demo {
        return Err(Failure::config(
            "credentials: the demo's page does not sign; leave --credentials out, or use serve",
        ));
    }
    let guard = Guard::open(path, config.home(), config.settings.insecure, log).map_err(Failure::config)?;
    let guard = Arc::new(guard);
    let hang_ups = signal(SignalKind::hangup());
    let hang_ups = hang_ups.map_err(|error| Failure::config(format!("wait for SIGHUP: {error}")))?;
    let watched = guard.clone();
    tokio::spawn(watched.follow(hang_ups));
    Ok(Some(guard))
}

// What makes TLS of the public address, where there are certificates; and a task that reads their files again.
fn tls(config: &Config, gateway: &Arc<Gateway>, log: &Log) -> Result<Option<Arc<Tls>>, Failure> {
    let Some(tls) = Tls::open(&config.certificates, gateway, log).map_err(Failure::config)? else { return Ok(None) };
    let hang_ups = signal(SignalKind::hangup());
    let hang_ups = hang_ups.map_err(|error| Failure::config(format!("wait for SIGHUP: {error}")))?;
    let tls = Arc::new(tls);
    tokio::spawn(tls.clone().follow(hang_ups));
    Ok(Some(tls))
}

fn made_ready(control: &Control, made: &ReadyMade<'_>) -> Result<Option<String>, Failure> {
    ready_made::ensure(control, made).map_err(|error| Failure::config(format!("backend: {error}")))
}

// The program's log comes first: it is told what the files of access logs have to complain of.
fn start_logs(config: &Config) -> Result<Log, Failure> {
    let hints = ReadyMade::of(config).map(|made| made.hints());
    let log = Log::start(config.settings.log_level, config.settings.log_format, hints, &config.limits);
    let files = match config.access_log() {
        AccessLog::Standard => return Ok(log),
        AccessLog::Off => return Ok(log.with_access(Access::Off)),
        AccessLog::Files(files) => files,
    };
    let told = log.clone();
    let files = AccessFiles::start(files, move |text| told.say(LogLevel::Warn, text)).map_err(Failure::config)?;
    let hang_ups = signal(SignalKind::hangup());
    let mut hang_ups = hang_ups.map_err(|error| Failure::config(format!("wait for SIGHUP: {error}")))?;
    let reopened = files.clone();
    // Only where there are files: without them a SIGHUP ends the program, as a terminal that closes expects.
    tokio::spawn(async move {
        while hang_ups.recv().await.is_some() {
            reopened.reopen();
        }
    });
    Ok(log.with_access(Access::Files(files)))
}

// For people it goes out as it stands; where machines read the log it is lines of the log like any other.
fn say_hello(config: &Config, text: &str, log: &Log) {
    if config.settings.log_format == LogFormat::Json {
        // A machine wants no tour: the addresses, and no more.
        let addresses = text.lines().filter(|line| line.contains("is ready on") || line.contains("control plane"));
        addresses.for_each(|line| log.say(LogLevel::Info, line.trim()));
        return;
    }
    print(config, text, log);
}

fn print(config: &Config, text: &str, log: &Log) {
    if config.settings.log_format == LogFormat::Json {
        return text.lines().for_each(|line| log.say(LogLevel::Info, line.trim()));
    }
    log.flush();
    let mut stdout = std::io::stdout().lock();
    // A closed output is no reason to stop.
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

// What tokio's own `bind` does, but for the length of the queue.
fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// How many ports the demo tries; more gateways than that nobody means to have.
const PORTS_TRIED: u16 = 20;

// The tour begins also where a gateway runs already: it takes the next port that is free.
fn bind_free(address: SocketAddr) -> Result<TcpListener, Failure> {
    let ports = (0..PORTS_TRIED).filter_map(|more| address.port().checked_add(more));
    let free = ports.filter_map(|port| listen(SocketAddr::new(address.ip(), port)).ok()).next();
    free.map_or_else(|| bind("listen", address), Ok)
}

fn bind(name: &str, address: SocketAddr) -> Result<TcpListener, Failure> {
    listen(address).map_err(|error| {
        let hint = match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                "; is another gatewright running? --listen takes another port, :0 any free one"
            }
            _ => "",
        };
        Failure::config(format!("{name}: cannot listen on {address}: {error}{hint}"))
    })
}

// Of a node that is alone: in its folder, or nowhere.
fn own_store(config: &Config, log: &Log) -> Result<Arc<dyn Store>, Failure> {
    let Some(dir) = &config.settings.data_dir else { return Ok(Arc::new(MemoryStore::default())) };
    let store = DiskStore::open(dir).map_err(|error| folder_failure(dir, &error))?;
    DiskStore::readable_by_others(dir).into_iter().for_each(|text| log.say(LogLevel::Warn, text));
    Ok(Arc::new(store))
}

fn open_control(
    config: &Config,
    addresses: &Addresses,
    gateway: &Arc<Gateway>,
    announcements: &Arc<Announcements>,
    store: Arc<dyn Store>,
) -> Result<Control, Failure> {
    let settings = control::Settings {
        limits: config.limits.clone(),
        usage: Arc::new(Counted(gateway.clone())),
        scheme: if addresses.tls { "wss" } else { "ws" },
        public_url: addresses.public_ws_url(),
        ..control::Settings::new(config.home(), addresses.authority())
    };
    let (gateway, announcements) = (gateway.clone(), announcements.clone());
    let publish = move |snapshot: Arc<types::Snapshot>, remarks: Vec<control::Remark>| {
        announcements.add(gateway.publish(&snapshot), remarks);
    };
    Control::open(settings, store, Box::new(publish)).map_err(|error| Failure::disk(error.to_string()))
}

// What is wrong with the data folder, and the way out.
fn folder_failure(dir: &std::path::Path, error: &StoreError) -> Failure {
    let way_out = match error {
        StoreError::Locked(_) => {
            "; is another gatewright running on it? --data-dir takes another folder, --ephemeral keeps nothing"
        }
        StoreError::Corrupt { .. } | StoreError::Full(_) => "",
        _ => "; --data-dir takes another folder, --ephemeral keeps nothing",
    };
    Failure::disk(format!("data folder {}: {error}{way_out}", dir.display()))
}

/// What the data plane counts for usage plans, for the control plane to tell.
struct Counted(Arc<Gateway>);

impl control::Usage for Counted {
    fn days(&self, plan_id: &str, key_id: &str, days: RangeInclusive<u64>) -> Vec<DayUse> {
        self.0.usage_by_day(plan_id, key_id, days)
    }

    fn set_remaining(&self, plan_id: &str, key_id: &str, remaining: u64) -> bool {
        self.0.set_remaining_usage(plan_id, key_id, remaining)
    }
}

// Every connection is a file; the soft limit is often 1,024.
fn raise_open_files(log: &Log) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if limit.current < limit.maximum && setrlimit(Resource::Nofile, raised).is_err() {
        log.say(
            LogLevel::Warn,
            format!("open files stay limited to {:?}: the limit could not be raised", limit.current),
        );
    }
}

/// Files that are left for connections to backends, logs, the store and the program itself: a quarter of all, within bounds.
const FILES_RESERVED_MIN: u64 = 32;
const FILES_RESERVED_MAX: u64 = 4096;
/// With fewer open files a gateway soon meets the limit, and that is said at the start.
const FILES_LOW: u64 = 4096;

/// The part of the clients' files that is for the admin address, and its most: readers of the feed, tools, backends that push.
const ADMIN_PART: u64 = 4;
const ADMIN_FILES_MAX: u64 = 1024;

// How many sockets of clients may be open at once, and how many on the admin address, where there is one.
fn client_files_max(log: &Log, has_admin: bool) -> (usize, usize) {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let Some(files) = limit.current else { return (usize::MAX, usize::MAX) };
    let (most, admin) = shares(files, has_admin);
    if files < FILES_LOW {
        let text = format!(
            "{files} files may be open, so at most {most} clients can be connected: ulimit -n, or LimitNOFILE="
        );
        log.say(LogLevel::Warn, text);
    }
    (usize::try_from(most).unwrap_or(usize::MAX), usize::try_from(admin).unwrap_or(usize::MAX))
}

// Of all files: those of clients, and those of the admin address.
fn shares(files: u64, has_admin: bool) -> (u64, u64) {
    let most = files.saturating_sub((files / 4).clamp(FILES_RESERVED_MIN, FILES_RESERVED_MAX)).max(1);
    let admin = if has_admin { (most / ADMIN_PART).clamp(1, ADMIN_FILES_MAX) } else { 0 };
    ((most - admin).max(1), admin)
}

#[cfg(test)]
mod tests {
    use super::shares;

    #[test]
    fn what_clients_and_the_admin_address_may_open_leaves_the_reserve() {
        for (files, has_admin, expected) in [
            (64, false, (32, 0)),
            (64, true, (24, 8)),
            (1024, false, (768, 0)),
            (1024, true, (576, 192)),
            (1_048_576, true, (1_043_456, 1024)),
            (8, true, (1, 1)),
            (0, false, (1, 0)),
        ] {
            assert_eq!(shares(files, has_admin), expected, "{files} {has_admin}");
        }
    }
}
