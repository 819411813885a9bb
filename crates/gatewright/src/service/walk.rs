//! Every path of every service, asked on both addresses in every spelling: with an address of its own, nothing of the
//! control plane, the console, the feed and the metrics answers on the public one.
//!
//! The paths come from the program's own tables, so that a new one is walked too.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use control::store::MemoryStore;
use control::{Control, Settings as ControlSettings};
use functions::Directory;
use gateway::{Alone, Gateway, Settings};
use integration::Integrations;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use types::Dialect;
use types::limits::Limits;

use super::{PAGES, Page, Service};
use crate::args::Options;
use crate::banner::Addresses;
use crate::choices::{LogFormat, LogLevel};
use crate::config::Config;
use crate::console;
use crate::front;
use crate::logs::Log;
use crate::stacks::{Stacks, call};

/// Who answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    /// Nobody: there is nothing of that name.
    Nobody,
    /// Nobody, because the name could be anybody's.
    Stranger,
    /// Nobody, because the request does not say whom it is for.
    Unclear,
    DataPlane,
    Health,
    ControlPlane,
    Console,
    Feed,
    Metrics,
    Stages,
    Stacks,
    About,
    /// What console and terminal ask.
    View,
}

impl Who {
    /// What may answer on the public address.
    fn is_public(self) -> bool {
        matches!(self, Who::Nobody | Who::Stranger | Who::Unclear | Who::DataPlane | Who::Health)
    }

    /// Tells by what only one of them says.
    fn of(head: &str, body: &str) -> Who {
        let status = head.split(' ').nth(1).unwrap_or_default();
        let has = |header: &str| head.to_ascii_lowercase().contains(&format!("\r\n{header}"));
        let says = |part: &str| body.contains(part);
        match status {
            _ if VIEWS.iter().any(|said| says(said)) => Who::View,
            "404" if says("nothing is served at") || says("this address names no API") => Who::Nobody,
            "403" if says("--allow-host") => Who::Stranger,
            "400" if says("Host header") || body.is_empty() => Who::Unclear,
            "308" | "303" if has("location: /_console/") => Who::Console,
            "200" if has("content-type: text/event-stream") => Who::Feed,
            "200" if body.starts_with("# HELP") => Who::Metrics,
            "200"
                if ["html", "css", "javascript", "plain; charset=utf-8\r\ncontent-security-policy"]
                    .iter()
                    .any(|kind| has(&format!("content-type: text/{kind}"))) =>
            {
                Who::Console
            }
            "200" if says(r#""status":"ok""#) => Who::Health,
            "200" if says(r#""program":"gatewright""#) => Who::About,
            "200" if says(r#""stages":"#) => Who::Stages,
            "200" if says(r#""stacks":"#) => Who::Stacks,
            "426" => Who::DataPlane,
            "403" if body == r#"{"message":"Forbidden"}"# => Who::DataPlane,
            "404" if says("No method found matching route") => Who::DataPlane,
            "410" => Who::DataPlane,
            _ => Who::ControlPlane,
        }
    }
}

/// What answers of views say, and no others.
const VIEWS: &[&str] = &[
    "\"events\":[",
    "nothing is kept",
    "\"watched\":[",
    "\"connections\":[",
    "is no connection's id",
    "`api` is missing",
    "\"stepSeconds\"",
    "\"apis\":[",
    "the body is not JSON",
];

struct Here {
    public: SocketAddr,
    admin: SocketAddr,
    stopper: watch::Sender<bool>,
}

async fn start() -> Here {
    let mut options = Options::default();
    options.set("ephemeral", "true");
    let config = Config::new(options).unwrap();
    let log = Log::start(LogLevel::Error, LogFormat::Json, None, &Limits::default());
    let gateway = Gateway::new(Settings {
        limits: Limits::default(),
        node: 0,
        sink: Arc::new(log.clone()),
        metrics_series: 10,
        peers: Box::new(Alone),
        dialect: Dialect::default(),
        public_authority: None,
        vpc_links: BTreeMap::new(),
        origins: Vec::new(),
        integrations: Integrations::new(1 << 20, Vec::new()),
        authorizer: None,
        journal: None,
    });
    let published = gateway.clone();
    let control = Control::open(
        ControlSettings::new(config.home(), "127.0.0.1".to_owned()),
        Arc::new(MemoryStore::default()),
        Box::new(move |snapshot, _| drop(published.publish(&snapshot))),
    );
    let control = Arc::new(control.unwrap());
    let addresses = Addresses { listen: ([127, 0, 0, 1], 1).into(), admin: None, tls: false, public_url: None };
    let stacks = Stacks::alone(control.clone(), Arc::new(Directory::silent()), config.home(), addresses);
    let stacks = Arc::new(stacks);
    let (stopper, stop) = watch::channel(false);
    let mut addresses = Vec::new();
    for (serves_clients, serves_admin) in [(true, false), (false, true)] {
        let series = Arc::<traces::series::Series>::default();
        let mut service = Service::new(gateway.clone(), control.clone(), log.clone(), series.clone(), None, &config);
        (service.serves_clients, service.serves_admin) = (serves_clients, serves_admin);
        service.stacks = Some(stacks.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        addresses.push(listener.local_addr().unwrap());
        tokio::spawn(front::accept(listener, Arc::new(service), None, stop.clone()));
    }
    Here { public: addresses[0], admin: addresses[1], stopper }
}

/// One request on a socket of its own: head and body of the answer, of a feed its beginning.
async fn ask(address: SocketAddr, method: &str, target: &str, host: &str, body: &str) -> (String, String) {
    let length = body.len();
    let request = format!(
        "{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    let answer = async {
        let mut wire = TcpStream::connect(address).await.unwrap();
        wire.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // A feed has no end.
        while !answer.windows(17).any(|part| part == b"text/event-stream")
            && wire.read_buf(&mut answer).await.unwrap() > 0
        {}
        String::from_utf8_lossy(&answer).into_owned()
    };
    let answer = tokio::time::timeout(Duration::from_secs(30), answer).await.expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    (head.to_owned(), body.to_owned())
}

async fn create(admin: SocketAddr, path: &str, body: &str) -> String {
    let (head, answer) = ask(admin, "POST", path, "localhost", body).await;
    assert!(head.starts_with("HTTP/1.1 201"), "{path}: {head} {answer}");
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    ["apiId", "integrationId"].iter().find_map(|id| answer[id].as_str()).unwrap_or_default().to_owned()
}

/// An API with a stage that clients reach by host, by path and by a domain name of its own.
async fn define(admin: SocketAddr) -> String {
    let of_api = r#"{"name":"a","protocolType":"WEBSOCKET","routeSelectionExpression":"$request.body.action"}"#;
    let api = create(admin, "/v2/apis", of_api).await;
    let to = create(admin, &format!("/v2/apis/{api}/integrations"), r#"{"integrationType":"MOCK"}"#).await;
    let route = format!(r#"{{"routeKey":"$default","target":"integrations/{to}"}}"#);
    create(admin, &format!("/v2/apis/{api}/routes"), &route).await;
    create(admin, &format!("/v2/apis/{api}/stages"), r#"{"stageName":"v2","autoDeploy":true}"#).await;
    let domain = r#"{"domainName":"ws.example.com","domainNameConfigurations":[{"certificateArn":"arn:aws:acm:us-east-1:1:certificate/c"}]}"#;
    create(admin, "/v2/domainnames", domain).await;
    let mapping = format!(r#"{{"apiId":"{api}","stage":"v2"}}"#);
    create(admin, "/v2/domainnames/ws.example.com/apimappings", &mapping).await;
    api
}

/// Every path that is not the data plane's, with a method that it takes, and who it is.
fn paths() -> Vec<(&'static str, String, Who)> {
    let pages = PAGES.iter().map(|(path, page)| {
        let who = match page {
            Page::Health => Who::Health,
            Page::Log => Who::Feed,
            Page::Metrics => Who::Metrics,
            Page::About => Who::About,
            Page::Stages => Who::Stages,
            Page::Moved => Who::Console,
        };
        ("GET", (*path).to_owned(), who)
    });
    let files = console::names().map(|name| ("GET", format!("{}{name}", console::PATH), Who::Console));
    // Parameters are words that name nothing, so that nothing is changed.
    let operations = Control::operations().map(|(method, path)| {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let segments = path.split('/').map(|segment| if segment.starts_with('{') { "nothing" } else { segment });
        let path = segments.collect::<Vec<_>>().join("/");
        let query = if query.is_empty() { String::new() } else { format!("?{query}") };
        (method, format!("{path}{query}"), Who::ControlPlane)
    });
    let roots = ["/v2", "/v2/", "/restapis", "/restapis/x", "/v2/nothing"];
    let roots = roots.map(|path| ("GET", path.to_owned(), Who::ControlPlane));
    let views = [
        "events",
        "events/nothing",
        "watch",
        "connections",
        "connections/nothing",
        "changes",
        "series",
        "doctor",
        "follow",
    ];
    let views = views.map(|name| ("GET", format!("/_gatewright/v1/{name}"), Who::View));
    let posted = ["try", "render", "watch"].map(|name| ("POST", format!("/_gatewright/v1/{name}"), Who::View));
    let stack = format!("{}/nothing", call::PATH);
    let stacks = [
        ("GET", call::PATH.to_owned(), Who::Stacks),
        ("POST", stack.clone(), Who::ControlPlane),
        ("DELETE", stack, Who::ControlPlane),
    ];
    pages.chain(files).chain(operations).chain(roots).chain(stacks).chain(views).chain(posted).collect()
}

/// The same path as others spell it who look for a way in.
fn spellings(path: &str, host: &str) -> Vec<String> {
    let rest = path.strip_prefix('/').unwrap_or(path);
    let encoded: String = rest.bytes().take(3).map(|byte| format!("%{byte:02x}")).collect();
    let rest_behind = rest.get(3.min(rest.len())..).unwrap_or_default();
    vec![
        format!("http://{host}{path}"),
        path.to_ascii_uppercase(),
        format!("/{encoded}{rest_behind}"),
        format!("//{rest}"),
        format!("///{rest}"),
        format!("/./{rest}"),
        format!("/x/../{rest}"),
        format!("/_aws/../{rest}"),
        format!("/_aws/execute-api/../../{rest}"),
        format!("/_health/../{rest}"),
        format!("/%2e%2e/{rest}"),
        format!("/%2f{rest}"),
        format!("{path}/"),
        format!("{path};x=y"),
        format!("{path}%20"),
        format!("/{rest}#x"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_public_address_has_the_data_plane_and_nothing_else() {
    let here = start().await;
    let api = define(here.admin).await;
    let (public, admin) = (here.public, here.admin);
    let by_host = |suffix: &str| format!("{api}.execute-api.{suffix}");
    for (method, path, owner) in paths() {
        let health = owner == Who::Health;
        let or_health = |who: Who| if health { Who::Health } else { who };
        // Who answers the path as it stands, by the name it is asked under: on the public address, on the other one.
        for (host, on_public, on_admin) in [
            (format!("127.0.0.1:{}", public.port()), or_health(Who::Nobody), owner),
            (format!("LocalHost:{}", public.port()), or_health(Who::Nobody), owner),
            (format!("localhost.:{}", public.port()), or_health(Who::Nobody), owner),
            (by_host("localhost"), Who::DataPlane, owner),
            (by_host("us-east-1.amazonaws.com"), Who::DataPlane, or_health(Who::Stranger)),
            (by_host("us-east-1.amazonaws.com").to_ascii_uppercase(), Who::DataPlane, or_health(Who::Stranger)),
            ("ws.example.com".to_owned(), Who::DataPlane, or_health(Who::Stranger)),
            ("evil.com".to_owned(), or_health(Who::Stranger), or_health(Who::Stranger)),
        ] {
            for (address, expected) in [(public, on_public), (admin, on_admin)] {
                let (head, body) = ask(address, method, &path, &host, "").await;
                let got = Who::of(&head, &body);
                let place = if address == public { "public" } else { "admin" };
                assert_eq!(got, expected, "{method} {path} as {host} on the {place} address: {head}\n{body}");
            }
        }
        for host in [format!("127.0.0.1:{}", public.port()), "ws.example.com".to_owned(), String::new()] {
            for target in spellings(&path, &host) {
                let (head, body) = ask(public, method, &target, &host, "").await;
                let got = Who::of(&head, &body);
                assert!(got.is_public(), "{method} {target} as {host:?} is answered by {got:?}: {head}\n{body}");
            }
        }
    }
    let _ = here.stopper.send(true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pushes_are_taken_on_both_addresses_and_handshakes_on_the_public_one() {
    let here = start().await;
    let api = define(here.admin).await;
    let own = format!("127.0.0.1:{}", here.public.port());
    let by_host = format!("{api}.execute-api.localhost");
    for (host, path, at_admin) in [
        (own.as_str(), format!("/_aws/execute-api/{api}/v2"), Who::Nobody),
        (&by_host, "/v2".to_owned(), Who::ControlPlane),
        ("ws.example.com", "/".to_owned(), Who::Stranger),
    ] {
        for (address, expected) in [(here.public, Who::DataPlane), (here.admin, at_admin)] {
            let (head, body) = ask(address, "GET", &path, host, "").await;
            assert_eq!(Who::of(&head, &body), expected, "{host}{path} on {address}: {head}\n{body}");
        }
        for at in ["@connections", "%40connections"] {
            let push = format!("{}/{at}/abcdefghijklmno=", path.trim_end_matches('/'));
            for address in [here.public, here.admin] {
                let (head, body) = ask(address, "POST", &push, host, "x").await;
                assert_eq!(Who::of(&head, &body), Who::DataPlane, "{host}{push} on {address}: {head}\n{body}");
            }
        }
    }
    let upgrade = format!(
        "GET /_aws/execute-api/{api}/v2 HTTP/1.1\r\nHost: {own}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    for (address, status) in [(here.public, "HTTP/1.1 101"), (here.admin, "HTTP/1.1 403")] {
        let mut wire = TcpStream::connect(address).await.unwrap();
        wire.write_all(upgrade.as_bytes()).await.unwrap();
        let mut answer = vec![0; status.len()];
        wire.read_exact(&mut answer).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&answer), status, "{address}");
    }
    let _ = here.stopper.send(true);
}
