//! Opens a connection: the upgrade request, `$connect`, the answer.
//!
//! The steps are those of docs/aws/data-plane.md 1.2. Nothing of them stays in memory once the client is in.

use std::net::IpAddr;
use std::sync::Arc;

use serde_json::json;
use tokio::io::AsyncWriteExt;
use types::Dialect;
use types::event::{Connection, Event, EventKind, Handshake};
use types::headers::Headers;
use types::id::IdKind;
use types::identity::Identity;

use crate::address::Below;
use crate::client::Client;
use crate::connection;
use crate::early::Expected;
use crate::gateway::Gateway;
use crate::handshake::{self, HandshakeAnswer, RequestHead};
use crate::life::Reading;
use crate::metrics::StageMetrics;
use crate::nowhere::Who;
use crate::refusal::{By, Outcome, Refusal, RefusalKind};
use crate::registry::Counted;
use crate::socket::Socket;
use crate::sources::Seat;
use crate::walk;

/// Where a request came from, and how: to us, or to a proxy that is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The client's address.
    pub ip: IpAddr,
    /// The port that it came from; 0 where that is not known, as behind a proxy.
    pub port: u16,
    /// The port that it came to: ours, or the proxy's.
    pub local_port: u16,
    /// Whether it came under TLS: here, or there.
    pub tls: bool,
}

/// A client that `$connect` let in and that has not been answered yet. It must be [started](Opening::start) or
/// [abandoned](Opening::abandon), so that its `$disconnect` runs.
#[must_use]
pub struct Opening {
    gateway: Arc<Gateway>,
    connection: Arc<Connection>,
    counted: Counted,
    /// What backends said to it already.
    early: Option<Expected>,
    metrics: Arc<StageMetrics>,
    seat: Option<Seat>,
}

/// The stage that a handshake is for.
struct Reached {
    plan: Arc<mapping::Plan>,
    domain_name: String,
    /// What stands behind the stage.
    path: Option<Arc<str>>,
    /// What is counted of it.
    metrics: Arc<StageMetrics>,
}

impl Gateway {
    /// Takes an upgrade request through `$connect`. The answer is the caller's to send; with an [`Opening`] it is a 101.
    pub async fn open(self: &Arc<Self>, head: RequestHead, peer: Arrival) -> (HandshakeAnswer, Option<Opening>) {
        let begun = self.now();
        let Some(reached) = self.reach(&head) else {
            let answer = forbidden(self.dialect);
            self.metrics.nowhere().handshake(answer.status, self.now().saturating_sub(begun));
            return (answer, None);
        };
        let metrics = reached.metrics.clone();
        if !self.lets_page_in(&reached.plan.key, &head.headers) {
            let answer = plain(403, "ForbiddenException", "Forbidden");
            metrics.handshake(answer.status, self.now().saturating_sub(begun));
            return (answer, None);
        }
        let (answer, opening) = self.let_in(head, peer, reached).await;
        metrics.handshake(answer.status, self.now().saturating_sub(begun));
        (answer, opening)
    }

    // The stage that a request is for. Where there is none, whoever runs the gateway is told what there is instead.
    fn reach(&self, head: &RequestHead) -> Option<Reached> {
        let (host, path) = (head.host(), head.path_and_query().0);
        let address = self.address(host, path);
        let reached = address.as_ref().and_then(|address| {
            let path = match &address.below {
                Below::Nothing => None,
                Below::Path(path) if self.dialect.extended => Some(path.as_str().into()),
                _ => return None,
            };
            let plan = self.stages.enter(&address.key).filter(|plan| address.reaches(plan))?;
            let metrics = self.stages.metrics(&plan.key).unwrap_or_else(|| self.metrics.nowhere().clone());
            Some(Reached { plan, domain_name: address.domain_name.clone(), path, metrics })
        });
        if reached.is_none() {
            self.tell_of_nowhere(Who::Client, host, path, address.as_ref());
        }
        reached
    }

    async fn let_in(
        self: &Arc<Self>,
        mut head: RequestHead,
        peer: Arrival,
        reached: Reached,
    ) -> (HandshakeAnswer, Option<Opening>) {
        let Reached { plan, domain_name, path, metrics } = reached;
        let accept_key = match head.accept_key() {
            Ok(key) => key,
            Err(detail) => return (plain(400, "BadRequestException", detail), None),
        };
        if head.target.len() > self.limits.url_bytes {
            return (plain(414, "BadRequestException", "URI Too Long"), None);
        }
        if head.header_bytes() > self.limits.header_bytes {
            return (plain(431, "BadRequestException", "Request Header Fields Too Large"), None);
        }
        // Counted before it is asked whether there is room, so that a drain that begins now waits for this one.
        let counted = Counted::new(self.registry.clone());
        if !self.lets_in() {
            return (plain(503, "ServiceUnavailableException", "Service Unavailable"), None);
        }
        let at = self.wall_clock();
        let query = head.path_and_query().1.to_owned();
        let connection = Arc::new(Connection {
            id: self.new_id(IdKind::Connection),
            stage: plan.key.clone(),
            domain_name: self.intern(&domain_name),
            source_ip: peer.ip,
            user_agent: head.headers.get("User-Agent").map(|agent| self.intern(shortened(agent))),
            connected_at: at,
            path,
            identity: head
                .certificate
                .take()
                .map(|shown| Arc::new(Identity { certificate: Some(shown), ..Identity::default() })),
        });
        let request_id = self.new_id(IdKind::Request);
        let handshake = Handshake {
            query: handshake::query_parameters(&query),
            query_string: query,
            path: head.path_and_query().0.to_owned(),
            headers: forwarded(head.headers, peer, mapping::trace_id(&connection.id, &request_id, at)),
        };
        let mut event = Event { connection, request_id, at, kind: EventKind::Connect(Box::new(handshake)) };
        if let Err(refusal) = self.has_room() {
            if let Some(by) = refusal.throttled_by() {
                metrics.throttled(by);
            }
            return (refused(&refusal, &event, self.dialect), None);
        }
        let early = self.dialect.extended.then(|| self.early.expect(&event.connection));
        let outcome = Box::pin(walk::run(self, &mut event, walk::nobody)).await;
        self.write_down_answer(&event, &outcome).await;
        let reply = match outcome {
            Ok(reply) => reply,
            Err(refusal) => return (refused(&refusal, &event, self.dialect), None),
        };
        let connection = event.connection;
        match reply {
            Some(reply) if !(200..300).contains(&reply.status) => {
                // The status always; the rest only if the route has a route response (observed).
                let (mut headers, body) = match reply.two_way {
                    true => (handshake::end_to_end(&reply.headers), reply.body.to_vec()),
                    false => (Headers::new(), Vec::new()),
                };
                headers.set("x-amzn-RequestId", request_id.to_string());
                (HandshakeAnswer { status: refusal_status(reply.status), headers, body }, None)
            }
            reply => {
                let answer = handshake::accepted(&accept_key, reply.as_ref().map(|reply| &reply.headers));
                (answer, Some(Opening { gateway: self.clone(), connection, counted, early, metrics, seat: None }))
            }
        }
    }

    /// Writes down that a client may be let in, before its backend is told; nothing for other events.
    pub(crate) async fn write_down(&self, event: &Event) {
        let (Some(journal), EventKind::Connect(_)) = (&self.journal, &event.kind) else { return };
        if let Some(position) = journal.begin(&event.connection) {
            journal.written(position).await;
        }
    }

    // Whoever is let in is written down by now, also where no backend was asked; whoever is not has nothing to end.
    async fn write_down_answer(&self, event: &Event, outcome: &Outcome) {
        let Some(journal) = &self.journal else { return };
        match outcome {
            Ok(reply) if reply.as_ref().is_none_or(|reply| (200..300).contains(&reply.status)) => {
                let position = journal.begin(&event.connection).unwrap_or_else(|| journal.latest());
                journal.durable(position).await;
            }
            Ok(_) | Err(_) => journal.end(&event.connection.id),
        }
    }

    fn has_room(&self) -> Result<(), Refusal> {
        if self.limits.connections != 0 && self.open_connections() > self.limits.connections {
            return Err(Refusal::new(RefusalKind::Throttled(By::Connections), "the limit connections is reached"));
        }
        self.account_limits.connection()
    }

    /// Opens a connection on a socket of its own: takes it through `$connect`, answers, and hands it to its task.
    pub async fn accept(self: Arc<Self>, head: RequestHead, mut socket: Socket, rest: Vec<u8>, peer: Arrival) {
        let (answer, opening) = self.open(head, peer).await;
        match opening {
            Some(opening) => opening.start(socket, rest, &answer.to_bytes()),
            // The client may be gone; then there is nobody to tell.
            None => {
                let _ = socket.write_all(&answer.to_bytes()).await;
                let _ = socket.shutdown().await;
            }
        }
    }
}

impl Opening {
    /// The same, with what is kept for as long as the connection is there.
    pub fn on(self, seat: Option<Seat>) -> Opening {
        Opening { seat, ..self }
    }

    /// Hands the connection to its task. `answer` goes out first, unless it has gone already and is empty; `rest` is
    /// what the client sent behind its request.
    pub fn start(self, socket: Socket, mut rest: Vec<u8>, answer: &[u8]) {
        let Opening { gateway, connection, counted, early, metrics, seat } = self;
        let (reader, writer, session, deciphered) = socket.into_parts();
        rest.extend(deciphered);
        let now = gateway.now();
        let register = |client: &Arc<Client>| {
            gateway.registry.insert(client.clone());
            let early = early.map(Expected::take).unwrap_or_default();
            early.into_iter().map(|message| gateway.framed_bytes(message)).collect()
        };
        let client = Client::open(connection, metrics, now, (writer, session), answer, register);
        gateway.look_after(&client, now);
        // The program's end, or the stage's, may have come while `$connect` ran, before this client could be found.
        if !gateway.lets_in() || gateway.stages.enter(&client.info.stage).is_none() {
            gateway.close_as_going_away(&client);
        }
        connection::spawn(gateway, client, reader, Reading::of(rest), counted, seat);
    }

    /// Runs `$disconnect` for a client that was gone before it could be answered.
    pub async fn abandon(self) {
        connection::finish_unopened(&self.gateway, self.connection).await;
    }
}

// A backend's 1xx cannot end a handshake.
/// How much of a client's `User-Agent` a connection keeps, in bytes: it lives as long as the connection does, and the
/// longest that browsers send has some 300. The header itself goes to `$connect` whole.
const USER_AGENT_BYTES_MAX: usize = 1024;

fn shortened(agent: &str) -> &str {
    &agent[..agent.floor_char_boundary(USER_AGENT_BYTES_MAX)]
}

fn refusal_status(status: u16) -> u16 {
    if (200..1000).contains(&status) { status } else { 502 }
}

// What the gateway adds for the backend to see. Source: observed in recorded events.
fn forwarded(mut headers: Headers, peer: Arrival, trace_id: String) -> Headers {
    if headers.get("X-Amzn-Trace-Id").is_none() {
        headers.append("X-Amzn-Trace-Id", trace_id);
    }
    let peer_ip = peer.ip.to_string();
    let chain: Vec<_> = headers.get_all("X-Forwarded-For").chain([peer_ip.as_str()]).collect();
    headers.set("X-Forwarded-For", chain.join(", "));
    headers.set("X-Forwarded-Port", peer.local_port.to_string());
    headers.set("X-Forwarded-Proto", if peer.tls { "https" } else { "http" });
    headers
}

fn forbidden(dialect: Dialect) -> HandshakeAnswer {
    let message = match dialect.extended {
        true => "Forbidden: no stage is deployed at this address; it is wss://HOST/STAGE",
        false => "Forbidden",
    };
    plain(403, "ForbiddenException", message)
}

/// A refusal before there is a connection or request id to name.
fn plain(status: u16, error_type: &'static str, message: &str) -> HandshakeAnswer {
    let headers = [("Content-Type", "application/json"), ("x-amzn-ErrorType", error_type)].into_iter().collect();
    HandshakeAnswer { status, headers, body: json!({ "message": message }).to_string().into_bytes() }
}

fn refused(refusal: &Refusal, event: &Event, dialect: Dialect) -> HandshakeAnswer {
    let headers = [
        ("Content-Type", "application/json".to_owned()),
        ("x-amzn-RequestId", event.request_id.to_string()),
        ("x-amzn-ErrorType", refusal.error_type().to_owned()),
    ];
    let body = refusal.frame(event, dialect).into_bytes();
    HandshakeAnswer { status: refusal.status(), headers: headers.into_iter().collect(), body }
}

/// The answer to a request of the data plane that asks for no upgrade. Source: observed (weak), 426.
pub fn upgrade_required() -> HandshakeAnswer {
    let mut answer = plain(426, "BadRequestException", "Upgrade Required");
    answer.headers.append("Upgrade", "websocket");
    answer
}
