//! `gatewright doctor`: what will bite, worst first; of a running gateway, or of a file of definitions.

use std::path::PathBuf;
use std::sync::Arc;

use ::doctor::{Finding, Known};
use clap::Args;
use control::store::{MemoryStore, Store};
use control::{Control, Settings};
use serde_json::{Value, json};
use types::account::Account;
use types::arn::Home;
use types::limits::Limits;
use types::{Dialect, Snapshot};

use super::paint::{Paint, Tone, one_line};
use super::{Where, block, escaped, say};
use crate::exit::{self, Failure};
use crate::views;

/// What `doctor` was told.
#[derive(Args, Clone, Debug)]
pub(crate) struct DoctorOptions {
    /// The API, by id or name; all of them unless it is given
    #[arg(value_name = "API")]
    api: Option<String>,

    /// Look at a file that `gatewright export` wrote, without a gateway
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,

    /// Try no connections to backends
    #[arg(long)]
    offline: bool,

    /// End with 1 where there is a warning, too
    #[arg(long)]
    strict: bool,

    /// Print the findings as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    place: Where,
}

/// Prints what is found; ends with 1 where that is bad enough.
pub(crate) fn run(options: &DoctorOptions) -> Result<(), Failure> {
    let answer = match &options.file {
        Some(file) => of_file(options, file)?,
        None => of_gateway(options)?,
    };
    let apis = answer["apis"].as_array().cloned().unwrap_or_default();
    let findings: Vec<&Value> = apis.iter().flat_map(|api| api["findings"].as_array().into_iter().flatten()).collect();
    let count = |severity: &str| findings.iter().filter(|finding| finding["severity"] == severity).count();
    let (errors, warnings) = (count("error"), count("warning"));
    let text = if options.json {
        format!("{}\n", serde_json::to_string_pretty(&answer).unwrap_or_default())
    } else {
        told(&apis, Paint::of_stdout())
    };
    say(&text)?;
    if errors > 0 || options.strict && warnings > 0 {
        let text = format!("{errors} errors and {warnings} warnings");
        return Err(Failure { code: exit::REFUSED, text });
    }
    Ok(())
}

fn of_gateway(options: &DoctorOptions) -> Result<Value, Failure> {
    let asking = options.place.asking()?;
    block(async {
        let mut path = format!("doctor?reach={}", u8::from(!options.offline));
        if let Some(named) = &options.api {
            let (api, _) = asking.find(named).await?;
            path += &format!("&api={}", escaped(&api));
        }
        Ok(asking.get(&path).await?)
    })
}

// The file's definitions in a control plane that is nowhere but in memory.
fn of_file(options: &DoctorOptions, file: &PathBuf) -> Result<Value, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| Failure::no_input(file, &error))?;
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let home = Home { region: "us-east-1".to_owned(), account_id: "000000000000".to_owned() };
    let settings = || Settings::new(home.clone(), "localhost".to_owned());
    let imported = control::transfer::import(&settings(), &*store, text.as_bytes(), false);
    imported.map_err(|error| Failure::data(format!("{}: {error}", file.display())))?;
    let account: Arc<std::sync::Mutex<Arc<Account>>> = Arc::default();
    let seen = account.clone();
    let publish = move |snapshot: Arc<Snapshot>, _: Vec<control::Remark>| {
        *seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = snapshot.account.clone();
    };
    let control = Control::open(settings(), store, Box::new(publish));
    let control = control.map_err(|error| Failure::data(format!("{}: {error}", file.display())))?;
    let account = account.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    // What runs where is a running gateway's to know.
    let known = Known {
        limits: &Limits::default(),
        dialect: Dialect::default(),
        has_function: &|_| true,
        link_addresses: &|_| None,
        has_services: true,
    };
    let names = control.api_names();
    let mut ids: Vec<&String> = names
        .iter()
        .filter(|(id, name)| options.api.as_ref().is_none_or(|api| api == *id || api == *name))
        .map(|(id, _)| id)
        .collect();
    ids.sort_unstable();
    if let (Some(api), true) = (&options.api, ids.is_empty()) {
        return Err(Failure { code: exit::REFUSED, text: format!("{} has no API `{api}`", file.display()) });
    }
    let mut left = if options.offline { 0 } else { views::DOCTORS_PLACES_MAX };
    let apis = ids.into_iter().map(|id| {
        let found = views::doctor_of_api(&control, id, &account, &known, &mut left);
        let (findings, looked) = found.map_err(|wrong| Failure::data(wrong.text()))?;
        let findings: Vec<Value> = findings.iter().map(Finding::to_json).collect();
        Ok(json!({ "apiId": id, "name": names[id], "findings": findings, "looked": looked }))
    });
    Ok(json!({ "apis": apis.collect::<Result<Vec<_>, Failure>>()? }))
}

fn told(apis: &[Value], paint: Paint) -> String {
    let mut told = String::new();
    if apis.is_empty() {
        return "there is no API yet, so nothing can bite\n".to_owned();
    }
    for api in apis {
        let text = |value: &Value| one_line(value.as_str().unwrap_or_default());
        let title = format!("{} ({})", text(&api["name"]), text(&api["apiId"]));
        let looked = &api["looked"];
        told += &format!(
            "{}: {} routes, {} integrations, {} stages, {} backends tried\n",
            paint.text(Tone::Strong, &title),
            looked["routes"],
            looked["integrations"],
            looked["stages"],
            looked["backends"]
        );
        let findings = api["findings"].as_array().cloned().unwrap_or_default();
        if findings.is_empty() {
            told += "  nothing will bite, as far as can be seen\n";
        }
        for finding in &findings {
            let severity = text(&finding["severity"]);
            let tone = match severity.as_str() {
                "error" => Tone::Bad,
                "warning" => Tone::Warning,
                _ => Tone::Quiet,
            };
            told += &format!(
                "  {} {} [{}]\n    {} {}\n",
                paint.text(tone, &severity),
                text(&finding["place"]),
                text(&finding["code"]),
                text(&finding["what"]),
                text(&finding["why"])
            );
            let mend = &finding["mend"];
            match (mend["text"].as_str(), mend["command"].as_str()) {
                (Some(to), Some(command)) => {
                    told +=
                        &format!("    To {}:\n      {}\n", one_line(to), paint.text(Tone::Strong, &one_line(command)));
                }
                (Some(to), None) => told += &format!("    To {}.\n", one_line(to)),
                (None, _) => {}
            }
        }
    }
    told
}
