//! `gatewright connections`, `send`, `close`, `watch`: who is connected, and to reach one of them.

use std::io::Read;

use bytes::Bytes;
use clap::Args;
use serde_json::{Value, json};

use super::paint::{Paint, Tone, column, one_line};
use super::{Where, block, escaped, say};
use crate::exit::{self, Failure};

/// Connections that are asked for at once.
const PAGE: usize = 500;
/// The longest text that is read to be sent; the gateway has a limit of its own.
const TEXT_BYTES_MAX: u64 = 1024 * 1024;

/// What `connections` was told.
#[derive(Args, Clone, Debug)]
pub(crate) struct ConnectionsOptions {
    /// Those alone in whose id, address, user agent or name this is
    #[arg(value_name = "SEARCH", default_value = "", allow_hyphen_values = true)]
    search: String,

    /// Those of an API alone, by id or name, and of a stage of it
    #[arg(long, value_name = "API[/STAGE]")]
    api: Option<String>,

    /// The most that are listed
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,

    /// Print each as a line of JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    place: Where,
}

/// What `send` was told.
#[derive(Args, Clone, Debug)]
pub(crate) struct SendOptions {
    /// To whom
    #[arg(value_name = "CONNECTION_ID", allow_hyphen_values = true)]
    id: String,

    /// What; `-` reads standard input
    #[arg(value_name = "TEXT", default_value = "-", allow_hyphen_values = true)]
    text: String,

    #[command(flatten)]
    place: Where,
}

/// What `close` was told.
#[derive(Args, Clone, Debug)]
pub(crate) struct CloseOptions {
    /// Whom
    #[arg(value_name = "CONNECTION_ID", allow_hyphen_values = true)]
    id: String,

    /// The close code: 1000 to 1003, 1007 to 1014, or 3000 to 4999
    #[arg(long, value_name = "CODE", default_value_t = 1000)]
    code: u16,

    /// The reason that the client is told, up to 123 bytes
    #[arg(long, value_name = "TEXT", default_value = "", allow_hyphen_values = true)]
    reason: String,

    #[command(flatten)]
    place: Where,
}

/// What `watch` was told.
#[derive(Args, Clone, Debug)]
pub(crate) struct WatchOptions {
    /// Which stage; without one, the watched stages are listed
    #[arg(value_name = "API/STAGE")]
    stage: Option<String>,

    /// Keep what its settings log, and no more
    #[arg(long, requires = "stage")]
    off: bool,

    #[command(flatten)]
    place: Where,
}

/// Lists who is connected.
pub(crate) fn list(options: &ConnectionsOptions) -> Result<(), Failure> {
    let asking = options.place.asking()?;
    let paint = Paint::of_stdout();
    block(async {
        let mut of = String::new();
        if let Some(named) = &options.api {
            let (api, stage) = asking.find(named).await?;
            of = format!("&api={}", escaped(&api));
            of += &stage.map(|stage| format!("&stage={}", escaped(&stage))).unwrap_or_default();
        }
        let (mut left, mut after, mut listed) = (options.limit, String::new(), 0);
        loop {
            let page = left.clamp(1, PAGE);
            let path = format!("connections?search={}&limit={page}{of}{after}", escaped(&options.search));
            let answer = asking.get(&path).await?;
            let found = answer["connections"].as_array().cloned().unwrap_or_default();
            let mut text = String::new();
            if listed == 0 && !found.is_empty() && !options.json {
                text += &paint.text(
                    Tone::Quiet,
                    &line(["connection", "stage", "since", "last active", "from", "who", "waiting"]),
                );
            }
            for one in found.iter().take(left) {
                text += &if options.json { format!("{one}\n") } else { row(one) };
            }
            left -= found.len().min(left);
            listed += found.len();
            let next = answer["next"].as_str().filter(|_| left > 0).map(str::to_owned);
            let is_last = next.is_none();
            if is_last && !options.json {
                let total = answer["total"].as_u64().unwrap_or_default();
                let more = if answer["next"].is_null() { "" } else { "; there may be more (--limit)" };
                text += &format!("{listed} shown of {total} open{more}\n");
            }
            if !say(&text)? || is_last {
                return Ok(());
            }
            after = format!("&after={}", escaped(&next.unwrap_or_default()));
        }
    })
}

fn line(parts: [&str; 7]) -> String {
    let widths = [18, 18, 19, 19, 16, 24];
    let mut line: String = parts.iter().zip(widths).map(|(part, width)| column(part, width) + "  ").collect();
    line += parts[6];
    line.trim_end().to_owned() + "\n"
}

fn row(one: &Value) -> String {
    let text = |member: &str| one_line(one[member].as_str().unwrap_or_default());
    let clock = |member: &str| text(member).chars().take(19).collect::<String>().replace('T', " ");
    let who = one["identity"].as_object().into_iter().flatten();
    let who = who.filter_map(|(_, value)| value.as_str()).next().map(one_line).unwrap_or_else(|| text("userAgent"));
    let (waits, bytes) = (one["outboxMessages"].as_u64().unwrap_or_default(), &one["outboxBytes"]);
    let waiting = if waits > 0 { format!("{waits} frames, {bytes} bytes") } else { String::new() };
    let stage = format!("{}/{}", text("apiId"), text("stage"));
    line([
        &text("connectionId"),
        &stage,
        &clock("connectedAt"),
        &clock("lastActiveAt"),
        &text("sourceIp"),
        &who,
        &waiting,
    ])
}

/// Sends a text to a client.
pub(crate) fn send(options: &SendOptions) -> Result<(), Failure> {
    let asking = options.place.asking()?;
    let text = match options.text.as_str() {
        "-" => {
            let mut text = Vec::new();
            let read = std::io::stdin().take(TEXT_BYTES_MAX + 1).read_to_end(&mut text);
            read.map_err(|error| Failure::disk(format!("read standard input: {error}")))?;
            if text.len() as u64 > TEXT_BYTES_MAX {
                let text = format!("the text is longer than {TEXT_BYTES_MAX} bytes");
                return Err(Failure { code: exit::DATA, text });
            }
            text
        }
        text => text.as_bytes().to_vec(),
    };
    let path = format!("connections/{}", escaped(&options.id));
    block(async { Ok(asking.ask("POST", &path, Bytes::from(text)).await?) })?;
    say("sent\n").map(|_| ())
}

/// Closes a client.
pub(crate) fn close(options: &CloseOptions) -> Result<(), Failure> {
    let asking = options.place.asking()?;
    let (id, code, reason) = (escaped(&options.id), options.code, escaped(&options.reason));
    let path = format!("connections/{id}?code={code}&reason={reason}");
    block(async { Ok(asking.ask("DELETE", &path, Bytes::new()).await?) })?;
    say(&format!("closed with {code}\n")).map(|_| ())
}

/// Has every event of a stage kept, or no longer.
pub(crate) fn watch(options: &WatchOptions) -> Result<(), Failure> {
    let asking = options.place.asking()?;
    block(async {
        let Some(named) = &options.stage else {
            let answer = asking.get("watch").await?;
            let names = answer["watched"].as_array().into_iter().flatten();
            let name = |one: &Value| {
                format!("{}/{}\n", one["apiId"].as_str().unwrap_or_default(), one["stage"].as_str().unwrap_or_default())
            };
            let names: String = names.map(name).collect();
            return say(if names.is_empty() { "no stage is watched\n" } else { &names }).map(|_| ());
        };
        let (api, Some(stage)) = asking.find(named).await? else {
            let text = format!("`{named}` names no stage: API/STAGE");
            return Err(Failure { code: exit::USAGE, text });
        };
        let body = json!({ "apiId": api, "stage": stage, "on": !options.off }).to_string();
        asking.ask("POST", "watch", Bytes::from(body)).await?;
        let now = if options.off {
            "is watched no longer"
        } else {
            "is watched: each of its events is kept, until the gateway stops"
        };
        say(&format!("{api}/{stage} {now}\n")).map(|_| ())
    })
}
