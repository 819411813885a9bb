//! Posts to `@connections`: to a client of the node that is asked, and through it to a client of another.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::messages::cpu;
use super::{PATH, Place, Settings};
use crate::bench::backend;
use crate::bench::http::HttpConnection;
use crate::bench::load::{Lines, percent_encoded};
use crate::bench::messages::{Round, median};
use crate::bench::payload::message;
use crate::bench::plane::Figures;
use crate::bench::process::Gateway;
use crate::bench::procfs;
use crate::bench::ws::{WebSocket, source};

/// How long each load runs before it is measured.
const WARM_UP: Duration = Duration::from_millis(500);

/// What posts cost.
pub(super) struct Posts {
    /// One at a time: each post's time.
    own: Figures,
    other: Figures,
    /// Many at a time: CPU of the two nodes, and that of NATS.
    own_many: Many,
    other_many: Many,
}

#[derive(Default)]
struct Many {
    nodes: Vec<Round>,
    nats: Vec<Round>,
}

/// A client, and where posts to it go.
struct Target {
    client: WebSocket,
    path: String,
    times: Vec<Duration>,
}

impl Target {
    async fn open(gateway: &Gateway) -> anyhow::Result<Target> {
        let mut client = WebSocket::open(gateway.address, PATH, source(0, 1)).await?;
        client.send(backend::WHOAMI).await?;
        let id = client.receive().await.context("learn the connection id")?;
        ensure!(!id.is_empty(), "the backend was told no connection id");
        let path = format!("{PATH}/@connections/{}", percent_encoded(&id));
        Ok(Target { client, path, times: Vec::new() })
    }

    async fn post(&mut self, http: &mut HttpConnection, size: usize) -> anyhow::Result<()> {
        let message = message(0, size);
        let begun = Instant::now();
        let (status, body) = http.request(Method::POST, &self.path, message.clone()).await?;
        self.times.push(begun.elapsed());
        ensure!(status == StatusCode::OK, "POST {}: {status} {body:?}", self.path);
        let pushed = self.client.receive().await?;
        ensure!(pushed == message, "what was pushed arrived as {pushed:?}");
        Ok(())
    }
}

/// Posts through the first node to its own client and to one of the second, by turns.
///
/// # Errors
/// A post that is not answered with 200, or does not arrive.
pub(super) async fn measure(place: &Place<'_>, nodes: &[Gateway], settings: &Settings) -> anyhow::Result<Posts> {
    let pair = &nodes[..2];
    let (mut own, mut other) = (Target::open(&pair[0]).await?, Target::open(&pair[1]).await?);
    let mut http = HttpConnection::open(pair[0].address).await?;
    let begun = Instant::now();
    while begun.elapsed() < settings.time * 2 {
        own.post(&mut http, settings.size).await?;
        other.post(&mut http, settings.size).await?;
        if begun.elapsed() < WARM_UP.min(settings.time / 2) {
            own.times.clear();
            other.times.clear();
        }
    }
    let spent = |target: &Target| target.times.iter().sum::<Duration>();
    let (own_spent, other_spent) = (spent(&own), spent(&other));
    let mut posts = Posts {
        own: Figures::new("own", own.times, own_spent),
        other: Figures::new("other", other.times, other_spent),
        own_many: Many::default(),
        other_many: Many::default(),
    };
    let (through, count) = (pair[0].address, settings.connections);
    let mut to_own = Lines::push(through, PATH, count, false).await?;
    let mut to_other = Lines::push_through(through, pair[1].address, PATH, count).await?;
    for lines in [&mut to_own, &mut to_other] {
        lines.run(settings.size, WARM_UP).await.context("warm up the posts")?;
    }
    for round in 1..=settings.rounds {
        for (name, lines, many) in
            [("own", &mut to_own, &mut posts.own_many), ("another", &mut to_other, &mut posts.other_many)]
        {
            let before = (cpu(pair)?, procfs::cpu(place.nats.pid)?);
            let start = Instant::now();
            let units = lines.run(settings.size, settings.time).await.with_context(|| format!("post to {name}"))?;
            let (nodes, wall) = (cpu(pair)?.saturating_sub(before.0), start.elapsed());
            let nats = procfs::cpu(place.nats.pid)?.saturating_sub(before.1);
            many.nodes.push(Round { units, cpu: nodes, wall });
            many.nats.push(Round { units, cpu: nats, wall });
            eprintln!("round {round}, posts to {name:<9} {:>7.2} µs", many.nodes.last().map_or(f64::NAN, Round::cost));
        }
    }
    Ok(posts)
}

impl Posts {
    /// How much longer half of the posts take to another node.
    fn longer(&self) -> f64 {
        self.other.percentile(50) - self.own.percentile(50)
    }

    pub(super) fn print(&self, aim: f64) {
        println!("POST @connections, one at a time, then many at a time");
        println!(
            "{:<22}{:>10}{:>10}{:>14}{:>12}{:>11}",
            "", "p50 µs", "p99 µs", "nodes CPU µs", "NATS CPU µs", "a second"
        );
        for (name, one, many) in
            [("to the own node", &self.own, &self.own_many), ("to another", &self.other, &self.other_many)]
        {
            let (nodes, nats) = (median(&many.nodes, Round::cost), median(&many.nats, Round::cost));
            let (p50, p99, rate) = (one.percentile(50), one.percentile(99), median(&many.nodes, Round::per_second));
            println!("{name:<22}{p50:>10.0}{p99:>10.0}{nodes:>14.1}{nats:>12.1}{rate:>11.0}");
        }
        let verdict = if self.longer() <= aim { "met" } else { "missed" };
        println!("to another: p50 + {:.0} µs; aim: ≤ own + {aim:.0} µs, {verdict}", self.longer());
    }

    pub(super) fn as_json(&self) -> Value {
        let row = |one: &Figures, many: &Many| {
            json!({
                "count": one.count(), "p50_us": one.percentile(50), "p99_us": one.percentile(99),
                "many_cpu_us": median(&many.nodes, Round::cost), "many_nats_cpu_us": median(&many.nats, Round::cost),
                "many_per_second": median(&many.nodes, Round::per_second),
            })
        };
        json!({ "own": row(&self.own, &self.own_many), "other": row(&self.other, &self.other_many), "p50_longer_us": self.longer() })
    }
}
