//! What was typed: the command line, each option also as an environment variable.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// A self-hosted WebSocket API gateway that speaks Amazon API Gateway's dialect.
#[derive(Debug, Parser)]
#[command(name = "gatewright", version, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the gateway
    Serve(Options),
    /// The sixty-second tour: the gateway, a small built-in backend and a page in the browser
    Demo(Options),
    /// Print the effective settings, each with its origin
    Config(Options),
}

/// The options; everything is optional here, the defaults stand in `config.rs`.
#[derive(Debug, Default, Args)]
pub(crate) struct Options {
    /// Settings file [default: gatewright.toml, if there is one]
    #[arg(long, value_name = "FILE", env = "GATEWRIGHT_CONFIG")]
    pub(crate) config: Option<PathBuf>,

    /// One address for everything [default: 127.0.0.1:4510]
    #[arg(long, value_name = "ADDR:PORT", env = "GATEWRIGHT_LISTEN")]
    pub(crate) listen: Option<String>,

    /// Moves control plane and console off the public address; required when --listen is not loopback
    #[arg(long, value_name = "ADDR:PORT", env = "GATEWRIGHT_ADMIN")]
    pub(crate) admin: Option<String>,

    /// Where definitions are kept [default: ./gatewright-data]
    #[arg(long, value_name = "DIR", env = "GATEWRIGHT_DATA_DIR")]
    pub(crate) data_dir: Option<PathBuf>,

    /// Keep nothing on disk
    #[arg(long, env = "GATEWRIGHT_EPHEMERAL")]
    pub(crate) ephemeral: bool,

    /// Have one API there already, whose every route calls this backend
    #[arg(long, value_name = "URL", env = "GATEWRIGHT_BACKEND")]
    pub(crate) backend: Option<String>,

    /// The AWS region that ARNs name [default: us-east-1]
    #[arg(long, env = "GATEWRIGHT_REGION")]
    pub(crate) region: Option<String>,

    /// The AWS account that ARNs name, 12 digits [default: 000000000000]
    #[arg(long, value_name = "ID", env = "GATEWRIGHT_ACCOUNT_ID")]
    pub(crate) account_id: Option<String>,

    /// Sets a limit; may be repeated. `gatewright config` lists them
    #[arg(long = "limit", value_name = "NAME=VALUE", env = "GATEWRIGHT_LIMIT", value_delimiter = ',')]
    pub(crate) limits: Vec<String>,

    /// How much of its own doings the program logs [default: info]
    #[arg(long, value_enum, env = "GATEWRIGHT_LOG_LEVEL")]
    pub(crate) log_level: Option<LogLevel>,

    /// Lines for people or for machines [default: human]
    #[arg(long, value_enum, env = "GATEWRIGHT_LOG_FORMAT")]
    pub(crate) log_format: Option<LogFormat>,

    /// Listen beyond loopback although nothing checks who calls
    #[arg(long, env = "GATEWRIGHT_INSECURE")]
    pub(crate) insecure: bool,
}

/// How much the program says of itself; the stages' execution logs follow their own settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum LogLevel {
    Error,
    Warn,
    Info,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Human,
    Json,
}
