//! The words that settings may be.

use clap::ValueEnum;

/// How much the program says of itself; the stages' execution logs follow their own settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum LogLevel {
    Error,
    Warn,
    Info,
}

/// What open connections are written down for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum JournalMode {
    /// They are not.
    Off,
    /// To survive the program.
    Process,
    /// To survive the loss of power.
    Disk,
}

/// How closely AWS is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Compat {
    Aws,
    Extended,
}

/// The oldest version of TLS that is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum TlsMin {
    /// As AWS's security policy for WebSocket APIs allows.
    #[default]
    #[value(name = "1.2")]
    Tls12,
    #[value(name = "1.3")]
    Tls13,
}

/// Whether clients show certificates, where there is something to check them with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ClientCertificates {
    /// They are not asked.
    Off,
    /// One that is shown must be right.
    Optional,
    Required,
}

/// What becomes of binary frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Binary {
    Refuse,
    Accept,
}

/// The form of the log's lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Brief at a terminal, else as AWS's.
    Human,
    /// One line an event; what failed is told whole.
    Brief,
    /// As CloudWatch shows them.
    Aws,
    /// The same, each as an object.
    Json,
}
