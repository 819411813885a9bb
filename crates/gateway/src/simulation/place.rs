//! Where a schedule is played: a gateway whose clock, chance, sockets and backend are the test's.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use types::headers::Headers;
use types::message::{IntegrationRequest, IntegrationResponse};

use super::backend::{self, Call, Scripted};
pub(crate) use super::line::Line;
use super::run;
use super::world::World;
use crate::gateway::{Gateway, Settings};
use crate::refusal::{Refusal, RefusalKind};
use crate::socket::Socket;

/// What a rate of a schedule is in requests per second. Token buckets have a clock of their own, a real one: so slow, no
/// token comes back while a schedule runs.
pub(crate) const RATE: f64 = 1e-6;
/// How many clients may wait at the door; more wait before it.
const BACKLOG: usize = 4;
/// Only a socket of the system's can be handed over.
pub(crate) const MOVES: bool = false;
/// The clock stands here when a schedule begins.
const BEGIN: Duration = Duration::from_secs(1_700_000_000);

/// What a gateway takes from the test and not from the world.
pub(crate) struct Simulated {
    random: Mutex<StdRng>,
    backend: OnceLock<Backend>,
}

type Backend = Box<dyn Fn(Call) -> Pin<Box<dyn Future<Output = Scripted> + Send>> + Send + Sync>;

impl Simulated {
    pub(crate) fn random(&self) -> u64 {
        self.random.lock().unwrap().random()
    }

    /// What the backend answers.
    pub(crate) async fn answer(&self, request: &IntegrationRequest) -> Result<IntegrationResponse, Refusal> {
        let call = Call::read(|name| request.headers.get(name), &request.body);
        // A real one takes a while, however short.
        tokio::task::yield_now().await;
        let answer = match self.backend.get() {
            Some(backend) => backend(call).await,
            None => None,
        };
        let (status, body) = answer.ok_or_else(|| Refusal::new(RefusalKind::IntegrationFailure, "it hung up"))?;
        Ok(IntegrationResponse {
            status,
            headers: Headers::new(),
            body: Bytes::from(body),
            latency: Duration::ZERO,
            times: None,
            function_failed: false,
        })
    }
}

pub(crate) struct Place {
    seed: u64,
}

/// Where clients come in.
#[derive(Clone)]
pub(crate) struct Door(mpsc::Sender<Line>);

impl Place {
    pub(crate) async fn new(seed: u64) -> Place {
        Place { seed }
    }

    // Nobody listens there.
    pub(crate) fn backend(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, 9).into()
    }

    pub(crate) fn gateway(&self, settings: Settings) -> Arc<Gateway> {
        let simulated = Simulated { random: Mutex::new(StdRng::seed_from_u64(self.seed)), backend: OnceLock::new() };
        Gateway::simulated(settings, BEGIN, simulated)
    }

    /// Serves until the set is dropped.
    pub(crate) fn serve(self, world: &Arc<World>, servers: &mut JoinSet<()>) -> Door {
        let (door, clients) = mpsc::channel(BACKLOG);
        servers.spawn(accept(clients, world.gateway.clone()));
        // The gateway does not keep the world that keeps it.
        let weak = Arc::downgrade(world);
        let backend: Backend = Box::new(move |call| {
            let world = weak.upgrade();
            Box::pin(async move { backend::answer(&call, &*world?).await })
        });
        let simulated = world.gateway.simulated.as_ref().expect("it was made so");
        assert!(simulated.backend.set(backend).is_ok());
        Door(door)
    }
}

async fn accept(mut clients: mpsc::Receiver<Line>, gateway: Arc<Gateway>) {
    let mut greeted = JoinSet::new();
    while let Some(line) = clients.recv().await {
        greeted.spawn(run::greet(Socket::Simulated(line), IpAddr::from([127, 0, 0, 1]), gateway.clone()));
    }
}

impl Line {
    pub(crate) async fn connect(door: &Door) -> io::Result<Line> {
        let (client, server) = Line::pair();
        door.0.send(server).await.map_err(|_| io::ErrorKind::ConnectionRefused)?;
        Ok(client)
    }
}
