//! What a node has to know to be one of many.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::error::Error;

/// The longest cluster name; it is part of every subject.
const NAME_CHARS_MAX: usize = 32;
/// NATS counts lease times in whole seconds, and a fifth of one must be enough for a renewal.
const LEASE_SECONDS_MIN: u64 = 3;

/// How a node reaches NATS, and as what.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Addresses such as `nats://host:4222` or `tls://host:4222`; any one of a NATS cluster is enough to start.
    pub servers: Vec<String>,
    /// The cluster's name: 1 to 32 letters, digits, `-` and `_`. Clusters of different names on one NATS know nothing of each other.
    pub name: String,
    /// Where this node can be reached, for people who look at the list of nodes; nothing connects to it.
    pub node_address: String,
    /// Who it is to NATS.
    pub login: Login,
    /// How it trusts NATS.
    pub tls: Tls,
    /// How long a node's number stays its own without renewal. The first node of a cluster sets it for all.
    pub lease: Duration,
    /// How many NATS servers keep each thing: 1, 3 or 5.
    pub replicas: usize,
    /// This program's version, for the list of nodes.
    pub version: String,
    /// Told what becomes of the connection to NATS.
    pub tell: Tell,
}

/// Takes sentences for the log.
#[derive(Clone)]
pub struct Tell(pub Arc<dyn Fn(String) + Send + Sync>);

impl Default for Tell {
    /// Tells nobody.
    fn default() -> Tell {
        Tell(Arc::new(drop))
    }
}

impl std::fmt::Debug for Tell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tell")
    }
}

impl Settings {
    /// Of a cluster without login and TLS: lease of 15 s, one copy.
    pub fn new(servers: Vec<String>, name: impl Into<String>) -> Settings {
        Settings {
            servers,
            name: name.into(),
            node_address: String::new(),
            login: Login::default(),
            tls: Tls::default(),
            lease: Duration::from_secs(15),
            replicas: 1,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            tell: Tell::default(),
        }
    }

    /// Whether all of it can be.
    ///
    /// # Errors
    /// Names what cannot.
    pub fn check(&self) -> Result<(), Error> {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if self.name.is_empty() || self.name.len() > NAME_CHARS_MAX || !self.name.chars().all(fits) {
            return Err(Error::Name(self.name.clone()));
        }
        if ![1, 3, 5].contains(&self.replicas) {
            return Err(Error::Replicas(self.replicas));
        }
        if self.lease.as_secs() < LEASE_SECONDS_MIN {
            return Err(Error::Lease(self.lease.as_secs()));
        }
        Ok(())
    }
}

/// Who a node is to NATS.
#[derive(Clone, Default)]
pub enum Login {
    /// Nobody in particular.
    #[default]
    Nobody,
    /// A user with a password.
    Password {
        /// The user.
        user: String,
        /// The password.
        password: String,
    },
    /// Whoever has this token.
    Token(String),
    /// The seed of an nkey, which begins with `SU`.
    Nkey(String),
    /// A file with a JWT and its nkey, as `nsc` writes it.
    CredentialsFile(PathBuf),
}

// Secrets are on no side of a log.
impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Login::Nobody => "Nobody",
            Login::Password { .. } => "Password",
            Login::Token(_) => "Token",
            Login::Nkey(_) => "Nkey",
            Login::CredentialsFile(_) => "CredentialsFile",
        })
    }
}

/// How a node trusts NATS, and shows who it is.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    /// Whether only TLS will do; `tls://` addresses ask for it by themselves.
    pub required: bool,
    /// Who is trusted, in PEM; otherwise those whom the system trusts.
    pub authorities: Option<PathBuf>,
    /// The node's own certificate and key, in PEM.
    pub certificate: Option<(PathBuf, PathBuf)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_is_named() {
        let good = || Settings::new(vec!["nats://127.0.0.1:4222".to_owned()], "gw");
        assert!(good().check().is_ok());
        for name in ["", "a.b", "a*", "a b", ">", "ä", &"x".repeat(33)] {
            assert!(matches!(Settings { name: name.to_owned(), ..good() }.check(), Err(Error::Name(_))), "{name}");
        }
        for replicas in [0, 2, 4, 7] {
            assert!(Settings { replicas, ..good() }.check().is_err(), "{replicas}");
        }
        assert!(Settings { lease: Duration::from_secs(2), ..good() }.check().is_err());
    }

    #[test]
    fn a_secret_is_not_shown() {
        let shown = format!("{:?}", Login::Password { user: "u".to_owned(), password: "secret".to_owned() });
        assert!(!shown.contains("secret"), "{shown}");
    }
}
