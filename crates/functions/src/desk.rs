//! What a process asks at: the Runtime API's side of one environment.

use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::function::Function;
use crate::roster::Job;

/// What all paths of the Runtime API begin with. Source: documented ("Using the Lambda runtime API").
pub(crate) const BASE: &str = "/2018-06-01/runtime/";

/// What the process's requests come to.
pub(crate) struct Desk {
    pub(crate) function: Arc<Function>,
    /// Which of its environments this is.
    pub(crate) seat: u64,
    /// What the process knows this by.
    pub(crate) address: String,
    last: Mutex<Option<Arc<str>>>,
}

impl Desk {
    pub(crate) fn new(function: Arc<Function>, seat: u64, address: String) -> Arc<Desk> {
        Arc::new(Desk { function, seat, address, last: Mutex::default() })
    }

    /// The invocation that runs, or ran last: what is printed may be heard after the answer.
    pub(crate) fn request_id(&self) -> Option<Arc<str>> {
        self.last.lock().ok().and_then(|last| last.clone())
    }

    /// Says which invocation runs from now on.
    pub(crate) fn runs(&self, job: &Job) {
        if let Ok(mut last) = self.last.lock() {
            *last = Some(job.request_id.clone());
        }
    }

    /// Until when one that begins now may run, in milliseconds since 1970.
    pub(crate) fn deadline(&self) -> u64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from((now + self.function.settings().timeout).as_millis()).unwrap_or(u64::MAX)
    }
}
