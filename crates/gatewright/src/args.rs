//! What was typed: the command line. Each option is also an environment variable and a line of the settings file; see
//! `config.rs`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

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
    Config(ConfigOptions),
    /// Write all stored definitions to standard output, as one JSON document
    Export(ExportOptions),
    /// Read definitions that `export` wrote; all of them or, if one is wrong, none
    Import(ImportOptions),
}

/// The options; everything is optional here, the defaults stand in `config.rs`.
#[derive(Debug, Default, Args)]
#[command(
    after_help = "Each option is also a variable, such as GATEWRIGHT_LISTEN or GATEWRIGHT_LIMIT_IDLE_TIMEOUT, and a line of the settings file."
)]
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

    /// A name under which control plane, console and metrics are served, besides addresses and localhost; may be repeated
    #[arg(long = "allow-host", value_name = "NAME")]
    pub(crate) allow_hosts: Vec<String>,

    /// Where definitions are kept [default: ./gatewright-data]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,

    /// Keep nothing on disk
    #[arg(long)]
    pub(crate) ephemeral: bool,

    /// Have one API there already, whose every route calls this backend
    #[arg(long, value_name = "URL")]
    pub(crate) backend: Option<String>,

    /// With --backend: send $connect, messages and $disconnect to /connect, /message and /disconnect
    #[arg(long)]
    pub(crate) backend_paths: bool,

    /// How clients reach this gateway, where that is another way, such as a proxy: https://gateway.example.com
    #[arg(long, value_name = "URL")]
    pub(crate) public_url: Option<String>,

    // What other programs call it; told where it is.
    #[arg(long, hide = true)]
    pub(crate) port: Option<String>,

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

    /// One line an event, lines as CloudWatch has them, or objects; human is brief at a terminal, else aws [default: human]
    #[arg(long, value_name = "human|brief|aws|json")]
    pub(crate) log_format: Option<String>,

    /// Certificate chain of the public address, PEM; with it the address speaks TLS and nothing else
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_cert: Option<PathBuf>,

    /// Private key of --tls-cert, PEM
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_key: Option<PathBuf>,

    /// Bytes as AWS sends them, or with the improvements that COMPATIBILITY.md lists [default: aws]
    #[arg(long, value_name = "aws|extended")]
    pub(crate) compat: Option<String>,

    /// Binary frames of clients: refuse closes with 1003, as AWS does [default: refuse; extended: accept]
    #[arg(long, value_name = "refuse|accept")]
    pub(crate) binary: Option<String>,
    /// Where stages' access logs go: standard output (-), nowhere (off) or a file, whose path may hold {log-group}
    /// [default: -]
    #[arg(long, value_name = "-|off|PATH", allow_hyphen_values = true)]
    pub(crate) access_log: Option<String>,

    /// When an access log's file starts anew: a size, a time, both as 100m,24h, or 0 for never [default: 100m]
    #[arg(long, value_name = "SIZE|TIME")]
    pub(crate) access_log_rotate: Option<String>,

    /// How many old files of an access log stay [default: 10]
    #[arg(long, value_name = "COUNT")]
    pub(crate) access_log_keep: Option<String>,

    /// How many stages, and routes with detailed metrics, have series of their own in /_metrics [default: 1000]
    #[arg(long, value_name = "COUNT")]
    pub(crate) metrics_series: Option<String>,

    /// Where names of backends are looked up instead of the system's name servers; repeat for more, tried in this order
    #[arg(long = "name-server", value_name = "IP[:PORT]")]
    pub(crate) name_servers: Vec<String>,

    /// Listen beyond loopback although nothing checks who calls
    #[arg(long)]
    pub(crate) insecure: bool,
}

/// The options of `config`.
#[derive(Debug, Args)]
pub(crate) struct ConfigOptions {
    /// Print a settings file that can be used
    #[arg(long)]
    pub(crate) toml: bool,

    #[command(flatten)]
    pub(crate) settings: Options,
}

/// The options of `export`.
#[derive(Debug, Args)]
#[command(after_help = "The document holds secrets: API keys, and the private keys of client certificates.")]
pub(crate) struct ExportOptions {
    /// Settings file [default: gatewright.toml, if there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Where definitions are kept [default: ./gatewright-data]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
}

/// The options of `import`.
#[derive(Debug, Args)]
pub(crate) struct ImportOptions {
    /// The document; `-` reads standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// Settings file [default: gatewright.toml, if there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Where definitions are kept [default: ./gatewright-data]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,

    /// Take the place of the definitions that are there
    #[arg(long)]
    pub(crate) replace: bool,
}
