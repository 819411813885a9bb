//! What will bite, of one API or of all: what is defined, and whether somebody is where backends should be.

use std::net::{TcpStream, ToSocketAddrs};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use control::{Control, Version};
use doctor::{Finding, Known, StageOf, Subject, Target, examine, targets, unreachable};
use serde_json::{Value, json};
use types::account::Account;
use types::snapshot::StageKey;

use super::{Asked, Views, Wrong, changes};

/// How long a backend may take to take a connection.
const CONNECT_MAX: Duration = Duration::from_millis(500);
/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 4;
/// How long all places of one API may take together.
const TRY_MAX: Duration = Duration::from_secs(3);
/// Threads that try places, of all calls.
const TRYING_MAX: usize = 64;
static TRYING: AtomicUsize = AtomicUsize::new(0);
/// Places that are tried for one call; the rest is told of as untried.
pub(crate) const PLACES_MAX: usize = 20;

/// `GET doctor?api=&reach=0`: `apis`, each with `apiId`, `name`, `findings`, and how many of what was looked at.
pub(super) fn answer(views: &Views, asked: &Asked) -> Result<Value, Wrong> {
    let names = views.control.api_names();
    let wanted = asked.parameter("api");
    let reaches = asked.parameter("reach").is_none_or(|reach| reach != "0");
    let mut ids: Vec<&String> = names.keys().filter(|id| wanted.as_ref().is_none_or(|api| api == *id)).collect();
    ids.sort_unstable();
    if let (Some(api), true) = (&wanted, ids.is_empty()) {
        return Err(Wrong::absent(format!("there is no API {api}")));
    }
    let known = Known {
        limits: &views.limits,
        dialect: views.dialect,
        has_function: &|function| views.gateway.has_function(function),
        link_addresses: &|link| Some(views.gateway.link_addresses(link)),
        has_services: views.gateway.has_services(),
    };
    let mut left = if reaches { PLACES_MAX } else { 0 };
    let account = views.gateway.account();
    let apis = ids.into_iter().map(|id| {
        let (findings, looked) = of_api(&views.control, id, &account, &known, &mut left)?;
        let findings: Vec<Value> = findings.iter().map(Finding::to_json).collect();
        Ok(json!({ "apiId": id, "name": names[id], "findings": findings, "looked": looked }))
    });
    Ok(json!({ "apis": apis.collect::<Result<Vec<_>, Wrong>>()? }))
}

/// The findings of one API, and what was looked at. `left` counts the places that may still be tried.
pub(crate) fn of_api(
    control: &Control,
    api_id: &str,
    account: &Account,
    known: &Known<'_>,
    left: &mut usize,
) -> Result<(Vec<Finding>, Value), Wrong> {
    let wrong = |error: control::Error| Wrong::bad(error.to_string());
    let key = |stage: &str| StageKey { api_id: api_id.to_owned(), stage: stage.to_owned() };
    let definition = control.draft(&key("")).map_err(wrong)?;
    let definition = definition.ok_or_else(|| Wrong::absent(format!("there is no API {api_id}")))?;
    let mut stages = Vec::new();
    for (key, is_deployed) in control.stages().into_iter().filter(|(key, _)| key.api_id == api_id) {
        let Some(stage) = control.stage(&key, Version::Edited).map_err(wrong)? else { continue };
        stages.push(StageOf { settings: stage.settings, is_deployed, changes: changes::says(control, &key)? });
    }
    let subject = Subject { definition: &definition, stages, account };
    let mut findings = examine(&subject, known);
    let places = targets(&subject, known);
    let tried = &places[..places.len().min(*left)];
    *left -= tried.len();
    let answers = try_places(tried);
    let found = tried.iter().zip(answers).filter_map(|(target, why)| Some(unreachable(target, api_id, &why?)));
    let mut worst: Vec<Finding> = found.collect();
    worst.append(&mut findings);
    let (routes, integrations, stages) = (definition.routes.len(), definition.integrations.len(), subject.stages.len());
    let looked = json!({
        "routes": routes, "integrations": integrations, "stages": stages, "backends": tried.len(),
        "backendsUntried": places.len() - tried.len(),
    });
    Ok((worst, looked))
}

/// Why nobody is at each of the places; `None`: somebody takes connections. All are tried at once, so that silent ones cost the
/// time of one.
fn try_places(targets: &[Target]) -> Vec<Option<String>> {
    let (told, heard) = mpsc::sync_channel(targets.len());
    for (number, target) in targets.iter().cloned().enumerate() {
        let told = told.clone();
        // Names are asked for without a limit of time: these threads may outlive the call, and are few.
        if TRYING.fetch_add(1, Ordering::AcqRel) >= TRYING_MAX {
            TRYING.fetch_sub(1, Ordering::AcqRel);
            continue;
        }
        std::thread::spawn(move || {
            let _ = told.send((number, try_place(&target)));
            TRYING.fetch_sub(1, Ordering::AcqRel);
        });
    }
    drop(told);
    let silent = format!("no answer within {} s", TRY_MAX.as_secs());
    let mut answers = vec![Some(silent); targets.len()];
    let until = Instant::now() + TRY_MAX;
    while let Ok((number, answer)) = heard.recv_timeout(until.saturating_duration_since(Instant::now())) {
        answers[number] = answer;
    }
    answers
}

fn try_place(target: &Target) -> Option<String> {
    let addresses = match (target.host.as_str(), target.port).to_socket_addrs() {
        Ok(addresses) => addresses,
        Err(_) => return Some(format!("the name {} leads nowhere", target.host)),
    };
    let mut why = "the name has no address".to_owned();
    for address in addresses.take(ADDRESSES_MAX) {
        match TcpStream::connect_timeout(&address, CONNECT_MAX) {
            Ok(_) => return None,
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                why = "the connection was refused".into()
            }
            Err(error) if error.kind() == std::io::ErrorKind::TimedOut => {
                why = format!("no answer within {} ms", CONNECT_MAX.as_millis());
            }
            Err(error) => why = error.to_string(),
        }
    }
    Some(why)
}
