//! The end, as a sequence: stop accepting, close every client, run their `$disconnect`, exit.

use std::time::Instant;

use gateway::Gateway;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::choices::LogLevel;
use crate::logs::Log;
use crate::notify;

/// The signals that end the program. Asked for first of all, so that one which comes during the start counts.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// # Errors
    /// A sentence, when the system gives no signals.
    pub(crate) fn new() -> Result<Signals, String> {
        let terminate = signal(SignalKind::terminate()).map_err(|error| format!("wait for SIGTERM: {error}"))?;
        let interrupt = signal(SignalKind::interrupt()).map_err(|error| format!("wait for SIGINT: {error}"))?;
        Ok(Signals { terminate, interrupt })
    }
}

/// Waits for SIGTERM or SIGINT and stops in order. A second signal ends the wait for clients.
pub(crate) async fn wait_and_stop(signals: Signals, gateway: &Gateway, stopper: &watch::Sender<bool>, log: &Log) {
    let Signals { mut terminate, mut interrupt } = signals;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    stopper.send_replace(true);
    // The end does not wait for whoever wanted to know.
    let _ = notify::tell(notify::STOPPING);
    let open = gateway.open_connections();
    let begun = Instant::now();
    let what = match open {
        0 => "stopping: no client is connected".to_owned(),
        1 => "stopping: closing 1 connection and running its $disconnect".to_owned(),
        _ => format!("stopping: closing {open} connections and running their $disconnect"),
    };
    log.say(LogLevel::Info, what);
    let left = tokio::select! {
        left = gateway.drain() => left,
        _ = terminate.recv() => gateway.open_connections(),
        _ = interrupt.recv() => gateway.open_connections(),
    };
    if left > 0 {
        log.say(LogLevel::Warn, format!("{left} connections were not over in time; their $disconnect may be missing"));
    }
    log.say(LogLevel::Info, format!("stopped after {} ms", begun.elapsed().as_millis()));
    log.flush();
}
