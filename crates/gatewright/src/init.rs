//! `gatewright init`: three questions, or options in their place, and a settings file that `gatewright serve` starts from.

use std::fs::OpenOptions;
use std::io::{self, BufRead, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::args::Options;
use crate::config::{self, Config};
use crate::exit::Failure;
use crate::ready_made::{API_ID, STAGE};

/// What the command page of the program's name alone says.
pub(crate) const WELCOME: &str = "\
Gatewright: a self-hosted WebSocket API gateway that speaks Amazon API Gateway's dialect. What to type:

  gatewright demo                            see it work: a page opens, nothing is kept
  gatewright init                            three questions, and a settings file to start from
  gatewright serve --backend localhost:3000  in front of your HTTP server
  gatewright serve --function handler.mjs    in front of your Lambda function (or app.py)
  gatewright serve --template template.yaml  in front of your CloudFormation, SAM, CDK or Serverless
  gatewright import-aws API_ID               bring an API over from AWS
  gatewright doctor                          something is wrong: what, and what mends it

  gatewright --help lists every command, gatewright COMMAND --help what it takes.
";

/// Longest answer to a question, in bytes: longer than any path.
const ANSWER_BYTES_MAX: u64 = 8 * 1024;

/// The options of `init` that are no settings.
#[derive(Debug, Args)]
#[command(after_help = "Example: gatewright init --backend localhost:3000 --yes")]
pub(crate) struct InitOptions {
    /// Ask nothing: what no option says is the default
    #[arg(long, short)]
    yes: bool,

    /// Write over a settings file that is there
    #[arg(long)]
    force: bool,
}

/// Settings that the command takes; the rest a reader adds to the file.
pub(crate) const SETTINGS: &[&str] =
    &["config", "backend", "backend-paths", "function", "template", "listen", "data-dir"];

/// What stands behind the gateway: the option that says it, and its value.
type Behind = Option<(&'static str, String)>;

/// Asks, checks, writes, and says what to type next.
pub(crate) fn run(wanted: &InitOptions, options: &Options) -> Result<(), Failure> {
    let path = PathBuf::from(options.text("config").unwrap_or_else(|| config::FILE.to_owned()));
    if path.exists() && !wanted.force {
        let path = path.display();
        return Err(Failure::config(format!("init: {path} is there already; --force writes over it")));
    }
    let mut asking = Asking { silent: wanted.yes, input: io::stdin().lock() };
    let behind = match given(options)? {
        Some(behind) => Some(behind),
        None => kind_of(&asking.ask(BEHIND, &guess(Path::new(".")))?),
    };
    let listen = match options.text("listen") {
        Some(listen) => listen,
        None => asking.ask("Where shall it listen, as ADDRESS:PORT?", default_of("listen"))?,
    };
    let data_dir = match options.text("data-dir") {
        Some(folder) => folder,
        None => asking.ask("In which folder shall definitions be kept?", default_of("data-dir"))?,
    };
    let paths = options.text("backend-paths").is_some() && behind.as_ref().is_some_and(|(kind, _)| *kind == "backend");
    let text = written(&behind, &listen, &data_dir, paths);
    // Nothing is written that `serve` would refuse.
    let config = Config::of_text(Options::default(), path.clone(), &text)
        .map_err(|wrong| Failure::config(format!("init: {wrong}\n(nothing was written)")))?;
    write(&path, &text, wanted.force)?;
    say(&next(&path, &behind, config.settings.listen))
}

const BEHIND: &str = "What answers your clients? A URL (localhost:3000), a handler's file (handler.mjs, app.py), a template \
                      (template.yaml), or - for nothing yet";

fn default_of(name: &str) -> &'static str {
    let row = config::TABLE.iter().find(|row| row.name == name);
    row.and_then(|row| row.defaults.first().copied()).unwrap_or_default()
}

struct Asking<R> {
    silent: bool,
    input: R,
}

impl<R: BufRead> Asking<R> {
    /// The answer, or the default where nobody answers.
    fn ask(&mut self, question: &str, default: &str) -> Result<String, Failure> {
        if self.silent {
            return Ok(default.to_owned());
        }
        say(&format!("{question} [{default}] "))?;
        let mut answer = String::new();
        let read = io::Read::take(&mut self.input, ANSWER_BYTES_MAX).read_line(&mut answer);
        read.map_err(|error| Failure::data(format!("init: standard input: {error}")))?;
        if !answer.ends_with('\n') {
            // The next line of output stands on its own.
            say("\n")?;
        }
        let answer = answer.trim();
        Ok(if answer.is_empty() { default.to_owned() } else { answer.to_owned() })
    }
}

/// What the options say is behind it.
fn given(options: &Options) -> Result<Behind, Failure> {
    let given = ["backend", "function", "template"].into_iter().filter_map(|name| Some((name, options.text(name)?)));
    match given.collect::<Vec<_>>().as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one.clone())),
        [(one, _), (other, _), ..] => Err(Failure::config(format!(
            "init: --{one} and --{other}: one of them stands behind the gateway, not both"
        ))),
    }
}

/// What an answer names, by its look.
fn kind_of(answer: &str) -> Behind {
    let ends = |ends: &[&str]| ends.iter().any(|end| answer.ends_with(end));
    let file = answer.rsplit_once(".py:").map_or(answer, |(file, _)| file);
    if matches!(answer, "-" | "none") {
        None
    } else if ends(&[".mjs", ".cjs", ".js", ".ts", ".py"]) || file != answer {
        Some(("function", answer.to_owned()))
    } else if ends(&[".yaml", ".yml", ".json", "cdk.out", ".serverless"]) {
        Some(("template", answer.to_owned()))
    } else {
        Some(("backend", answer.to_owned()))
    }
}

/// What stands in the folder and looks like it: what people call such files.
fn guess(folder: &Path) -> String {
    const NAMES: [&str; 9] = [
        "template.yaml",
        "template.yml",
        "serverless.yml",
        "cdk.out",
        "handler.mjs",
        "index.mjs",
        "app.mjs",
        "handler.py",
        "app.py",
    ];
    NAMES.into_iter().find(|name| folder.join(name).exists()).unwrap_or("localhost:3000").to_owned()
}

/// The file's text.
fn written(behind: &Behind, listen: &str, data_dir: &str, paths: bool) -> String {
    let line = |name: &str, value: &str| format!("{name} = {}\n", toml::Value::from(value));
    let mut text =
        "# Gatewright's settings, made by `gatewright init`. `gatewright config --example` shows all there are.\n\n\
                    # Where clients connect, and where the control plane and the console are.\n"
            .to_owned();
    text += &line("listen", listen);
    text += "\n# Where definitions are kept.\n";
    text += &line("data-dir", data_dir);
    match behind {
        None => {
            text += "\n# What answers the clients: one of these.\n#backend = \"localhost:3000\"\n#function = \"handler.mjs\"\n#template = \"template.yaml\"\n"
        }
        Some((name, value)) => {
            text += match *name {
                "backend" => {
                    "\n# Each connect, message and disconnect is a POST to this server; its answer goes to the client.\n"
                }
                "function" => {
                    "\n# Each connect, message and disconnect calls this handler; it runs anew when the file changes.\n"
                }
                _ => "\n# What is made at the start is what this template says; edits of it are followed.\n",
            };
            text += &line(name, value);
        }
    }
    if paths {
        text += "# To /connect, /message and /disconnect of it.\nbackend-paths = true\n";
    }
    if behind.as_ref().is_some_and(|(name, _)| *name == "template") {
        text += "watch = true\n";
    }
    text
}

fn write(path: &Path, text: &str, force: bool) -> Result<(), Failure> {
    let mut how = OpenOptions::new();
    // Whoever made the file in the meantime keeps it.
    let how = if force { how.create(true).truncate(true) } else { how.create_new(true) };
    let wrote = how.write(true).open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    wrote.map_err(|error| Failure::disk(format!("init: {}: {error}", path.display())))
}

/// What to do now, for people.
fn next(path: &Path, behind: &Behind, listen: SocketAddr) -> String {
    let serve = match path == Path::new(config::FILE) {
        true => "gatewright serve".to_owned(),
        false => format!("gatewright serve --config {}", path.display()),
    };
    let mut text = format!("Wrote {}. Now type\n\n  {serve}\n\n", path.display());
    let stage = match behind {
        Some(("template", _)) => {
            text += "It prints where each stage of the template is; a client connects there:\n";
            "API_ID/STAGE".to_owned()
        }
        Some(_) => {
            text += "and, in another terminal, connect a client:\n";
            format!("{API_ID}/{STAGE}")
        }
        None => {
            text += "It prints how to make an API with the AWS CLI. A client then connects to it:\n";
            "API_ID/STAGE".to_owned()
        }
    };
    let url = format!("ws://{listen}/_aws/execute-api/{stage}");
    text += &format!(
        "\n  npx wscat -c {url}\n\nor in a browser's console:\n\n  \
         const socket = new WebSocket(\"{url}\");\n  \
         socket.onmessage = (event) => console.log(event.data); socket.onopen = () => socket.send(\"hello\");\n\n\
         What became of each message: http://{listen}/_console/\n"
    );
    text
}

fn say(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::disk(format!("write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_server_a_handler_or_a_template_by_its_look() {
        for (answer, kind) in [
            ("localhost:3000", Some("backend")),
            ("https://chat.example.com/x", Some("backend")),
            ("handler.mjs", Some("function")),
            ("src/app.py:on_event", Some("function")),
            ("template.yaml", Some("template")),
            ("cdk.out", Some("template")),
            ("-", None),
        ] {
            assert_eq!(kind_of(answer).map(|(kind, _)| kind), kind, "{answer}");
        }
    }

    #[test]
    fn what_is_written_is_read_as_it_was_said() {
        for (behind, paths) in [
            (None, false),
            (Some(("backend", "http://127.0.0.1:3000/\"x".to_owned())), true),
            (Some(("template", "a\\b.yaml".to_owned())), false),
        ] {
            let text = written(&behind, "127.0.0.1:1", "d", paths);
            let read: toml::Table = toml::from_str(&text).unwrap();
            assert_eq!(read["listen"].as_str(), Some("127.0.0.1:1"));
            assert_eq!(read.contains_key("backend-paths"), paths);
            if let Some((name, value)) = behind {
                assert_eq!(read[name].as_str(), Some(value.as_str()));
            }
        }
    }
}
