//! Why a node cannot be one of many.

use std::path::PathBuf;

/// What is wrong between this node and NATS, in words for whoever starts it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The cluster's name does not fit into subjects.
    #[error("the cluster's name `{0}` is not 1 to 32 letters, digits, `-` and `_`")]
    Name(String),
    /// The number of copies is one that NATS does not make.
    #[error("{0} replicas: NATS keeps 1, 3 or 5")]
    Replicas(usize),
    /// The lease is too short for what a healthy NATS may be silent.
    #[error("a lease of {0} seconds: it takes 3 at least, and 15 to outlive the election of a leader")]
    Lease(u64),
    /// No server answers.
    #[error("no NATS server answers at {servers}: {detail}")]
    Unreachable {
        /// Those that were tried.
        servers: String,
        /// What happened at the last of them.
        detail: String,
    },
    /// A file of the login or of TLS cannot be used.
    #[error("{}: {detail}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// The server is older than what the leases need.
    #[error(
        "the NATS server {server} is version {version}; 2.11 or newer is needed, as only those tell when a lease ends"
    )]
    Old {
        /// Its name.
        server: String,
        /// Its version.
        version: String,
    },
    /// The server keeps nothing.
    #[error("the NATS server {server} has no JetStream, which keeps the definitions; start it with `-js` ({detail})")]
    NoJetStream {
        /// Its name.
        server: String,
        /// What it answered.
        detail: String,
    },
    /// What NATS keeps is of a version that this program does not read.
    #[error("{place} was written by a newer version of Gatewright: form {found}, this program reads {known}")]
    Newer {
        /// Stream or bucket.
        place: String,
        /// The form that was found.
        found: u32,
        /// The newest that is read.
        known: u32,
    },
    /// What NATS keeps does not fit together.
    #[error("{place} is damaged: {detail}")]
    Damaged {
        /// Stream or bucket.
        place: String,
        /// What is wrong.
        detail: String,
    },
    /// NATS refused something, or did not answer.
    #[error("{what}: {detail}")]
    Failed {
        /// What was tried.
        what: String,
        /// What came of it.
        detail: String,
    },
    /// The local copy of the definitions cannot be kept.
    #[error("the local copy of the definitions: {0}")]
    Copy(#[from] control::store::StoreError),
}

impl Error {
    /// Something that was tried and failed.
    pub(crate) fn failed(what: impl Into<String>, detail: impl std::fmt::Display) -> Error {
        Error::Failed { what: what.into(), detail: detail.to_string() }
    }
}
