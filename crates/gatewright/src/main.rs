//! Gatewright: a self-hosted WebSocket API gateway that speaks Amazon API Gateway's dialect.
//!
//! The program ties the parts together: `args` and `config` say what was typed and meant, `serve` starts everything,
//! `front` and `service` take requests in, `logs` writes what happened, `shutdown` ends it.

#![cfg_attr(not(feature = "cluster"), allow(dead_code, reason = "settings of what is not built are read all the same"))]

mod access_logs;
mod announcements;
mod answers;
mod args;
mod authorizers;
mod aws;
mod banner;
mod bodies;
mod certificates;
mod choices;
mod cloudwatch;
mod completions;
mod config;
mod console;
mod credentials;
mod cross_origin;
mod demo;
mod door;
mod elsewhere;
mod exit;
mod export;
mod feed;
mod folder_socket;
mod front;
mod guard;
mod import;
mod import_aws;
mod init;
mod journals;
mod jwt;
mod lambda_api;
mod logs;
mod man;
mod metrics;
mod neighbour;
mod nodes;
mod notify;
mod origin;
mod otlp;
mod own_tls;
mod passed;
mod patience;
mod placements;
mod proxies;
mod queue;
mod ready_made;
mod render;
mod repeats;
mod seen;
mod serve;
mod service;
mod shutdown;
mod small_files;
mod stacks;
mod stage_settings;
mod strangers;
mod terminal;
mod views;
mod vpc_links;

use std::io::Write;
use std::process::ExitCode;

use clap::FromArgMatches;

use crate::args::{Cli, Command, Options};
use crate::config::Config;
use crate::exit::Failure;
use crate::serve::Mode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let matches = match args::command().try_get_matches() {
        Ok(matches) => matches,
        // Nothing was typed but the program's name.
        Err(_) if std::env::args_os().len() <= 1 => {
            eprint!("{}", init::WELCOME);
            return ExitCode::from(exit::USAGE);
        }
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(exit::USAGE) } else { ExitCode::SUCCESS };
        }
    };
    match run(&matches) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("gatewright: {}", failure.text);
            ExitCode::from(failure.code)
        }
    }
}

fn run(matches: &clap::ArgMatches) -> Result<(), Failure> {
    let cli = Cli::from_arg_matches(matches).map_err(|error| Failure { code: exit::USAGE, text: error.to_string() })?;
    let mut options = Options::of(matches);
    let mode = match cli.command {
        Command::Init(wanted) => return init::run(&wanted, &options),
        Command::Config { check: Some(file), .. } => {
            options.set("config", &file.to_string_lossy());
            return Config::new(options).map(drop).map_err(Failure::config);
        }
        Command::Config { toml, reference, man, example, completions, .. } => {
            let text = match man {
                None if example => config::example().into(),
                None if completions.is_some() => completions.map(completions::script).unwrap_or_default(),
                Some(name) => man::page(name.as_deref()).ok_or_else(|| Failure {
                    code: exit::USAGE,
                    text: format!("there is no command `{}`", name.unwrap_or_default()),
                })?,
                None if reference => config::reference().into(),
                None if toml => Config::new(options).map_err(Failure::config)?.toml().into(),
                None => Config::new(options).map_err(Failure::config)?.print().into(),
            };
            return match std::io::stdout().write_all(&text) {
                // Whoever reads has enough.
                Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
                written => written.map_err(|error| Failure::disk(format!("write to standard output: {error}"))),
            };
        }
        Command::Render(options) => return render::run(&options),
        Command::Export(wanted) => return export::run(&wanted, options),
        Command::Import { file, replace } => return import::run(&file, replace, options),
        Command::ImportAws(wanted) => return import_aws::run(&wanted, options),
        Command::Apply { template, dry_run, endpoint } => {
            let config = Config::new(options).map_err(Failure::config)?;
            return stacks::command::apply(&template, endpoint.as_deref(), dry_run, &config.home());
        }
        Command::DeleteStack { name, endpoint } => return stacks::command::delete(&name, endpoint.as_deref()),
        Command::Validate { template, json } => {
            let config = Config::new(options).map_err(Failure::config)?;
            return stacks::command::validate(&template, config.home(), json);
        }
        Command::Doctor(options) => return terminal::doctor(&options),
        Command::Tail(options) => return terminal::tail(&options),
        Command::Explain(options) => return terminal::explain(&options),
        Command::Health(options) => return terminal::health(&options),
        Command::Connections(options) => return terminal::list(&options),
        Command::Send(options) => return terminal::send(&options),
        Command::Close(options) => return terminal::close(&options),
        Command::Watch(options) => return terminal::watch(&options),
        Command::Nodes(options) => return terminal::nodes(&options),
        Command::Credentials { command } => return credentials::run(command, options),
        Command::Serve => Mode::Serve,
        Command::Demo => {
            // The tour leaves nothing behind unless asked to.
            if options.text("data-dir").is_none() {
                options.set("ephemeral", "true");
            }
            Mode::Demo
        }
    };
    let config = Config::new(options).map_err(Failure::config)?;
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.enable_all().thread_name("gatewright").max_blocking_threads(service::CONTROL_CALLS_MAX);
    let runtime = runtime.build();
    let runtime = runtime.map_err(|error| Failure::config(format!("start threads: {error}")))?;
    let result = runtime.block_on(serve::run(config, mode));
    // Requests that are still being answered are not waited for.
    runtime.shutdown_background();
    result
}
