//! An execution environment: a process, and the Runtime API that it asks. Its keeper is the task that owns both.

use std::sync::Arc;
use std::time::Instant;

use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::api;
use crate::desk::Desk;
use crate::function::Function;
use crate::process::Process;
use crate::roster::Look;

/// A Runtime API, which ends with its process.
struct Server(JoinHandle<()>);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Begins an environment of a function, which ends by itself.
pub(crate) fn begin(runtime: &Handle, function: Arc<Function>, id: u64, bell: Arc<Notify>) {
    runtime.spawn(keep(function, id, bell));
}

// Sees to it until it is gone: what takes too long, and what ends by itself.
async fn keep(function: Arc<Function>, id: u64, bell: Arc<Notify>) {
    let (mut process, server) = match begun(&function, id).await {
        Ok(both) => both,
        Err(why) => return function.is_not_begun(id, &why),
    };
    let mut has_ended = false;
    loop {
        let (look, deeds) = function.look(id);
        let Look::Again(at) = look else {
            // Before anybody is told.
            drop((process, server));
            return function.does(deeds);
        };
        function.does(deeds);
        tokio::select! {
            how = process.ended(), if !has_ended => {
                has_ended = true;
                function.has_ended(id, &how);
            }
            () = bell.notified() => {}
            () = until(at) => {}
        }
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

// The error is a sentence: the program cannot be begun, or there is no port.
async fn begun(function: &Arc<Function>, id: u64) -> Result<(Process, Server), String> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(|error| format!("the Runtime API: {error}"))?;
    let address = listener.local_addr().map_err(|error| format!("the Runtime API: {error}"))?.to_string();
    let settings = function.settings();
    let desk = Desk::new(function.clone(), id, address.clone());
    let hear = {
        let (desk, voice, name) = (desk.clone(), function.voice().clone(), settings.name.clone());
        Arc::new(move |line: &str| voice.printed(&name, desk.request_id().as_deref(), line))
    };
    let process = Process::begin(function.command(), &settings.code, &settings.variables(&address), hear)?;
    function.has_begun(id, process.grip());
    Ok((process, Server(tokio::spawn(api::serve(desk, listener)))))
}
