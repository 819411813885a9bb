//! What was typed: the command line. Each option is also an environment variable and a line of the settings file; see
//! `config.rs`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::export::ExportOptions;
use crate::import::ImportOptions;
use crate::render::RenderOptions;

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
    /// Render a mapping template, without a server
    Render(RenderOptions),
    /// Print the effective settings, each with its origin
    Config(Options),
    /// Write all stored definitions to standard output, as one JSON document
    Export(ExportOptions),
    /// Read definitions that `export` wrote; all of them or, if one is wrong, none
    Import(ImportOptions),
}

/// The options; everything is optional here, the defaults stand in `config.rs`.
#[derive(Debug, Default, Args)]
#[command(after_help = "Each option is also a variable, such as GATEWRIGHT_LISTEN, and a line of the settings file.")]
pub(crate) struct Options {
    /// Settings file [default: gatewright.toml, if there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// One address for everything [default: 127.0.0.1:4510]
    #[arg(long, value_name = "ADDR:PORT")]
    pub(crate) listen: Option<String>,

    /// Moves control plane and console off the public address; required when --listen is not loopback
    #[arg(long, value_name = "ADDR:PORT")]
    pub(crate) admin: Option<String>,

    /// Where definitions are kept [default: ./gatewright-data]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,

    /// Keep nothing on disk
    #[arg(long)]
    pub(crate) ephemeral: bool,

    /// Have one API there already, whose every route calls this backend
    #[arg(long, value_name = "URL")]
    pub(crate) backend: Option<String>,

    /// The AWS region that ARNs name [default: us-east-1]
    #[arg(long)]
    pub(crate) region: Option<String>,

    /// The AWS account that ARNs name, 12 digits [default: 000000000000]
    #[arg(long, value_name = "ID")]
    pub(crate) account_id: Option<String>,

    /// Sets a limit; may be repeated. `gatewright config` lists them
    #[arg(long = "limit", value_name = "NAME=VALUE")]
    pub(crate) limits: Vec<String>,

    /// How much of its own doings the program logs [default: info]
    #[arg(long, value_name = "error|warn|info")]
    pub(crate) log_level: Option<String>,

    /// Lines for people or for machines [default: human]
    #[arg(long, value_name = "human|json")]
    pub(crate) log_format: Option<String>,

    /// Listen beyond loopback although nothing checks who calls
    #[arg(long)]
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
