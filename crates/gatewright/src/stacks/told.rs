//! What came of a stack, as a person reads it.

use std::collections::{BTreeMap, BTreeSet};

use functions::{Directory, Start};
use stacks::{Applied, Fault};
use types::snapshot::StageKey;

use super::{Asked, Done, Stacks};
use crate::banner::Addresses;

/// How many resources of one ignored type are named.
const NAMES_SHOWN: usize = 3;

/// What is wrong, a paragraph each, with the lines that are meant.
pub(crate) fn faults(asked: &Asked, faults: &[Fault]) -> String {
    let file = asked.file.file_name().map_or_else(|| "template".into(), |name| name.to_string_lossy());
    // Of a document that was made of something else only the places are known.
    let shown: Vec<String> = faults.iter().map(|fault| fault.shown(&file, &asked.text)).collect();
    shown.join("\n")
}

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// It was applied.
    Applied,
    /// It was applied at the start, of which people are told where clients connect anyway.
    Started,
    /// It would be applied.
    Planned,
    /// It could be applied somewhere.
    Valid,
}

impl Stacks {
    /// What was done, or would be: the plan, how to connect, what the template says of itself, and what a person should know.
    pub(crate) fn told(&self, asked: &Asked, done: &Done, what: Told) -> String {
        told(asked, done, what, (&self.addresses, &self.functions, &self.links))
    }
}

/// The links of a stack that no setting describes, by name, with their targets.
fn unmapped(applied: &Applied, links: &BTreeSet<String>) -> Vec<(String, String)> {
    let of_stack = applied.record.resources.values().filter(|resource| resource.kind == "AWS::ApiGateway::VpcLink");
    let named = of_stack.map(|resource| {
        let arns = resource.body["targetArns"].as_array().into_iter().flatten().filter_map(|arn| arn.as_str());
        (resource.label.clone(), resource.physical.clone(), arns.map(str::to_owned).collect::<Vec<_>>())
    });
    let is_nowhere = |(name, id, arns): &(String, String, Vec<String>)| {
        !links.contains(name) && !links.contains(id) && !arns.iter().any(|arn| links.contains(arn))
    };
    named.filter(is_nowhere).map(|(name, _, arns)| (name, arns.join(", "))).collect()
}

fn told(
    asked: &Asked,
    done: &Done,
    what: Told,
    (addresses, functions, links): (&Addresses, &Directory, &BTreeSet<String>),
) -> String {
    let Done { applied, unplaced, .. } = done;
    let is_real = matches!(what, Told::Applied | Told::Started);
    let changes: Vec<_> = applied.changes.iter().filter(|change| change.is_done()).collect();
    let is_new = applied.record.updated.is_empty();
    let mut text = format!("stack {}", asked.name);
    text += match (what, changes.is_empty(), is_new) {
        (Told::Valid, ..) => ": the template is valid, and makes\n",
        (_, true, _) => ": nothing changes\n",
        (Told::Planned, _, true) => ": would be made\n",
        (Told::Planned, _, false) => ": would be changed\n",
        (_, _, true) => " is there\n",
        (_, _, false) => " is changed\n",
    };
    for change in &changes {
        text += &format!("  {change}\n");
    }
    if what == Told::Applied {
        for (api_id, stage) in &applied.stages {
            let key = StageKey { api_id: api_id.as_str().into(), stage: stage.as_str().into() };
            text += &format!(
                "  connect  {}\n       or  {}\n",
                addresses.stage_url(&key),
                addresses.stage_url_by_host(&key)
            );
        }
    }
    for output in applied.record.outputs.iter().filter(|_| is_real) {
        text += &format!("  output   {} = {}\n", output.key, output.value);
    }
    for function in applied.functions.iter().filter(|_| what != Told::Valid) {
        let here = functions.here().into_iter().find(|settings| settings.name == function.name);
        let nowhere = unplaced.iter().find(|(name, _)| *name == function.name);
        match (nowhere, here) {
            (Some((name, why)), _) => text += &format!("  function {name} does not run here: {why}\n"),
            (None, Some(settings)) => {
                let what = match &settings.start {
                    Start::Handler { handler, .. } => handler.clone(),
                    Start::Command(command) => command.join(" "),
                };
                text += &format!("  function {} runs here: {what} in {}\n", function.name, settings.code.display());
            }
            (None, None) => {}
        }
    }
    for (name, arns) in unmapped(applied, links) {
        text += &format!(
            "  VPC link {name}: nobody says where it leads; in the settings file: [vpc-links.\"{name}\"] targets = [\"HOST:PORT\"] ({arns})\n"
        );
    }
    let mut ignored: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (kind, logical) in &applied.ignored {
        ignored.entry(kind).or_default().push(logical);
    }
    for (kind, names) in ignored {
        let shown = names.iter().take(NAMES_SHOWN).copied().collect::<Vec<_>>().join(", ");
        let more = names.len().saturating_sub(NAMES_SHOWN);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        text += &format!("  left out {kind}: {shown}{more}\n");
    }
    let file = asked.file.file_name().map_or_else(|| "template".into(), |name| name.to_string_lossy());
    for remark in &applied.remarks {
        let place = if remark.place.line == 0 { String::new() } else { format!(" ({file}:{})", remark.place.line) };
        text += &format!("  note     {remark}{place}\n");
    }
    applied.record.masked(&text)
}
