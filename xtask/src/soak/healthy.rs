//! One client that behaves well and talks all the time: what it waits for its echo is what others notice of a crowd.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::ensure;

use crate::bench::ws::WebSocket;
use crate::soak::phases::Place;

/// Between two echoes.
const PAUSE: Duration = Duration::from_millis(10);
const MESSAGE: &[u8] = b"are others still served?";

/// The client.
pub(crate) struct Healthy {
    socket: WebSocket,
}

/// How long echoes took during one phase.
#[derive(Clone, Debug, Default)]
pub(crate) struct Latencies {
    all: Vec<Duration>,
}

impl Latencies {
    /// The time within which `percent` of the echoes came; zero when there were none.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let mut all = self.all.clone();
        all.sort_unstable();
        let at = (all.len() * percent / 100).min(all.len().saturating_sub(1));
        all.get(at).copied().unwrap_or_default()
    }

    /// How many echoes there were.
    pub(crate) fn count(&self) -> usize {
        self.all.len()
    }
}

impl Healthy {
    /// Connects.
    ///
    /// # Errors
    /// When it is not let in.
    pub(crate) async fn connect(place: &Place) -> anyhow::Result<Healthy> {
        Ok(Healthy { socket: WebSocket::open(place.server, &place.path, Ipv4Addr::LOCALHOST).await? })
    }

    /// Talks until `work` is done; gives what that gave, and how long the echoes took.
    ///
    /// # Errors
    /// Those of `work`, and an echo that does not come.
    pub(crate) async fn meanwhile<T>(
        &mut self,
        work: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<(T, Latencies)> {
        let mut latencies = Latencies::default();
        let mut work = std::pin::pin!(work);
        let mut done = None;
        while done.is_none() {
            let start = Instant::now();
            let echo = async {
                self.socket.send(MESSAGE).await?;
                let reply = self.socket.receive().await?;
                ensure!(reply == MESSAGE, "the healthy client's echo was {reply:?}");
                latencies.all.push(start.elapsed());
                tokio::time::sleep(PAUSE).await;
                anyhow::Ok(())
            };
            // An echo that has begun is waited for to its end, or the next one would find its answer.
            let mut echo = std::pin::pin!(echo);
            loop {
                tokio::select! {
                    result = &mut work, if done.is_none() => done = Some(result?),
                    result = &mut echo => { result?; break }
                }
            }
        }
        let given = done.ok_or_else(|| anyhow::anyhow!("a phase ended without a result"))?;
        Ok((given, latencies))
    }

    /// Closes as a client should.
    ///
    /// # Errors
    /// When the gateway does not close in turn.
    pub(crate) async fn leave(self) -> anyhow::Result<()> {
        self.socket.close().await
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, Latencies};

    #[test]
    fn percentiles_lie_among_what_was_measured() {
        let all = (1..=200).rev().map(Duration::from_millis).collect();
        let latencies = Latencies { all };
        assert_eq!(latencies.percentile(50), Duration::from_millis(101));
        assert_eq!(latencies.percentile(100), Duration::from_millis(200));
        assert_eq!(Latencies::default().percentile(99), Duration::ZERO);
    }
}
