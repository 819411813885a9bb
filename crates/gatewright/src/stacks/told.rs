//! What came of a stack, as a person reads it.

use std::collections::BTreeMap;

use functions::{Directory, Start};
use stacks::Fault;
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

impl Stacks {
    /// What was done, or would be: the plan, how to connect, what the template says of itself, and what a person should know.
    pub(crate) fn told(&self, asked: &Asked, done: &Done, is_plan: bool) -> String {
        told(asked, done, is_plan, &self.addresses, &self.functions)
    }
}

/// As [`Stacks::told`].
pub(crate) fn told(asked: &Asked, done: &Done, is_plan: bool, addresses: &Addresses, functions: &Directory) -> String {
    let Done { applied, unplaced } = done;
    let changes: Vec<_> = applied.changes.iter().filter(|change| change.is_done()).collect();
    let is_new = applied.record.updated.is_empty();
    let mut text = format!("stack {}", asked.name);
    text += match (changes.is_empty(), is_plan, is_new) {
        (true, ..) => ": nothing changes\n",
        (false, true, _) => ": would be changed\n",
        (false, false, true) => " is there\n",
        (false, false, false) => " is changed\n",
    };
    for change in &changes {
        text += &format!("  {change}\n");
    }
    if !is_plan {
        for (api_id, stage) in &applied.stages {
            let key = StageKey { api_id: api_id.as_str().into(), stage: stage.as_str().into() };
            text += &format!(
                "  connect  {}\n       or  {}\n",
                addresses.stage_url(&key),
                addresses.stage_url_by_host(&key)
            );
        }
    }
    for output in applied.record.outputs.iter().filter(|_| !is_plan) {
        text += &format!("  output   {} = {}\n", output.key, output.value);
    }
    for function in &applied.functions {
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
    text
}
