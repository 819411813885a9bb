//! What was typed: the command line. The options of settings come from their table, `config/table.rs`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Arg, ArgAction, ArgMatches, CommandFactory, Parser, Subcommand};

use crate::config::{Setting, SettingKind, TABLE};
use crate::credentials::CredentialsCommand;
use crate::export::ExportOptions;
use crate::import_aws::ImportAwsOptions;
use crate::init::{self, InitOptions};
use crate::render::RenderOptions;
use crate::stacks::command::TemplateOptions;
use crate::terminal::{
    CloseOptions, ConnectionsOptions, DoctorOptions, ExplainOptions, HealthOptions, NodesOptions, SendOptions,
    TailOptions, WatchOptions,
};

/// A self-hosted WebSocket API gateway that speaks Amazon API Gateway's dialect.
#[derive(Debug, Parser)]
#[command(name = "gatewright", version = env!("PROGRAM_VERSION"), disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Ask three questions and write a settings file to start from
    Init(InitOptions),
    /// Run the gateway
    Serve,
    /// The sixty-second tour: the gateway, a small built-in backend and a page in the browser
    Demo,
    /// Make access keys, and ask what they may do
    Credentials {
        #[command(subcommand)]
        command: CredentialsCommand,
    },
    /// Render a mapping template, without a server
    Render(RenderOptions),
    /// Print the effective settings, each with its origin
    Config {
        /// Print a settings file that can be used
        #[arg(long)]
        toml: bool,

        /// Print the page that describes every setting, and no value
        #[arg(long, conflicts_with = "toml")]
        reference: bool,

        /// Print the manual's page of the program, or of one command, as `man` reads it
        #[arg(long, value_name = "COMMAND", num_args = 0..=1, conflicts_with_all = ["toml", "reference"])]
        man: Option<Option<String>>,

        /// Say what is wrong with a settings file, and print nothing else
        #[arg(long, value_name = "FILE", conflicts_with_all = ["toml", "reference", "man", "config"])]
        check: Option<PathBuf>,

        /// Print a settings file with every name there is, each a comment with what it is for
        #[arg(long, conflicts_with_all = ["toml", "reference", "man", "check"])]
        example: bool,

        /// Print what completes the command line in a shell
        #[arg(long, value_name = "SHELL", conflicts_with_all = ["toml", "reference", "man"])]
        completions: Option<clap_complete::Shell>,
    },
    /// Look at all that is defined, and say what will bite before the first message is sent
    Doctor(DoctorOptions),
    /// Follow a running gateway: a line an event, failures opened up
    Tail(TailOptions),
    /// Tell the whole story of one event, the cause first
    Explain(ExplainOptions),
    /// Say by the exit code whether a running gateway serves: 0, or else 1
    Health(HealthOptions),
    /// List who is connected to a running gateway
    Connections(ConnectionsOptions),
    /// Send a text to a client of a running gateway
    Send(SendOptions),
    /// Close a client of a running gateway, with a code and a reason
    Close(CloseOptions),
    /// Have every event of a stage kept, whatever the stage logs; or list the stages of which that is so
    Watch(WatchOptions),
    /// List the nodes of a cluster: their numbers, addresses, versions and connections
    Nodes(NodesOptions),
    /// Have a running gateway be what a template says
    Apply {
        #[command(flatten)]
        template: TemplateOptions,

        /// Say what would change, and change nothing
        #[arg(long)]
        dry_run: bool,

        /// Where the gateway's control plane is [default: AWS_ENDPOINT_URL_CLOUDFORMATION, AWS_ENDPOINT_URL, else http://127.0.0.1:4510]
        #[arg(long, value_name = "URL")]
        endpoint: Option<String>,
    },
    /// Have a running gateway remove a stack, and all that it made
    DeleteStack {
        /// The stack's name
        #[arg(value_name = "NAME")]
        name: String,

        /// Where the gateway's control plane is [default: as of apply]
        #[arg(long, value_name = "URL")]
        endpoint: Option<String>,
    },
    /// Say what is wrong with a template, and what it would make, without a gateway
    Validate {
        #[command(flatten)]
        template: TemplateOptions,

        /// Print what it would make as JSON, a line for each stack
        #[arg(long)]
        json: bool,
    },
    /// Write all stored definitions to standard output: as one JSON document, a CloudFormation template, or Terraform's configuration
    Export(ExportOptions),
    /// Read definitions that `export` wrote; all of them or, if one is wrong, none
    Import {
        /// The document; `-` reads standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,

        /// Take the place of the definitions that are there
        #[arg(long)]
        replace: bool,
    },
    /// Bring an API over from AWS, read with your own AWS credentials, and say what was left
    ImportAws(ImportAwsOptions),
}

/// Commands that take every setting, and those that take what says which data folder is meant.
const WITH_SETTINGS: &[&str] = &["serve", "demo", "config"];
const WITH_A_FOLDER: &[&str] = &["export", "import", "import-aws"];
/// Those below `credentials`, which take what says which file is meant, and what ARNs name.
const WITH_CREDENTIALS: &[&str] = &["new", "check"];
/// What takes the settings that ARNs are made of.
const WITH_A_PLACE: &[&str] = &["apply", "validate"];

/// What other programs call `--listen`; whoever types it is told.
const PORT: &str = "port";

const AFTER_HELP: &str = "Each option is also a variable, such as GATEWRIGHT_LISTEN or GATEWRIGHT_LIMIT_IDLE_TIMEOUT, and a line of the settings file.";

/// The command line: [`Cli`], and the options of the settings.
pub(crate) fn command() -> clap::Command {
    let of_folder = |row: &&Setting| matches!(row.name, "config" | "data-dir");
    let command = WITH_SETTINGS.iter().fold(Cli::command(), |command, name| {
        command.mut_subcommand(name, |command| {
            command.args(TABLE.iter().filter_map(arg)).arg(Arg::new(PORT).long(PORT).hide(true)).after_help(AFTER_HELP)
        })
    });
    let of_credentials = |row: &&Setting| matches!(row.name, "config" | "credentials" | "region" | "account-id");
    let command = WITH_CREDENTIALS.iter().fold(command, |command, name| {
        command.mut_subcommand("credentials", |command| {
            command.mut_subcommand(name, |command| command.args(TABLE.iter().filter(of_credentials).filter_map(arg)))
        })
    });
    let of_place = |row: &&Setting| matches!(row.name, "config" | "region" | "account-id");
    let command = WITH_A_PLACE.iter().fold(command, |command, name| {
        command.mut_subcommand(name, |command| command.args(TABLE.iter().filter(of_place).filter_map(arg)))
    });
    let command = command.mut_subcommand("init", |command| {
        command.args(TABLE.iter().filter(|row| init::SETTINGS.contains(&row.name)).filter_map(arg))
    });
    WITH_A_FOLDER.iter().fold(command, |command, name| {
        command.mut_subcommand(name, |command| command.args(TABLE.iter().filter(of_folder).filter_map(arg)))
    })
}

fn arg(row: &Setting) -> Option<Arg> {
    let name = row.option()?;
    let arg = Arg::new(name).long(name);
    if row.kind == SettingKind::Flag {
        return Some(arg.help(row.doc).action(ArgAction::SetTrue));
    }
    let default = row.default();
    let help = if default.is_empty() { row.doc.to_owned() } else { format!("{} [default: {default}]", row.doc) };
    // `-` is standard output, and a file's name may begin so.
    let arg = arg.help(help).value_name(row.form).allow_hyphen_values(row.form.starts_with('-'));
    Some(match row.kind {
        SettingKind::List | SettingKind::Limit => arg.action(ArgAction::Append),
        SettingKind::File | SettingKind::Path => arg.value_parser(NonEmptyStringValueParser::new()),
        _ => arg,
    })
}

/// The options of settings, as they were typed: name → values, in their order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options(BTreeMap<&'static str, Vec<String>>);

impl Options {
    /// Those of the command that was typed.
    pub(crate) fn of(matches: &ArgMatches) -> Options {
        let mut options = Options::default();
        let Some((_, matches)) = matches.subcommand() else { return options };
        let matches = matches.subcommand().map_or(matches, |(_, below)| below);
        for name in TABLE.iter().filter_map(Setting::option).chain([PORT]) {
            // A command that does not have the option answers with an error.
            if let Ok(Some(values)) = matches.try_get_many::<String>(name) {
                options.0.insert(name, values.cloned().collect());
            } else if let Ok(Some(true)) = matches.try_get_one::<bool>(name) {
                options.set(name, "true");
            }
        }
        options
    }

    /// The values of one that may be repeated.
    pub(crate) fn all(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// The value of one; several of them with commas between.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.0.get(name).map(|values| values.join(","))
    }

    /// What was typed behind `--port`, which there is not.
    pub(crate) fn port(&self) -> Option<String> {
        self.text(PORT)
    }

    /// As if it had been typed.
    pub(crate) fn set(&mut self, name: &'static str, value: &str) {
        self.0.insert(name, vec![value.to_owned()]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_of_the_table_can_be_typed_and_stands_in_the_help() {
        let help = command().find_subcommand_mut("serve").unwrap().render_long_help().to_string();
        for row in TABLE {
            let Some(name) = row.option() else { continue };
            let (option, value) = (format!("--{name}"), if row.kind == SettingKind::Flag { None } else { Some("1") });
            let typed = ["gatewright", "serve", &option].into_iter().chain(value);
            let options = Options::of(&command().try_get_matches_from(typed).unwrap());
            assert_eq!(options.text(name).as_deref(), Some(value.unwrap_or("true")), "{name}");
            assert!(help.contains(&option) && help.contains(row.doc), "{name}");
        }
    }
}
